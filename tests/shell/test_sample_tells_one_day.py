"""The bundled sample, over real HTTP through the real parsers, cleaned and judged with the shipped topics."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.core.clean import clean, keys_of
from bot.core.decide import judge
from bot.core.index import Index
from bot.core.intake import FeedResponse, SourceSpec, Standing
from bot.core.model import Chat, Fingerprint, Past, Precision, Reader, State, Verdict, Voice
from bot.core.plan import plan
from bot.sample import SampleClock, SampleServer
from bot.sample.items import the_sample
from bot.sources import load
from config.topics import shipped_queries
from tests.builders import a_cursor

TOPICS = {1: "topic:tps", 2: "topic:removal"}
RELEASE = "United States to Resume Direct Removals of Venezuelan Nationals"
NOISE = (
    "Barriers",
    "laws set aside",
    "muro",
    "Determination Pursuant",
    "Drawbridge",
    "Safety Zone",
    "Superfund",
    "Controlled Substances",
    "Archaeological",
    "Information Collection",
    "Sentenced",
    "Parole board",
    "Ice forms",
    "perm",
    "Georgia",
    "Readout",
    "Helpers",
)


class Reading:
    """What a bot does with the sample, without its store: one memory, one index, one clock."""

    def __init__(self) -> None:
        self.index = Index(shipped_queries())
        for query_id, query in TOPICS.items():
            self.index.add(query_id, query)
        self.clock = SampleClock()
        self.past = Past()

    async def poll(self, source: SourceSpec, *, baseline: bool) -> list[Verdict]:
        entries, url = [], source.url
        async with aiohttp.ClientSession() as session:
            while url:
                async with session.get(url) as answer:
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    body = await answer.read()
                    response = FeedResponse(source.id, url, answer.status, headers, body, self.clock.now())
                parsed = load(source.kind).parse(response)
                entries += parsed.entries
                url = next(iter(parsed.more_urls), "")
        now = self.clock.now()
        documents = clean(source, entries, now)
        keys = keys_of(documents)
        near = tuple(known for known in self.past.fingerprints if not keys.isdisjoint(known.keys))
        verdicts = list(judge(documents, Past(near, self.past.last_story), self.index, baseline=baseline, now=now))
        self._remember(verdicts)
        return verdicts

    def _remember(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.state is not State.SEEN:
                one = verdict.document
                known = Fingerprint(one.id, one.source_id, verdict.story, one.number, one.digest, one.keys)
                last = max(self.past.last_story, verdict.story)
                self.past = Past((*self.past.fingerprints, known), last)


async def both_rounds(order: int = 1) -> tuple[list[Verdict], list[Verdict]]:
    """Poll every source before and after, in the given (1) or the opposite (-1) order of sources."""
    reading = Reading()
    async with SampleServer() as server:
        sources = server.sources()[::order]
        before = [verdict for source in sources for verdict in await reading.poll(source, baseline=True)]
        server.serve_after()
        after = [verdict for source in sources for verdict in await reading.poll(source, baseline=False)]
    return before, after


def alerted(verdicts: Iterable[Verdict]) -> dict[int, str]:
    """The stories that a chat which follows both topics is told, by number."""
    readers = [Reader(Chat("console", "", "local"), Voice(), query, topic) for query, topic in TOPICS.items()]
    deliveries = plan(a_cursor(), list(verdicts), readers, datetime(2023, 10, 5, 12, tzinfo=UTC)).deliveries
    return {delivery.alert.story.number: delivery.alert.story.lead.title for delivery in deliveries}


async def test_the_sample_is_large_and_marked_wherever_people_see_it():
    before, after = await both_rounds()
    feeds, register = the_sample()
    assert len(feeds) == 6
    assert len(register.documents) > 6  # two pages
    assert len({verdict.document.id for verdict in (*before, *after)}) >= 30
    assert all(verdict.document.outlet.startswith("SAMPLE ") for verdict in (*before, *after))
    assert all(source.name.startswith("SAMPLE ") for source in (*feeds, register))
    hosts = {verdict.document.url.split("/")[2] for verdict in (*before, *after)}
    assert all(host.endswith(".example") for host in hosts)


async def test_the_first_round_is_a_baseline_and_sends_nothing():
    before, _ = await both_rounds()
    assert {verdict.state for verdict in before} == {State.NEW}
    assert alerted(before) == {}


@pytest.mark.parametrize("order", [1, -1])
async def test_the_removals_and_their_exact_copies_are_one_alert_and_the_waiver_and_noise_none(order):
    _, after = await both_rounds(order)
    told = alerted(after)
    release = {verdict.story for verdict in after if verdict.document.title == RELEASE}
    assert len([verdict for verdict in after if verdict.document.title == RELEASE]) == 3
    assert len(release) == 1
    assert release <= told.keys()
    assert sorted(title for title in told.values() if title != RELEASE) == [
        "Deportation flights to Venezuela will start again, administration says",
        "Estados Unidos reanudará las deportaciones directas a Venezuela",
        "What today's announcement means if you have TPS",
    ]
    for words in NOISE:
        titles = {verdict.document.title for verdict in after if words in verdict.document.title}
        assert titles, words
        assert not titles & set(told.values()), words


async def test_copies_are_known_by_text_by_address_and_by_title():
    _, after = await both_rounds()
    copies = {verdict.document.source_id: verdict.because for verdict in after if verdict.state is State.ADDITION}
    assert copies.keys() == {"sample-state", "sample-morning-clips"}
    because = sorted(verdict.because.rpartition(": ")[2] for verdict in after if verdict.state is State.ADDITION)
    assert because == ["same link", "same text", "same title and day"]


async def test_every_date_is_believed_and_lies_before_the_clock():
    before, after = await both_rounds()
    for verdict in (*before, *after):
        document = verdict.document
        assert document.date_note == "", document.title
        assert document.claimed_at is not None
        assert document.claimed_at <= document.seen_at
        days = document.source_id == "sample-register"
        assert document.precision is (Precision.DAY if days else Precision.TIME)


async def test_nothing_new_is_found_in_what_does_not_change():
    reading = Reading()
    async with SampleServer() as server:
        for source in server.sources():
            await reading.poll(source, baseline=True)
            assert {verdict.state for verdict in await reading.poll(source, baseline=False)} == {State.SEEN}


async def test_the_server_answers_like_a_real_one():
    async with SampleServer() as server, aiohttp.ClientSession() as session:
        host, port = server.address
        assert server.url() == f"http://{host}:{port}"
        assert host == "127.0.0.1"
        source = server.sources()[0]
        assert (source.standing, source.every) == (Standing.OFFICIAL, timedelta(0))
        first = await session.get(source.url)
        again = await session.get(source.url, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status, again.status) == (200, 304)
        server.serve_after()
        assert (await session.get(source.url, headers={"If-None-Match": first.headers["ETag"]})).status == 200
        server.serve_before()
        assert (await session.get(source.url)).headers["ETag"] == first.headers["ETag"]
        assert (await session.get(f"{server.url()}/feeds/nobody")).status == 404
        register = server.sources()[-1].url
        for page in ("0", "99", "nonsense", "9" * 5000):
            assert (await session.get(register, params={"page": page})).status == 200
    await server.close()


async def test_the_clock_starts_on_the_morning_of_the_day_and_runs_on():
    seconds = [100.0]
    clock = SampleClock(lambda: seconds[0])
    assert clock.now() == datetime(2023, 10, 5, 12, 0, tzinfo=UTC)
    seconds[0] += 90.5
    assert clock.now() == datetime(2023, 10, 5, 12, 1, 30, 500_000, tzinfo=UTC)
    await clock.sleep(0)
