"""The Slack room: `render` says alerts, `client` posts them, `inbound` hears people, `sockets` holds the connection."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from slack_bolt.app.async_app import AsyncApp

from bot.core.model import Alert, Chat
from bot.core.pace import Limit, Pace
from bot.core.speech import Message, Reply
from bot.errors import TokenError
from bot.ports import Clock, Door
from bot.turn import turn
from handlers.slack.client import Client, Identity
from handlers.slack.inbound import Inbound
from handlers.slack.manifest import DEFAULT_COMMAND
from handlers.slack.members import Members
from handlers.slack.render import alert_message, pages, posted
from handlers.slack.sockets import STEADY, Connection, Rhythm

API_URL = "https://slack.com/api/"
SECOND = timedelta(seconds=1)

# "1 message per second to a specific channel", "several hundred messages per minute" in a workspace:
# docs.slack.dev/reference/methods/chat.postMessage. Four a second are 240 a minute; bursts are allowed, not needed.
PER_CHANNEL = Limit(1, SECOND)
OVERALL = Limit(4, SECOND)


class Slack:
    """The Slack room. See `bot.ports.Platform`.

    `who` may change things: "members" (full members, no guests), "admins", or user ids. `timeout` is in seconds.
    """

    name = "slack"

    def __init__(
        self,
        bot_token: str,
        app_token: str,
        *,
        clock: Clock,
        api_url: str = API_URL,
        command: str = DEFAULT_COMMAND,
        who: str | Collection[str] = "members",
        timeout: float = 30.0,
        rhythm: Rhythm = STEADY,
    ) -> None:
        self.pace = Pace(OVERALL, lambda _: (PER_CHANNEL,))
        self._clock = clock
        self._command = command
        self._who = who
        self._client = Client(bot_token, app_token, api_url=api_url, timeout=timeout)
        self._connection = Connection(self._client, app_token, clock=clock, rhythm=rhythm)

    @property
    def is_connected(self) -> bool:
        """Whether people can reach the bot now. Alerts go out without it."""
        return self._connection.alive

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        return alert_message(alert, repeat=repeat, plain=plain)

    async def send(self, chat: Chat, message: Message) -> str:
        """Post once; the receipt is the message's ts, which names it within its channel."""
        async with turn(self.pace, chat, self._clock):
            try:
                return await self._client.post(chat, message.native)
            except TokenError as refusal:
                self._connection.doubt(refusal)  # whoever hears people should not think that all is well
                raise

    async def tell(self, chat: Chat, reply: Reply) -> None:
        for page in pages(reply):
            await self.send(chat, Message("", posted(page)))

    async def listen(self, door: Door) -> None:
        def app(me: Identity) -> AsyncApp:
            members = Members(self._who, team=me.team, look_up=self._client.user, clock=self._clock)
            return Inbound(
                client=self._client,
                door=door,
                members=members,
                me=me,
                command=self._command,
                pace=self.pace,
                clock=self._clock,
                doubt=self._connection.doubt,
            ).app()

        await self._connection.run(app)

    async def close(self) -> None:
        await self._client.close()
