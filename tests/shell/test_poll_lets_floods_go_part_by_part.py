"""A large flood is let go without holding up the polls, in one list for each chat all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.core.floods import HELD_FOR
from bot.core.lateness import Patience
from bot.core.model import Chat, Delivery, Verdict, Voice
from bot.errors import StoreError
from bot.poll.releasing import AGAIN_AFTER, ROWS_AT_ONCE, release_floods
from bot.ports import Store
from tests.fakes.clock import NOON
from tests.fakes.newsroom import FEW_MINUTES, NewsRoom, a_newsroom, item

DAY = timedelta(days=1)
CHATS = [Chat("telegram", "", str(5_000 + number)) for number in range(8)]
ITEMS = 300


class WatchedStore:
    """A store that notes how much each release writes, and breaks when told to."""

    def __init__(self, inner: Store, turn: asyncio.Lock) -> None:
        self.inner, self.turn = inner, turn
        self.parts: list[int] = []
        self.failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def end_flood(self, verdicts: Sequence[Verdict], deliveries: Sequence[Delivery]) -> None:
        assert self.turn.locked()
        if self.failure is not None:
            raise self.failure
        self.parts.append(len(deliveries))
        await self.inner.end_flood(verdicts, deliveries)


async def held(room: NewsRoom, items: int = ITEMS) -> WatchedStore:
    """Hold a flood that eight chats will be told of, and watch it go."""
    usual = [item(number, NOON - number * DAY) for number in range(1, 21)]
    for _ in range(2):
        await room.shows(usual)
    for chat in CHATS:
        await room.store.follow(chat, Voice(), "topic:policy", "Policy", room.clock.now())
    await room.shows([*(item(2_000 + number, NOON - 12 * DAY) for number in range(items)), *usual])
    assert (await room.store.floods())[0].items == items
    store = WatchedStore(room.store, room.desk.one_at_a_time)
    room.desk = replace(room.desk, store=cast("Store", store))
    return store


async def claimed(room: NewsRoom) -> list[tuple[Chat, int]]:
    """The messages that may go now: to whom, and of how many items."""
    rows = await room.store.claim(
        room.clock.now(), limit=99, platforms={"telegram"}, lease=FEW_MINUTES, patience=Patience()
    )
    return [(row.chat, 1 + len(row.also)) for row in rows]


async def test_what_goes_part_by_part_is_one_list_for_each_chat() -> None:
    async with a_newsroom() as room:
        store = await held(room)
        room.clock.advance(HELD_FOR)
        release = asyncio.create_task(release_floods(room.desk))
        told = []
        while not release.done():
            told += await claimed(room)
        await release
        assert (len(store.parts) > 1, max(store.parts) <= ROWS_AT_ONCE) == (True, True)
        assert sum(store.parts) == ITEMS * (len(CHATS) + 1)
        room.clock.advance(timedelta(seconds=5))
        told += await claimed(room)
        assert sorted(count for _, count in told) == [ITEMS] * (len(CHATS) + 1)
        assert {chat for chat, _ in told} >= set(CHATS)


async def test_others_decide_between_two_parts() -> None:
    async with a_newsroom() as room:
        store = await held(room)
        room.clock.advance(HELD_FOR)
        seen: list[int] = []

        async def decide() -> None:
            while len(store.parts) < 2:
                async with room.desk.one_at_a_time:
                    seen.append(len(store.parts))
                await asyncio.sleep(0)

        await asyncio.gather(decide(), release_floods(room.desk))
        assert 1 in seen


async def test_a_flood_that_cannot_be_let_go_stops_no_poll_and_is_tried_again() -> None:
    async with a_newsroom() as room:
        store = await held(room, 40)
        store.failure = ZeroDivisionError()
        room.clock.advance(HELD_FOR)
        polled = await room.shows([item(1, NOON - DAY), item(9_000, room.clock.now().isoformat())])
        assert polled.alerts > 0
        store.failure = None
        await room.passes(timedelta(seconds=1))
        assert len(await room.store.floods()) == 1, "it is not tried at every tick"
        await room.passes(AGAIN_AFTER)
        assert (await room.store.floods(), store.parts) == ((), [40 * (len(CHATS) + 1)])


async def test_a_database_that_fails_is_no_fault_of_a_flood() -> None:
    async with a_newsroom() as room:
        store = await held(room, 40)
        store.failure = StoreError("the disk is full")
        with pytest.raises(StoreError, match="disk is full"):
            await room.passes(HELD_FOR)
        store.failure = None
        await room.passes(timedelta(seconds=1))
        assert await room.store.floods() == ()
