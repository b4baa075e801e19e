"""Every room of the bot, each set before the strict server of its platform: for the contract that all rooms keep."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from bot.core.model import Chat
from bot.errors import BadMessage, BotError, ChatGone, ChatMoved, MaybeSent, TokenError, TryLater
from bot.ports import Platform
from handlers.console import Console
from handlers.slack import Slack
from handlers.telegram import Telegram
from handlers.web import Web
from tests.fakes.clock import FakeClock
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import TOKEN, FakeTelegram, Kind, answer, refusal
from tests.fakes.telegram import Fault as TelegramFault


@dataclass(frozen=True, slots=True)
class Stage:
    """A room, a chat that it may send to, and what its platform saw.

    `requests` counts attempts to send, `accepted` gives the texts that the platform took. `trouble` names what can
    come between: the error that the room must raise, and how to let the next attempt meet it.
    """

    room: Platform
    chat: Chat
    requests: Callable[[], int] = lambda: 0
    accepted: Callable[[], list[str]] = list
    trouble: Mapping[str, tuple[type[BotError], Callable[[], object]]] = field(default_factory=dict)


@asynccontextmanager
async def telegram() -> AsyncIterator[Stage]:
    clock = FakeClock()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as server:
        server.world.add_private(7)
        room = Telegram(TOKEN, api_url=server.api_url, clock=clock)

        def plan(fault: TelegramFault) -> Callable[[], object]:
            return lambda: server.plan("sendMessage", fault)

        yield Stage(
            room,
            Chat("telegram", "", "7"),
            requests=lambda: server.calls["sendMessage"],
            accepted=lambda: [message.text for message in server.accepted],
            trouble={
                "too many": (TryLater, plan(refusal(429, "Too Many Requests: retry after 3", retry_after=3))),
                "dropped before": (MaybeSent, plan(TelegramFault(Kind.DROP_BEFORE))),
                "dropped after": (MaybeSent, plan(TelegramFault(Kind.DROP_AFTER))),
                "cut answer": (MaybeSent, plan(TelegramFault(Kind.CUT))),
                "garbage": (MaybeSent, plan(TelegramFault(Kind.GARBAGE))),
                "server error": (MaybeSent, plan(answer(502, "<html>502</html>"))),
                "bad message": (BadMessage, plan(refusal(400, "Bad Request: can't parse entities: whatever"))),
                "chat gone": (ChatGone, plan(refusal(403, "Forbidden: bot was blocked by the user"))),
                "chat moved": (ChatMoved, plan(refusal(400, "Bad Request: whatever", migrate_to_chat_id=-1))),
                "bad token": (TokenError, plan(refusal(401, "Unauthorized"))),
            },
        )
        await room.close()


@asynccontextmanager
async def slack() -> AsyncIterator[Stage]:
    clock = FakeClock()
    async with FakeSlack(now=lambda: clock.now().timestamp()) as server:
        room = Slack(server.bot_token, server.app_token, clock=clock, api_url=server.api_url)

        def fail(error: str) -> Callable[[], object]:
            return lambda: server.fail_next("chat.postMessage", error)

        yield Stage(
            room,
            Chat("slack", "", "C0NEWS"),
            requests=lambda: server.calls.get("chat.postMessage", 0),
            accepted=lambda: [posted.text for posted in server.accepted],
            trouble={
                "too many": (TryLater, lambda: server.flood("3")),
                "dropped before": (MaybeSent, server.drop_before_accept),
                "dropped after": (MaybeSent, server.drop_after_accept),
                "garbage": (MaybeSent, server.garbage),
                "server error": (MaybeSent, lambda: server.fail_next("chat.postMessage", "internal_error", status=500)),
                "bad message": (BadMessage, fail("invalid_blocks")),
                "chat gone": (ChatGone, fail("is_archived")),
                "bad token": (TokenError, fail("token_revoked")),
            },
        )
        await room.close()


@asynccontextmanager
async def web() -> AsyncIterator[Stage]:
    async def ready() -> tuple[str, ...]:
        return ()

    room = Web("127.0.0.1", 0, clock=FakeClock(), ready=ready)
    yield Stage(room, Chat("web", "", "local"))
    await room.close()


@asynccontextmanager
async def console() -> AsyncIterator[Stage]:
    screen = io.StringIO()
    room = Console(io.StringIO(), screen, styled=False)
    yield Stage(room, Chat("console", "", "local"), accepted=lambda: [screen.getvalue()] if screen.getvalue() else [])
    await room.close()


STAGES: Mapping[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "telegram": telegram,
    "slack": slack,
    "web": web,
    "console": console,
}
