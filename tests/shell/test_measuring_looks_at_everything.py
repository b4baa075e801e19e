"""Facts come from where they are known, and what is not known is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bot.core.alarms import Facts, SourceHealth, Thresholds, Waiting, standing
from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec, Trouble
from bot.core.model import Changes, DeliveryState
from bot.core.outcome import Refused
from bot.errors import FetchError, StoreError
from bot.ports import Store
from bot.ports.oversight import Vitals
from bot.store.memory import MemoryStore
from bot.watching.measuring import Instruments, WorldClock
from tests.builders import a_chat, a_source, a_story
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.house import Breaking
from tests.storing import claim_one, follow, publish

SOURCES = {one.id: one for one in (a_source(1), a_source(2), a_source(3))}


def instruments(tmp_path: Path, store: Any = None, clock: FakeClock | None = None, **more: Any) -> Instruments:
    return Instruments(
        cast("Store", store or MemoryStore()), clock or FakeClock(), tmp_path, sources=lambda: SOURCES, **more
    )


async def test_of_a_new_bot_nothing_is_known_but_the_disk(tmp_path: Path) -> None:
    facts = (await instruments(tmp_path).measure()).facts
    assert facts == Facts(NOON, disk_free=facts.disk_free)
    assert facts.disk_free
    assert (await instruments(tmp_path / "nowhere").measure()).facts.disk_free is None


async def test_a_source_fails_since_its_last_good_poll_or_since_we_saw_it_fail(tmp_path: Path) -> None:
    store, clock = MemoryStore(), FakeClock()
    await store.register(tuple(SOURCES.values()))
    good = NOON - timedelta(hours=3)
    await store.commit(
        (
            Changes(Cursor("source-1", failures=2, last_error="HTTP 503", last_success_at=good)),
            Changes(Cursor("source-2", failures=1, last_error="no route")),
            Changes(Cursor("source-3", last_success_at=NOON)),
        )
    )
    looking = instruments(tmp_path, store, clock)
    first = (await looking.measure()).facts.sources
    assert first[0] == SourceHealth("source-1", "Newsroom 1", True, 2, "HTTP 503", good)
    assert (first[1].failing_since, first[2].failing_since) == (NOON, None)
    clock.advance(timedelta(hours=1))
    assert (await looking.measure()).facts.sources[1].failing_since == NOON
    await store.commit((Changes(Cursor("source-2")),))
    await looking.measure()
    await store.commit((Changes(Cursor("source-2", failures=1)),))
    assert (await looking.measure()).facts.sources[1].failing_since == clock.now()


async def test_a_paused_source_and_one_that_left_the_settings_are_no_facts(tmp_path: Path) -> None:
    store = MemoryStore()
    await store.register((*SOURCES.values(), a_source(9)))
    await store.pause_source("source-2", NOON)
    measured = await instruments(tmp_path, store).measure()
    assert [source.id for source in measured.facts.sources] == ["source-1", "source-3"]
    assert measured.paused == {"source-2": NOON}


async def test_rows_are_counted_and_those_that_wait_are_by_platform(tmp_path: Path) -> None:
    store = MemoryStore()
    await follow(store, a_chat(1))
    await publish(store, a_story(1), due_at=NOON)
    for _ in range(2):
        await store.settle(await claim_one(store, NOON), Refused(NOON, "bad text"), NOON)
    await publish(store, a_story(2), due_at=NOON)
    await store.hold("slack", NOON)
    measured = await instruments(tmp_path, store).measure()
    assert (measured.facts.dead, measured.facts.unsure) == (1, 0)
    assert measured.facts.waiting == {"telegram": Waiting(1, NOON)}
    assert measured.facts.untold == 0
    assert measured.facts.held == {"slack": NOON}
    assert measured.vitals.rows[DeliveryState.PENDING] == 1
    await store.expire(NOON + timedelta(days=31))
    assert (await instruments(tmp_path, store).measure()).facts.untold == 1


@pytest.mark.parametrize("method", ["cursors", "paused_sources", "vitals", "held"])
async def test_a_database_that_does_not_answer_is_a_fact_like_others(tmp_path: Path, method: str) -> None:
    store = Breaking(method, StoreError("The disk is full."))
    store.breaks = True
    facts = (await instruments(tmp_path, store, stopped=lambda: {"slack": "revoked"}).measure()).facts
    assert (facts.database, facts.stopped) == ("The disk is full.", {"slack": "revoked"})


class Silent(MemoryStore):
    """A store that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.speaks = asyncio.Event()

    async def vitals(self, now: datetime) -> Vitals:
        self.asked += 1
        await self.speaks.wait()
        return await super().vitals(now)


async def test_a_silent_database_is_a_fact_is_not_asked_again_and_may_speak_later(tmp_path: Path) -> None:
    store = Silent()
    looking = instruments(tmp_path, store, patience=0.01)
    for _ in range(5):
        assert "does not answer" in (await looking.measure()).facts.database
    assert store.asked == 1
    store.speaks.set()
    looking.patience = 5
    assert (await looking.measure()).facts.database == ""
    assert (await looking.measure()).facts.database == ""
    assert store.asked == 2


async def test_two_who_look_at_once_share_one_look(tmp_path: Path) -> None:
    store = Silent()
    looking = instruments(tmp_path, store)
    both = [asyncio.create_task(looking.measure()) for _ in range(2)]
    await asyncio.sleep(0)
    store.speaks.set()
    one, two = await asyncio.gather(*both)
    assert (one, store.asked) == (two, 1)


# --- our clock and the world's ------------------------------------------------------------------------------------


class Servers:
    """Servers whose clocks show a given time, each by its number."""

    def __init__(self, *ahead: float, age: str | None = None) -> None:
        self.clock = WorldClock(self)
        self._dates = [NOON - timedelta(seconds=seconds) for seconds in ahead]
        self._age = age

    async def __call__(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        number = int(source.id.removeprefix("source-"))
        headers = {"date": format_datetime(self._dates[number], usegmt=True)}
        if self._age is not None:
            headers["age"] = self._age
        return NotModified(source.id, url, headers, NOON)

    async def ask_all(self) -> timedelta | None:
        for number in range(len(self._dates)):
            await self.clock(a_source(number), "", Cursor(f"source-{number}"))
        return self.clock.ahead


async def test_our_clock_is_compared_with_those_of_most_servers() -> None:
    assert await Servers(60, 60).ask_all() is None  # two are too few to judge by
    assert await Servers(0, 1, 86_400).ask_all() == timedelta(seconds=1)  # one wrong server is just that
    assert await Servers(-300, -299, -301).ask_all() == timedelta(seconds=-300)


async def test_an_old_answer_from_a_cache_does_not_put_our_clock_in_the_wrong() -> None:
    assert await Servers(600, 600, 600, age="600").ask_all() == timedelta(0)


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": ""}, {"date": "Tue, 99 Nov 2026 12:00:00"}])
async def test_an_answer_without_a_date_and_an_error_tell_nothing(headers: Mapping[str, str]) -> None:
    async def fetch(source: SourceSpec, url: str, cursor: Cursor) -> NotModified | FetchError:
        return NotModified(source.id, url, headers, NOON) if source.id != "source-0" else FetchError("no route")

    clock = WorldClock(fetch)
    for number in range(5):
        await clock(a_source(number), "", Cursor(f"source-{number}"))
    assert clock.ahead is None


async def test_only_the_last_servers_are_remembered() -> None:
    assert await Servers(*[300.0] * 30, *[0.0] * 20).ask_all() == timedelta(0)


async def test_operators_hear_of_a_refused_source_where_its_news_appears_and_what_to_do(tmp_path: Path) -> None:
    store, source = MemoryStore(), a_source(1, elsewhere="the Federal Register")
    await store.register((source,))
    good = NOON - timedelta(hours=3)
    refused = {"trouble": Trouble.REFUSED, "trouble_polls": 3, "trouble_since": good}
    cursor = Cursor("source-1", failures=3, last_error="HTTP 403", last_success_at=good, **refused)  # type: ignore[arg-type]
    await store.commit((Changes(cursor),))
    looking = Instruments(cast("Store", store), FakeClock(), tmp_path, sources=lambda: {"source-1": source})
    measured = await looking.measure()
    (alarm,) = standing(measured.facts, Thresholds())
    assert alarm.sentence.startswith("Newsroom 1 cannot be read: refused from this network (3 times): HTTP 403")
    assert alarm.sentence.endswith("the same news appears in the Federal Register")
    assert "sources pause source-1" in alarm.next_step
    assert measured.conditions == {"source-1": "refused"}


async def test_a_source_that_is_gone_is_told_as_that_alone(tmp_path: Path) -> None:
    store, source = MemoryStore(), a_source(1)
    await store.register((source,))
    good = NOON - timedelta(days=3)
    await store.commit((Changes(Cursor("source-1", failures=9, last_success_at=good, retired_at=NOON)),))
    looking = Instruments(cast("Store", store), FakeClock(), tmp_path, sources=lambda: {"source-1": source})
    assert [alarm.key for alarm in standing((await looking.measure()).facts, Thresholds())] == ["gone:source-1"]


async def test_operators_hear_of_a_host_that_asks_to_be_left_alone(tmp_path: Path) -> None:
    store, source = MemoryStore(), a_source(1, elsewhere="the Federal Register")
    await store.register((source,))
    good, hour = NOON - timedelta(hours=9), timedelta(hours=1)
    cursor = Cursor("source-1", last_success_at=good, trouble_since=good + hour, next_poll_at=NOON + hour)
    await store.commit((Changes(cursor),))
    looking = Instruments(cast("Store", store), FakeClock(), tmp_path, sources=lambda: {"source-1": source})
    measured = await looking.measure()
    (alarm,) = standing(measured.facts, Thresholds())
    assert (alarm.key, alarm.since) == ("source:source-1", good + hour)
    assert "its host asks to be left alone; not read for 9 h, and asked again in 60 min" in alarm.sentence
    assert alarm.sentence.endswith("the same news appears in the Federal Register")
    assert measured.conditions == {"source-1": "failing"}
