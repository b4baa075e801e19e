"""A source that is read well and says nothing: measured, told once and again each day, over with its next item."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.core.alarms import Known, Thresholds, Turn, changes, standing
from bot.core.clean import clean
from bot.core.condition import find
from bot.core.habit import REMEMBERED, Rhythm, behavior_of
from bot.core.intake import FeedResponse, Parsed
from bot.core.model import Changes
from bot.sources.feed import SOURCE as FEED
from bot.store.memory import MemoryStore
from bot.watching.habits import EVERY, Habits
from bot.watching.health import health
from bot.watching.measuring import Instruments
from tests.builders import a_cursor, a_document, a_source, a_story, some_changes
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.newsroom import a_newsroom, item
from tests.shared_data import shared

SOURCE = a_source(1, elsewhere="the Federal Register")
DAY = timedelta(days=1)


class Watched:
    """A source that is read each day, and what an operator's chat hears of it."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock, self.store = FakeClock(), MemoryStore()
        habits = Habits(self.store, self.clock).known
        self.instruments = Instruments(
            self.store, self.clock, tmp_path, sources=lambda: {SOURCE.id: SOURCE}, habits=habits
        )
        self.known: Known = {}
        self.number = 0

    async def publish(self, at: datetime) -> None:
        self.number += 1
        document = a_document(self.number, claimed_at=at, seen_at=at)
        await self.store.commit((some_changes(a_story(self.number, document)),))

    async def read(self, *, new: bool = False) -> list[Turn]:
        """Poll well, look twice, and hear."""
        now = self.clock.now()
        if new:
            await self.publish(now)
        (cursor,) = await self.store.cursors()
        last_new_at = now if new else cursor.last_new_at
        await self.store.commit((Changes(a_cursor(1, last_success_at=now, last_new_at=last_new_at)),))
        heard: list[Turn] = []
        for _ in range(2):
            measured = await self.instruments.measure()
            self.measured = measured
            self.alarms = [one for one in standing(measured.facts, Thresholds()) if one.key.startswith("silent:")]
            self.known, notices = changes(self.known, tuple(self.alarms), self.clock.now())
            heard += [notice.turn for notice in notices]
            self.clock.advance(timedelta(minutes=6))
        self.clock.advance(DAY - timedelta(minutes=12))
        return heard


async def test_silence_is_told_once_then_daily_and_ends_by_itself(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    await watched.store.register((SOURCE,))
    for ago in range(20, 0, -1):
        await watched.publish(NOON - ago * DAY)
    assert await watched.read(new=True) == []
    quiet = [await watched.read() for _ in range(3)]
    assert quiet == [[], [], []]
    assert await watched.read() == [Turn.BEGAN]
    (alarm,) = watched.alarms
    assert alarm.sentence == (
        "Newsroom 1 · late: read, and nothing new for 4 days; as a rule it is 24 h at most; "
        "the same news appears in the Federal Register."
    )
    assert health(watched.measured, (), {}, (), "1")["sources"]["source-1"]["state"] == "late"  # type: ignore[index, call-overload]
    assert [await watched.read() for _ in range(2)] == [[Turn.STANDS], [Turn.STANDS]]
    assert await watched.read(new=True) == [Turn.ENDED]
    assert await watched.read() == []


async def test_habits_are_looked_up_once_an_hour(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    await watched.store.register((SOURCE,))
    habits = Habits(watched.store, watched.clock)
    assert await habits.known() == {}
    for ago in range(20, 0, -1):
        await watched.publish(NOON - ago * DAY)
    assert await habits.known() == {}
    watched.clock.advance(EVERY)
    assert set(await habits.known()) == {"source-1"}


async def test_a_feed_that_was_frozen_before_we_first_read_it_is_late_and_never_called_new() -> None:
    async with a_newsroom() as room:
        frozen = [item(number, NOON - timedelta(days=300 + number % 4)) for number in range(20)]
        await room.shows(frozen)
        for _ in range(2):
            await room.shows(frozen, after=timedelta(days=10))
        now, cursor = room.clock.now(), await room.cursor()
        known = await Habits(room.store, room.clock).known()
        newest = NOON - timedelta(days=300)
        assert cursor.last_new_at is not None
        assert cursor.last_new_at.date() == newest.date()
        found = find(room.source, cursor, now, habit=known[room.source.id])
        assert found.condition == "late"
        assert found.sentence == f"late: read, and its newest item is of {newest:%B} {newest.day}, {newest.year}"
        await room.shows([item(99, room.clock.now()), *frozen])
        assert find(room.source, await room.cursor(), room.clock.now(), habit=known[room.source.id]).condition == "ok"


def test_of_ten_real_feeds_only_the_one_that_stopped_a_year_ago_is_late() -> None:
    late, now = [], datetime(2026, 2, 18, 15, tzinfo=UTC)
    for file in sorted(shared("samples/raw-feeds").glob("*.xml")):
        parsed = FEED.parse(FeedResponse(SOURCE.id, SOURCE.url, 200, {}, file.read_bytes(), now))
        assert isinstance(parsed, Parsed)
        dates = [one.claimed_at for one in clean(SOURCE, parsed.entries, now) if one.claimed_at is not None]
        days = sorted({claimed.date() for claimed in dates if claimed >= now - REMEMBERED})
        behavior = behavior_of(Rhythm(tuple(days), max(dates), dated_at=max(dates)), now)
        if find(SOURCE, a_cursor(1, last_success_at=now), now, habit=behavior).condition != "ok":
            late.append(file.name)
    assert [name.partition("_")[0] for name in late] == ["wsj-world"]
