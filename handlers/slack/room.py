"""The Slack room: `render` says alerts, `client` posts them, `inbound` hears people through an ear of `listening`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from aiohttp.web import RouteDef

from bot.core.model import Alert, Chat, Delivery
from bot.core.pace import Limit, Pace
from bot.core.speech import Message, Reply
from bot.errors import SendError, TokenError
from bot.ports import Clock, Door
from bot.turn import turn
from handlers.slack.client import Client
from handlers.slack.inbound import Inbound
from handlers.slack.installed import Installed, OAuthApp
from handlers.slack.installing import Installing
from handlers.slack.listening import Listening
from handlers.slack.manifest import DEFAULT_COMMAND
from handlers.slack.members import Members, User
from handlers.slack.render import alert_message, list_message, pages, posted
from handlers.slack.requests import Requests
from handlers.slack.sockets import STEADY, Rhythm, Socket
from handlers.slack.workspaces import OneWorkspace, Workspace, Workspaces

API_URL = "https://slack.com/api/"
SECOND = timedelta(seconds=1)

# "1 message per second to a specific channel", "several hundred messages per minute" in a workspace:
# docs.slack.dev/reference/methods/chat.postMessage. Four a second are 240 a minute; bursts are allowed, not needed.
PER_CHANNEL = Limit(1, SECOND)
OVERALL = Limit(4, SECOND)


class Slack:
    """The Slack room. See `bot.ports.Platform`.

    It serves the workspace of the bot token, or, with an `oauth` app, every workspace that installed it. Slack is heard
    through a socket that the app token opens, or, where there is a `signing_secret`, through requests to
    `public_routes`. `who` may change things: "members" (full members, no guests), "admins", or user ids. `timeout` is
    in seconds.
    """

    name = "slack"

    def __init__(
        self,
        bot_token: str,
        app_token: str,
        *,
        clock: Clock,
        signing_secret: str = "",
        oauth: OAuthApp | None = None,
        api_url: str = API_URL,
        command: str = DEFAULT_COMMAND,
        who: str | Collection[str] = "members",
        timeout: float = 30.0,
        rhythm: Rhythm = STEADY,
    ) -> None:
        self.pace = Pace(OVERALL, lambda _: (PER_CHANNEL,))
        self.public_routes: list[RouteDef] = []
        self._clock = clock
        self._command = command
        self._who = who
        self._client = Client(api_url=api_url, timeout=timeout)
        if signing_secret:
            requests = Requests(signing_secret, clock=clock)
            self.public_routes += requests.routes()
            self._listening = Listening(requests, clock)
        else:
            self._listening = Listening(Socket(self._client, app_token, rhythm=rhythm), clock)
        self._door: Door | None = None
        self._workspaces: Workspaces = OneWorkspace(self._client, bot_token, self._listening.doubt)
        if oauth is not None:
            installed = Installed(self._client, oauth, clock, door=lambda: self._door)
            self.public_routes += Installing(self._client, oauth, installed, clock, api_url=api_url).routes()
            self._workspaces = installed

    @property
    def is_connected(self) -> bool:
        """Whether people can reach the bot now. Alerts go out without it."""
        return self._listening.alive

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        return alert_message(alert, repeat=repeat, plain=plain)

    def render_list(self, late: Sequence[Delivery]) -> Message:
        return list_message(late)

    async def probe(self) -> None:
        """Ask Slack who we are: nobody sees that."""
        await self._workspaces.prove()

    async def send(self, chat: Chat, message: Message) -> str:
        """Post once; the receipt is the message's ts, which names it within its channel."""
        return await self._post(chat, message.native)

    async def tell(self, chat: Chat, reply: Reply) -> None:
        for page in pages(reply):
            await self._post(chat, posted(page))

    async def listen(self, door: Door) -> None:
        inbound = Inbound(
            client=self._client,
            door=door,
            members=Members(self._who, look_up=self._look_up, clock=self._clock),
            workspaces=self._workspaces,
            command=self._command,
            post=self._post,
        )
        self._door = door
        await self._listening.run(inbound.app(), self._workspaces.prove)

    async def close(self) -> None:
        await self._workspaces.close()
        await self._client.close()

    async def _post(self, chat: Chat, message: Mapping[str, object]) -> str:
        async with turn(self.pace, chat, self._clock):
            token = await self._workspaces.token(chat.workspace)
            try:
                return await self._client.post(token, chat, message)
            except TokenError as refusal:
                raise await self._workspaces.refused(chat.workspace, token, refusal) from None

    async def _look_up(self, workspace: Workspace, user_id: str) -> User | None:
        try:
            return await self._client.user(await self._workspaces.token(workspace.name), user_id)
        except SendError:
            return None  # whoever cannot be looked up may not change anything
