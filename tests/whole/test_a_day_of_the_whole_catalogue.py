"""A day in Washington: every source of the catalogue against a stand-in, with the faults that such sites really have.

The clock is injected and the ticks are driven by hand; sockets, HTTP, robots.txt, the child process that parses, the
database and the lanes are the real ones. Figures are printed.
"""

from __future__ import annotations

import os
import statistics
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.attempting import DeliverDesk
from bot.core.agenda import AgendaLimits
from bot.core.condition import Condition, find
from bot.core.index import Index
from bot.core.intake import SourceSpec, Standing
from bot.core.model import Chat, Voice
from bot.core.office import pace
from bot.core.query import read_topics
from bot.deliver import Lanes
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from bot.poll import LiveIndex, PollDesk, poll_due
from bot.ports import Store
from bot.reading import ReadingRoom
from bot.store import open_store
from config import load
from config.shipped import shipped
from tests.fakes.clock import FakeClock
from tests.fakes.newsrooms import Newsroom
from tests.fakes.platform import FakePlatform
from tests.fakes.sites import Asking, Sites, answer, between

MIDNIGHT = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)  # in Washington, of a Tuesday
TICK = timedelta(seconds=15)
READER = Chat("fake", "", "advocate")
WHOLE = bool(os.environ.get("POLICYBELL_SOAK"))
ENOUGH = 15  # alerts, before a 95th percentile says anything
LATE = 10.0  # seconds: the longest that the fetcher waits for a turn
NEEDS_A_KEY = {"courtlistener", "regulations", "congress"}

DECOY = "<!doctype html><title>Technical Difficulties</title><h1>We are experiencing technical difficulties</h1>"
CHALLENGE = "<!doctype html><title>Challenge Validation</title><script>bm-verify</script>"
EMPTY_LIST = "<!doctype html><html><head><title>News</title></head><body><main><p>Welcome.</p></main></body></html>"


def hour(number: float) -> datetime:
    return MIDNIGHT + timedelta(hours=number)


# What is wrong at a site, and how its source must stand at the end of the day.
FAULTS = {
    "visa-bulletin": (answer(403), Condition.REFUSED),
    "mx-sre": (answer(200, CHALLENGE), Condition.BLOCKED),
    "study-in-the-states": (answer(410), Condition.GONE),
    "human-rights-first": (answer(404), Condition.FAILING),
    "ice-newsroom": (between(hour(12), hour(99), answer(200, EMPTY_LIST)), Condition.FAILING),
    # Read each hour, give or take twelve minutes: so it is met by the end of the morning, whatever chance says.
    "state-briefings": (between(hour(8.3), hour(15), answer(200, DECOY)), Condition.OK),
    "dol-releases": (between(hour(8), hour(11), answer(503, Retry_After="1800")), Condition.OK),
    "doj-press": (
        between(hour(10), hour(12), answer(200, "<?xml version='1.0'?><rss version='2.0'><channel><item>")),
        Condition.OK,
    ),
    "nyt-us": (between(hour(13), hour(16), answer(500)), Condition.OK),
    "bbc-us": (between(hour(8), hour(9), answer(429, Retry_After="10800")), Condition.OK),
}
LEFT_ALONE = {"bbc-mundo"}  # what is at that host, too: nobody is asked there for three hours
ROBOTS: dict[str, str | int] = {
    "www.gao.gov": "User-agent: *\nCrawl-delay: 420\n",
    "www.justice.gov": "User-agent: *\nCrawl-delay: 10\n",
    "www.state.gov": "User-agent: *\nCrawl-delay: 5\n",
    "www.supremecourt.gov": "User-agent: *\nCrawl-delay: 1\nDisallow: /rss/\n",
    "news.google.com": "User-agent: *\nDisallow: /\n",
    "www.oig.dhs.gov": 503,
}
CLOSED = {"google-news": Condition.REFUSED, "dhs-oig": Condition.FAILING}

MORNING = 7.5, 9.6  # hours: brisk ones, and those in which the first faults begin
# How those sources stand at its end, where that is not as at the end of the day.
STILL = {
    "study-in-the-states": Condition.FAILING,  # what says that it is gone is believed after a day
    "visa-bulletin": Condition.FAILING,  # and what refuses us, after three polls
    "mx-sre": Condition.FAILING,
    "google-news": Condition.FAILING,
    "ice-newsroom": Condition.OK,
    "state-briefings": Condition.FAILING,
    "dol-releases": Condition.FAILING,
    "bbc-us": Condition.FAILING,
    "bbc-mundo": Condition.FAILING,
}


@dataclass(frozen=True, slots=True)
class Told:
    """An item of the subject: when its site showed it, and how long after that its alert was accepted."""

    source: SourceSpec
    appeared_at: datetime
    seconds: float


def catalogue(tmp_path: Path) -> tuple[SourceSpec, ...]:
    """Read the shipped sources, all of them, but those that ask for a key."""
    ids = [source["id"] for source in shipped("sources") if source["kind"] not in NEEDS_A_KEY]
    settings = tmp_path / "bot.toml"
    settings.write_text(f"[catalogue]\nenabled = {ids!r}\n")
    return load(settings, {}).source_specs()


def newsrooms(sources: Sequence[SourceSpec], opened_at: datetime, first: timedelta, brisk: timedelta) -> list[Newsroom]:
    """Give each source a rhythm of its own: the first item some time after the opening, then many or few."""
    return [
        Newsroom(
            source,
            opened_at,
            first=first * (1 + number % 50 / 9),
            every=brisk if source.brisk else timedelta(minutes=70 + 13 * (number % 11)),
            series=number,
            two_digit_years=source.id == "uscis-all-news",
            constant_date="2020-09-30" if source.id == "cbp-newsroom" else "",
        )
        for number, source in enumerate(sources)
    ]


@dataclass
class Day:
    """The bot of that day: polls and lanes over a real database, with a clock that is moved by hand."""

    store: Store
    desk: PollDesk
    lanes: Lanes
    platform: FakePlatform
    clock: FakeClock
    errors: Counter[str] = field(default_factory=Counter)

    async def pass_until(self, end: datetime) -> None:
        while self.clock.now() < end:
            for polled in await poll_due(self.desk):
                self.errors[polled.source_id] += bool(polled.error)
            await self.lanes.exhaust()
            self.clock.set(MIDNIGHT + TICK * (1 + (self.clock.now() - MIDNIGHT) // TICK))


@asynccontextmanager
async def a_day(tmp_path: Path, sources: Sequence[SourceSpec], sites: Sites, clock: FakeClock) -> AsyncIterator[Day]:
    topics = read_topics(load(None, {}).topics)
    platform = FakePlatform(clock)
    store = open_store(f"sqlite:///{tmp_path}/policybell.db")
    reading = ReadingRoom()
    limits = FetchLimits(per_host_delay=timedelta(seconds=2), per_source_delay=timedelta(seconds=60))
    fetcher = Fetcher(
        contact="https://example.org/contact",
        limits=limits,
        clock=clock,
        gate=Gate(allow_private=True),
        resolver=sites.resolver,
    )
    lanes = Lanes(DeliverDesk(store, {"fake": platform}, clock, lambda: 0.5, lambda *_: None))
    jitter = iter_of_chances()
    desk = PollDesk(
        store=store,
        fetch=fetcher,
        read=reading,
        queries=LiveIndex(store, Index(topics)),
        sources={source.id: sites.here(source) for source in sources},
        clock=clock,
        jitter=lambda: next(jitter),
        limits=AgendaLimits(0.2, timedelta(hours=6), timedelta(minutes=1)),
        wake_outbox=lanes.wake,
    )
    await store.register(tuple(desk.sources.values()))
    await store.follow(READER, Voice(), "topic:tps", "TPS", clock.now())
    try:
        yield Day(store, desk, lanes, platform, clock)
    finally:
        await fetcher.close()
        await reading.close()
        await store.close()


def iter_of_chances() -> Iterator[float]:
    """Give numbers between 0 and 1 that look like chance, the same each time."""
    number = 0.5
    while True:
        number = (number * 997.0 + 0.137) % 1.0
        yield number


@pytest.mark.soak
@pytest.mark.skipif(not WHOLE, reason="the soak does a whole day")
@pytest.mark.timeout(1800)
async def test_a_whole_day_is_watched_with_manners(tmp_path: Path) -> None:
    await live(tmp_path, 0, 34, first=timedelta(minutes=63), brisk=timedelta(minutes=11))


async def test_a_morning_is_watched_with_manners(tmp_path: Path) -> None:
    await live(tmp_path, *MORNING, first=timedelta(minutes=14), brisk=timedelta(minutes=4))


async def live(tmp_path: Path, begin: float, end: float, *, first: timedelta, brisk: timedelta) -> None:
    sources, clock = catalogue(tmp_path), FakeClock(hour(begin))
    rooms = newsrooms(sources, hour(begin), first, brisk)
    async with Sites(rooms, clock) as sites:
        sites.robots |= ROBOTS
        for source_id in FAULTS.keys() & {source.id for source in sources}:
            sites.spoil(source_id, FAULTS[source_id][0])
        async with a_day(tmp_path, sources, sites, clock) as day:
            await day.pass_until(hour(end))
            keeps_manners(sites, sources)
            reads_articles_once(sites, [room for room in rooms if room.source.select.get("article") == "auto"])
            await all_stand_as_they_should(day, sources, STILL if end < 24 else {})
            delays = told_once(day, [room for room in rooms if _is_watched(room.source)], hour(end))
            print_figures(day, sites, delays, hour(begin))
            brisk_ones = in_brisk_hours(delays)
            assert len(brisk_ones) >= ENOUGH
            median, p95 = typical(brisk_ones)
            assert median <= 120
            assert p95 <= 300


def keeps_manners(sites: Sites, sources: Sequence[SourceSpec]) -> None:
    hosts = {asking.host for asking in sites.requests}
    for host in hosts:
        said = sites.robots.get(host, 404)
        asked = sites.asked(host)
        delay = next((float(line.split()[1]) for line in str(said).splitlines() if "Crawl-delay" in line), 2.0)
        beyond = [one for one in asked if one.path != "/robots.txt"]
        assert _keep_apart(beyond, delay), (host, delay)
        files = [one for one in asked if one.path == "/robots.txt"]
        assert len(files) <= (30 if said == 503 else 3), (host, len(files))
    for source in sources:
        assert _keep_apart(sites.asked_for(source), 60.0), source.id
    assert not [one for one in sites.asked("news.google.com") if one.path != "/robots.txt"]
    assert not [one for one in sites.asked("www.oig.dhs.gov") if one.path != "/robots.txt"]


def _keep_apart(askings: Sequence[Asking], seconds: float) -> bool:
    """Say whether requests came so far apart, over any ten of them.

    The clock may jump while a request is on its way, so that it seems to come later than it was made: by less than
    the `LATE` seconds that somebody sleeps at most.
    """
    return all(
        (askings[number + span].at - askings[number].at).total_seconds() >= span * seconds - LATE
        for span in range(1, 11)
        for number in range(len(askings) - span)
    )


def reads_articles_once(sites: Sites, rooms: Sequence[Newsroom]) -> None:
    """Fail where an article was asked for twice, where one is not there, and where none was read at all."""
    asked = [one for room in rooms for one in sites.asked(urlsplit(room.source.url).hostname or "")]
    articles = Counter((one.host, one.path) for one in set(asked) if one.path.startswith("/news/n"))
    assert articles
    assert set(articles.values()) == {1}, articles.most_common(3)
    assert {one.status for one in asked if (one.host, one.path) in articles} == {200}


async def all_stand_as_they_should(day: Day, sources: Sequence[SourceSpec], still: Mapping[str, Condition]) -> None:
    cursors = {cursor.source_id: cursor for cursor in await day.store.cursors()}
    now, held = day.clock.now(), {flood.source_id: flood for flood in await day.store.floods()}
    expected = {source.id: Condition.OK for source in sources}
    expected |= {source_id: condition for source_id, (_, condition) in FAULTS.items()} | CLOSED | still
    found = {source.id: find(source, cursors[source.id], now, held=held.get(source.id)) for source in sources}
    wrong = {one: finding for one, finding in found.items() if finding.condition is not expected[one]}
    assert not wrong, "\n".join(f"{one}: {finding.condition}, {finding.sentence}" for one, finding in wrong.items())
    if still:
        assert {"asks to be left alone" in found[one].sentence for one in LEFT_ALONE} == {True}


def _is_watched(source: SourceSpec) -> bool:
    """Say whether its site answers all day long, in a form in which each item is told by its title."""
    left_out = FAULTS.keys() | CLOSED.keys() | LEFT_ALONE
    return source.id not in left_out and source.kind not in {"page", "docket"}


def told_once(day: Day, rooms: Sequence[Newsroom], end: datetime) -> list[Told]:
    """Say when each item appeared and how many seconds later it was told; fail where one was not, or twice."""
    told: dict[str, list[datetime]] = defaultdict(list)
    for at, _, message in day.platform.accepted:
        told[message.text.split(" ", 1)[1]].append(at)
    delays: list[Told] = []
    for room in rooms:
        patience = room.source.every * 1.5 + timedelta(minutes=10)
        for said in room.on_subject(end):
            times = told[said.title]
            assert len(times) <= 1, f"told {len(times)} times: {said.title}"
            assert times or said.at > end - patience, f"not told: {said.title}, of {said.at}"
            delays += [Told(room.source, said.at, (at - said.at).total_seconds()) for at in times]
    return delays


def print_figures(day: Day, sites: Sites, delays: Sequence[Told], begun_at: datetime) -> None:
    polls = Counter(one.status for one in sites.requests if one.path != "/robots.txt")
    hours = (day.clock.now() - begun_at) / timedelta(hours=1)
    print(
        f"\na day: {hours:.0f} hours, {len(day.desk.sources)} sources, {len(sites.requests)} requests, "
        f"by answer {dict(sorted(polls.items()))}; {len(day.platform.accepted)} alerts, none twice"
    )
    official = [one for one in delays if one.source.standing is Standing.OFFICIAL]
    for name, some in (("all", delays), ("official", official), ("brisk", in_brisk_hours(delays))):
        if len(some) > 1:
            median, p95 = typical(some)
            print(f"a day: {name}: {len(some)} alerts, shown to accepted p50 {median:.0f} s, p95 {p95:.0f} s")


def in_brisk_hours(delays: Sequence[Told]) -> list[Told]:
    """Choose what appeared at a time of day in which its source is asked briskly."""
    return [one for one in delays if pace(one.source.brisk, one.appeared_at) is not None]


def typical(delays: Sequence[Told]) -> tuple[float, float]:
    """Return the median and the 95th percentile, in seconds."""
    seconds = [one.seconds for one in delays]
    return statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
