"""The room itself: what the rest of the bot knows of Telegram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core.model import Alert, Chat, Delivery
from bot.core.pace import Limit, Pace
from bot.core.speech import Mark, Message, Reply, Span
from bot.errors import ChatMoved
from bot.ports import Clock, Door
from bot.turn import turn
from handlers.telegram import render
from handlers.telegram.client import Client
from handlers.telegram.inbound import Listener
from handlers.telegram.replies import Replies

# core.telegram.org/bots/faq: 30 a second overall, 1 a second in one chat, 20 a minute in one group.
# Channels count as groups: support says so, the FAQ does not.
_OVERALL = Limit(30, timedelta(seconds=1))
_PER_CHAT = Limit(1, timedelta(seconds=1))
_PER_GROUP = Limit(20, timedelta(minutes=1))

_TOPIC_LOST = Reply(
    (
        Span("The topic that alerts went to is closed or deleted, so they come to the whole group from now on. "),
        Span("An administrator may choose anew: write "),
        Span("/topics", Mark.CODE),
        Span(" here, or in another topic."),
    )
)


def limits_for(chat: Chat) -> tuple[Limit, ...]:
    """Name the limits of one chat. Groups and channels have negative ids; public ones may be written as @name."""
    return (_PER_CHAT, _PER_GROUP) if chat.id.startswith(("-", "@")) else (_PER_CHAT,)


class Telegram:
    """Telegram as a `Platform`. `api_url` is the root of the Bot API, another one for a local server.

    `answer_seconds` is how long an answer to a message is waited for; then nobody knows whether it arrived.
    """

    name = "telegram"

    def __init__(
        self, token: str, *, api_url: str = "https://api.telegram.org", clock: Clock, answer_seconds: float = 20.0
    ) -> None:
        self.pace = Pace(_OVERALL, limits_for)
        self._clock = clock
        self._client = Client(token, api_url, answer_seconds=answer_seconds)
        self._notices = Replies(self._say, clock)

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        return render.alert(alert, repeat=repeat, plain=plain)

    def render_list(self, late: Sequence[Delivery]) -> Message:
        return render.late(late)

    async def probe(self) -> None:
        """Ask Telegram who we are: nobody sees that, and no limit counts it."""
        await self._client.me()

    async def send(self, chat: Chat, message: Message) -> str:
        """Send when the limits allow it; the receipt is the message's number in its chat.

        A topic that is deleted or closed gives what it follows to its group (`ChatMoved`), which is told so.
        """
        try:
            return await self._say(chat, message)
        except ChatMoved as moved:
            if chat.thread and moved.to == replace(chat, thread=""):
                self._notices.say(moved.to, render.reply(_TOPIC_LOST))
            raise

    async def _say(self, chat: Chat, message: Message) -> str:
        async with turn(self.pace, chat, self._clock):
            return await self._client.send(chat, message)

    async def tell(self, chat: Chat, reply: Reply) -> None:
        for message in render.reply(reply):
            await self._say(chat, message)

    async def listen(self, door: Door) -> None:
        await Listener(self._client, door, self._clock, self._say).run()

    async def close(self) -> None:
        await self._notices.close()
        await self._client.close()
