"""The watchdog's ping means that the bot gets somewhere: a timer that pings blindly fails here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.app.service import keep_informed
from bot.core.intake import Cursor, SourceSpec
from bot.errors import DiskFull, FetchError, StoreError
from bot.store.memory import MemoryStore
from bot.systemd import ServiceManager
from bot.watchdog import Patience, Signs, Stillness
from config.settings import Fetch, Settings
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.house import House, Room
from tests.fakes.systemd import FakeSystemd, systemd

SECONDS = 0.6
PATIENCE = Patience(polling=45, claiming=35, messages=45, one_message=150)
AT_ONCE = {"timeout": timedelta(milliseconds=100), "per_host_delay": timedelta(0)}  # quicker than settings may be
QUICK = Settings(fetch=Fetch().model_copy(update=AT_ONCE))


# --- the rule -----------------------------------------------------------------------------------------------------


def test_what_moves_between_looks_is_fine() -> None:
    stillness = Stillness(PATIENCE)
    for look in range(100):
        assert stillness.look(Signs(look, look, frozenset({look})), 10.0 * look) == ""


@pytest.mark.parametrize(
    ("signs", "part", "within"),
    [
        (lambda look: Signs(0, look), "polling", PATIENCE.polling),
        (lambda look: Signs(look, 0), "claiming", PATIENCE.claiming),
        (lambda look: Signs(look, look, frozenset({"m"})), "messages", PATIENCE.messages),
        (lambda look: Signs(look, look, frozenset({"m", look})), "one message", PATIENCE.one_message),
    ],
)
def test_what_stands_still_is_named_within_its_patience(
    signs: Callable[[int], Signs], part: str, within: float
) -> None:
    stillness = Stillness(PATIENCE)
    named = [10.0 * look for look in range(40) if stillness.look(signs(look), 10.0 * look) == part]
    assert within < named[0] <= within + 10


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=60))
def test_it_speaks_exactly_when_a_part_stood_still_for_longer_than_its_patience(looks: list[tuple[bool, ...]]) -> None:
    stillness = Stillness(replace(PATIENCE, one_message=10_000))
    counts, since = [0, 0, 0], [0.0, 0.0, 0.0]
    for number, moves in enumerate([(True, True, True), *looks]):
        now = 10.0 * number
        for part, moved in enumerate(moves):
            if moved:
                counts[part], since[part] = counts[part] + 1, now
        said = stillness.look(Signs(counts[0], counts[1], frozenset({counts[2]})), now)
        limits = (PATIENCE.polling, PATIENCE.claiming, PATIENCE.messages)
        assert bool(said) == any(now - at > limit for at, limit in zip(since, limits, strict=True))


def test_nothing_under_way_is_no_standing_still() -> None:
    stillness = Stillness(PATIENCE)
    assert not any(stillness.look(Signs(look, look), 10.0 * look) for look in range(100))


# --- the whole bot ------------------------------------------------------------------------------------------------


class Stage:
    """A whole bot, told by a service manager that its watchdog wants to hear from it every so often."""

    def __init__(self, house: House, manager: FakeSystemd) -> None:
        self.house, self.manager = house, manager
        keep_informed(house.bot, QUICK, ServiceManager(manager.environ), lambda: True)

    async def begin(self) -> None:
        await self.house.bot.begin()
        self.serving = asyncio.create_task(self.house.bot.serve())
        await until(lambda: self.manager.pings > 3)

    async def falls_silent(self) -> None:
        """Wait until no ping comes for so long that systemd would end the process."""
        async with asyncio.timeout(20):
            pings = -1
            while pings != self.manager.pings:
                pings = self.manager.pings
                await asyncio.sleep(SECONDS)

    async def end(self) -> None:
        assert not self.serving.done()
        self.house.bot.drain_seconds = 0.05
        self.house.bot.stop.set()
        await asyncio.gather(self.serving, return_exceptions=True)


class Hanging:
    """A memory store of which one method hangs, or fails, once told to."""

    def __init__(self, method: str, error: Exception | None = None) -> None:
        self.inner = MemoryStore()
        self.hangs = False
        self._method, self._error = method, error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)

        async def may_hang(*args: Any, **kwargs: Any) -> Any:
            if self.hangs and self._error is not None:
                raise self._error
            if self.hangs:
                await asyncio.Event().wait()
            return await method(*args, **kwargs)

        return may_hang if name == self._method else method


async def test_pings_come_as_long_as_everything_moves(tmp_path: Path) -> None:
    with systemd(tmp_path, watchdog_seconds=SECONDS) as manager:
        stage = Stage(House(Room(FakeClock()), clock=FakeClock()), manager)
        await stage.begin()
        pings = manager.pings
        await until(lambda: manager.pings > pings + 10)
        assert manager.status.startswith("1 source, ")
        assert manager.status.endswith("failing; fake on")
        await stage.end()


async def test_a_stalled_poll_loop_stops_the_pings(tmp_path: Path) -> None:
    house = House(Room(FakeClock()), clock=FakeClock())

    async def hang(source: SourceSpec, url: str, cursor: Cursor) -> FetchError:
        await asyncio.Event().wait()
        raise AssertionError

    with systemd(tmp_path, watchdog_seconds=SECONDS) as manager, capture_logs() as logs:
        stage = Stage(house, manager)
        await stage.begin()
        house.bot.polling = replace(house.bot.polling, fetch=hang)
        house.clock.advance(timedelta(days=1))  # the source is due
        await stage.falls_silent()
        await stage.end()
    held = [line["why"] for line in logs if line["event"] == "watchdog.held_back"]
    assert held == ["polling stands still"]


async def test_a_poll_that_waits_for_its_turn_in_vain_stops_the_pings(tmp_path: Path) -> None:
    house = House(Room(FakeClock()), clock=FakeClock())
    with systemd(tmp_path, watchdog_seconds=SECONDS) as manager:
        stage = Stage(house, manager)
        await stage.begin()
        house.bot.polling = replace(house.bot.polling, places=asyncio.Semaphore(0))
        house.clock.advance(timedelta(days=1))
        await stage.falls_silent()
        assert stage.house.announced  # it had polled before
        await stage.end()


async def test_a_stalled_lane_stops_the_pings(tmp_path: Path) -> None:
    clock = FakeClock()
    room = Room(clock)
    house = House(room, clock=clock)

    async def hang(*_: object) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    room.send = hang  # type: ignore[method-assign, assignment]
    with systemd(tmp_path, watchdog_seconds=SECONDS) as manager, capture_logs() as logs:
        stage = Stage(house, manager)
        await stage.begin()
        await house.post()
        house.lanes.wake()
        await stage.falls_silent()
        await stage.end()
    held = [line["why"] for line in logs if line["event"] == "watchdog.held_back"]
    assert held == ["messages stands still"]


@pytest.mark.parametrize(
    ("method", "error", "why"),
    [
        ("claim", None, "claiming stands still"),
        ("touch", None, "the database takes no write in time"),
        ("touch", StoreError("The disk fails."), "The disk fails."),
    ],
)
async def test_a_database_that_takes_no_write_stops_the_pings(
    tmp_path: Path, method: str, error: Exception | None, why: str
) -> None:
    store = Hanging(method, error)
    with systemd(tmp_path, watchdog_seconds=SECONDS) as manager, capture_logs() as logs:
        stage = Stage(House(Room(FakeClock()), clock=FakeClock(), store=store), manager)
        await stage.begin()
        store.hangs = True
        await stage.falls_silent()
        store.hangs = False
        if method == "touch":
            pings = manager.pings
            await until(lambda: manager.pings > pings)
        await stage.end()
    events = [line["why"] for line in logs if line["event"] == "watchdog.held_back"]
    assert events == [why]


async def test_a_full_disk_is_waited_out_since_a_new_process_would_have_no_more_room(tmp_path: Path) -> None:
    store = Hanging("touch", DiskFull("The disk is full."))
    with systemd(tmp_path, watchdog_seconds=SECONDS) as manager:
        stage = Stage(House(Room(FakeClock()), clock=FakeClock(), store=store), manager)
        store.hangs = True
        await stage.begin()
        await stage.end()


async def test_without_a_watchdog_only_words_are_told(tmp_path: Path) -> None:
    with systemd(tmp_path) as manager:
        stage = Stage(House(Room(FakeClock()), clock=FakeClock()), manager)
        stage.serving = asyncio.create_task(stage.house.bot.serve())
        await until(lambda: "fake on" in manager.status)
        await stage.end()
        assert manager.pings == 0
