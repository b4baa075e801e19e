"""The Telegram room on the strict server, with the real commands and a store behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from bot.commands import COMMANDS, Who
from bot.core.model import Chat, Voice
from bot.core.speech import Call, Reply
from bot.daemon import FrontDoor
from bot.ports import Store
from bot.store.memory import MemoryStore
from handlers.telegram import Telegram
from tests.fakes.asker import a_desk, text_of
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.telegram import TOKEN, FakeTelegram

CHANGING = [
    line
    for name, known in COMMANDS.items()
    for line in (name, *(f"{name} {word}" for word in sorted(known.steers)))
    if known.who_may(tuple(line.split()[1:])) is not Who.EVERYBODY
]
"""Every line of the registry that is not for everybody. Whoever adds a command has it tried unasked."""

OPERATING = {line for line in CHANGING if COMMANDS[line.split()[0]].who_may(tuple(line.split()[1:])) is Who.OPERATORS}

LOOKING = {
    "cursors",
    "subscribers",
    "subscriptions",
    "preferences",
    "missed",
    "kept",
    "paused_sources",
    "stories",
    "story",
    "story_with_key",
    "decisions",
    "history",
    "outbox",
    "delivery",
    "told",
    "held",
    "floods",
    "census",
}
"""What of a store only looks. A method that is not named here counts as one that changes something."""


class Watched:
    """A store that notes what is asked of it."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self.inner, name)

    @property
    def changes(self) -> set[str]:
        return set(self.asked) - LOOKING


class Doorbook:
    """The front door, and who came through it with what answer."""

    def __init__(self, door: FrontDoor) -> None:
        self.door = door
        self.visits: list[tuple[Call, Reply]] = []
        self.moved, self.left, self.returned, self.history = door.moved, door.left, door.returned, door.history

    async def answer(self, call: Call) -> Reply:
        reply = await self.door.answer(call)
        self.visits.append((call, reply))
        return reply


@dataclass(slots=True)
class House:
    """`book` has every call with its answer, `store` what was asked of the store."""

    telegram: FakeTelegram
    store: Watched
    book: Doorbook
    room: Telegram
    clock: FakeClock = field(default_factory=FakeClock)

    async def quiet(self) -> None:
        """Wait until every update was taken, and every answer sent."""
        await until(lambda: not self.telegram.world.updates)

    async def follows(self, chat: int, thread: str = "") -> list[str]:
        return [one.label for one in await self.store.inner.subscriptions(in_telegram(chat, thread))]

    async def follow(self, chat: int, query: str = "topic:tps", label: str = "TPS", thread: str = "") -> None:
        await self.store.inner.follow(in_telegram(chat, thread), Voice(), query, label, self.clock.now())

    async def active(self) -> set[Chat]:
        """Give the chats that would be alerted now."""
        queries = (await self.store.inner.queries_since(0)).added
        return {reader.chat for reader in await self.store.inner.subscribers([query.id for query in queries])}

    async def heard(self, count: int, chat: int) -> list[str]:
        """Wait until a chat was sent so many messages, and give them."""
        await until(lambda: len(self.texts(chat)) >= count)
        return self.texts(chat)

    def texts(self, chat: int) -> list[str]:
        return [message.text for message in self.telegram.accepted if message.chat == chat]

    def answers(self) -> Sequence[str]:
        return [text_of(reply) for _, reply in self.book.visits]

    def wait_a_minute(self) -> None:
        """Let what is kept of rights and of limits be over."""
        self.clock.advance(timedelta(seconds=61))


def in_telegram(chat: int, thread: str = "") -> Chat:
    return Chat("telegram", "", str(chat), thread)


@asynccontextmanager
async def at_home(inner: Store | None = None) -> AsyncIterator[House]:
    clock, store = FakeClock(), Watched(inner or MemoryStore())
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        desk = a_desk(store=cast("Store", store), clock=clock)
        book = Doorbook(FrontDoor(desk, asyncio.Lock(), lambda: None))
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        listening = asyncio.create_task(room.listen(book))
        yield House(telegram, store, book, room, clock)
        assert not listening.done()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await room.close()
