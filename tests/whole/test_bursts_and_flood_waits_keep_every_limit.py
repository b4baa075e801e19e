"""One alert for very many chats, and a chat that Telegram closes for half a day: limits hold (R35, R36)."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.attempting import DeliverDesk
from bot.core.model import Chat, DeliveryState, Voice
from bot.deliver import Lanes
from bot.store.sqlite.store import SqliteStore
from handlers.telegram import Telegram
from tests.builders import NOW, a_story, at
from tests.fakes.clock import FakeClock
from tests.fakes.daemon import until
from tests.fakes.feeds import FeedServer
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.town import Town
from tests.storing import follow, in_memory_directory, publish

SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200 if SOAK else 120)]

CHATS = 5000 if SOAK else 120  # the latter on a clock of its own
ALERTS, OTHERS = (200, 7) if SOAK else (40, 7)
FLOOD = timedelta(seconds=43_838)  # the longest flood wait that anybody reported


def chat(number: int) -> Chat:
    return Chat("telegram", "", str(701 + number))


@asynccontextmanager
async def running(path: Path, telegram: FakeTelegram, clock: FakeClock) -> AsyncIterator[tuple[SqliteStore, Lanes]]:
    """What delivers, from its start to its end: a second one finds what the first wrote down."""
    store = SqliteStore(path)
    await store.recover(clock.now(), every_lease=True)
    room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
    lanes = Lanes(DeliverDesk(store, {"telegram": room}, clock, lambda: 0.5, lambda *_: None))
    yield store, lanes
    await lanes.drain(5)
    await room.close()
    await store.close()


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@pytest.mark.skipif(SOAK, reason="the soak does it in real time")
async def test_one_alert_reaches_many_chats_within_the_limits() -> None:
    clock = FakeClock(at())
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        with in_memory_directory() as directory:
            async with running(directory / "policybell.db", telegram, clock) as (store, lanes):
                for number in range(CHATS):
                    telegram.world.add_private(701 + number)
                    await follow(store, chat(number))
                await publish(store, a_story(1), due_at=clock.now())
                await lanes.exhaust()
        times = sorted(one.at for one in telegram.accepted)
        assert len({one.chat for one in telegram.accepted}) == len(times) == CHATS
        assert all(later - earlier >= 1 for earlier, later in zip(times, times[30:], strict=False))
        assert telegram.calls["sendMessage"] == CHATS  # none was refused


@pytest.mark.skipif(not SOAK, reason="takes minutes of real time")
async def test_one_alert_reaches_five_thousand_chats_in_real_time(tmp_path: Path) -> None:
    async with FeedServer() as feeds, FakeTelegram(latency=0.05) as telegram:
        town = Town(tmp_path, feeds, telegram, CHATS)
        town.daemon.database.parent.mkdir()
        store = SqliteStore(town.daemon.database)
        for private in town.chats:
            telegram.world.add_private(private)
            await store.follow(Chat("telegram", "", str(private)), Voice(), "topic:tps", "TPS", NOW)
        await store.close()
        telegram.close_chat(town.chats[0], FLOOD.total_seconds())
        try:
            await town.daemon.start()
            await until(lambda: feeds.count("/feed.xml") > 1)
            cpu, began = town.daemon.cpu_seconds(), time.monotonic()
            town.publish(1)
            await until(lambda: len(telegram.accepted) == CHATS - 1, 300)
            took, cpu = time.monotonic() - began, town.daemon.cpu_seconds() - cpu
        finally:
            assert await town.daemon.stop() == 0
        times = sorted(one.at for one in telegram.accepted)
        assert len({one.chat for one in telegram.accepted}) == CHATS - 1
        assert all(later - earlier >= 1 for earlier, later in zip(times, times[30:], strict=False))
        assert telegram.calls["sendMessage"] == CHATS  # but for the closed chat none was refused
        assert town.states() == {"sent": CHATS - 1, "pending": 1}
        assert took <= 240
        print(
            f"\n{CHATS} chats, one alert: all accepted {took:.0f} s after publication, {CHATS / took:.1f}/s, at most "
            f"30 in any second, 429s 0 but for the one chat in a flood wait, CPU {cpu:.1f} s"
        )


async def test_a_chat_in_a_flood_wait_of_half_a_day_delays_no_other_and_is_left_alone_across_a_restart() -> None:
    clock = FakeClock(at())
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        for number in range(OTHERS + 1):
            telegram.world.add_private(701 + number)
        telegram.close_chat(701, FLOOD.total_seconds())
        published: dict[int, float] = {}
        with in_memory_directory() as directory:
            for half in range(2):
                async with running(directory / "policybell.db", telegram, clock) as (store, lanes):
                    for number in range(OTHERS + 1):
                        await follow(store, chat(number))
                    for number in range(1 + half * ALERTS // 2, 1 + (half + 1) * ALERTS // 2):
                        published[number] = clock.now().timestamp()
                        await publish(store, a_story(number), due_at=clock.now())
                        await lanes.exhaust()
                        clock.advance(timedelta(seconds=2))
                    assert telegram.calls["sendMessage"] == 1 + OTHERS * (half + 1) * ALERTS // 2
                clock.set(max(clock.now(), at() + FLOOD / 2))
            waits = [one.at - published[story_of(one.text)] for one in telegram.accepted]
            assert 701 not in {one.chat for one in telegram.accepted}
            assert p95(waits) <= 2
            clock.set(at() + FLOOD + timedelta(seconds=1))
            async with running(directory / "policybell.db", telegram, clock) as (store, lanes):
                while (await store.census()).deliveries[DeliveryState.PENDING]:
                    await lanes.exhaust()
        late = [one for one in telegram.accepted if one.chat == 701]
        told = [number for one in late for number in stories_of(one.text)]
        assert sorted(told) == list(range(1, ALERTS + 1))
        print(
            f"\nflood wait of {FLOOD.total_seconds():.0f} s, restarted at half time: 0 requests too early, "
            f"{ALERTS} alerts to {OTHERS} others p95 {p95(waits):.1f} s, its own alerts in {len(late)} messages"
        )


def stories_of(text: str) -> list[int]:
    words = text.split()
    return sorted({int(after) for word, after in pairwise(words) if word == "number" and after.isdigit()})


def story_of(text: str) -> int:
    (number,) = stories_of(text)
    return number
