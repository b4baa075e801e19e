"""A document on public inspection, and its publication: one story, told once to each chat, to no chat never."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import FeedResponse, Parsed, SourceSpec
from bot.core.model import Chat, DeliveryState, State, Voice
from bot.core.query import parse
from bot.errors import ParseError
from bot.poll import LiveIndex, PollDesk, Polled, poll_due
from bot.ports import Store
from bot.sources import load
from bot.store import open_store
from bot.store.memory import MemoryStore
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher

BY_TITLE, BY_TEXT = Chat("fake", "", "1"), Chat("fake", "", "2")
TITLE, ABSTRACT = "Notice of a measure", "The Secretary extends what nobody would expect under such a title."


def filings(*numbers: str, day: str = "2023-10-06") -> str:
    filed = {"filed_at": "2023-10-05T08:45:00-04:00", "filing_type": "regular", "publication_date": day}
    results = [{"document_number": number, "title": f"{TITLE} {number}", **filed} for number in numbers]
    return json.dumps({"count": len(results), "results": results})


def published(*numbers: str) -> str:
    document = {"abstract": ABSTRACT, "publication_date": "2023-10-06", "type": "Notice"}
    results = [{"document_number": number, "title": f"{TITLE} {number}", **document} for number in numbers]
    return json.dumps({"count": len(results), "results": results})


async def read(source: SourceSpec, response: FeedResponse, _known: frozenset[str] = frozenset()) -> Parsed | ParseError:
    return load(source.kind).parse(response)


class House:
    def __init__(self, server: FeedServer, desk: PollDesk, clock: FakeClock) -> None:
        self.server, self.desk, self.clock = server, desk, clock

    async def poll(self, **bodies: str) -> dict[str, Polled]:
        for source_id, body in bodies.items():
            self.server.publish(f"/{source_id}", body)
        self.clock.advance(timedelta(hours=3))
        return {polled.source_id: polled for polled in await poll_due(self.desk)}

    async def told(self) -> list[tuple[str, str, str]]:
        rows = await self.desk.store.outbox(tuple(DeliveryState), 100)
        return sorted((row.chat.id, row.alert.story.lead.source_id, row.alert.story.lead.number) for row in rows)


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    clock = FakeClock()
    store: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'a.db'}")
    index = Index({"title": parse("measure"), "text": parse("extends")})
    async with FeedServer() as server, a_fetcher(clock=clock) as fetch:
        kinds: dict[str, Any] = {
            "desk": "public_inspection",
            "register": "federal_register",
            "other": "federal_register",
        }
        sources = [a_source(id=name, name=name, url=server.url(f"/{name}"), kind=kind) for name, kind in kinds.items()]
        limits = AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1))
        by_id = {source.id: source for source in sources}
        desk = PollDesk(store, fetch, read, LiveIndex(store, index), by_id, clock, lambda: 0.0, limits)
        await store.register(tuple(sources))
        await store.follow(BY_TITLE, Voice(), "topic:title", "Title", clock.now())
        await store.follow(BY_TEXT, Voice(), "topic:text", "Text", clock.now())
        house = House(server, desk, clock)
        await house.poll(desk=filings(), register=published(), other=published())
        yield house
        assert server.violations == []
    await store.close()


async def test_a_filing_is_told_once_though_its_number_is_padded_another_way_when_published(house: House) -> None:
    await house.poll(desk=filings("2023-02222"))
    assert await house.told() == [("1", "desk", "2023-02222")]
    polled = await house.poll(desk=filings(), register=published("2023-2222"))
    assert polled["register"].items == {State.ADDITION: 1}
    assert ("1", "register", "2023-2222") not in await house.told()


async def test_whom_the_title_did_not_reach_is_reached_by_the_text_and_once(house: House) -> None:
    await house.poll(desk=filings("2023-02222"))
    await house.poll(register=published("2023-2222"))
    await house.poll(other=published("2023-2222"))
    assert await house.told() == [("1", "desk", "2023-02222"), ("2", "register", "2023-2222")]


async def test_a_filing_that_is_moved_or_withdrawn_alerts_nobody_again(house: House) -> None:
    await house.poll(desk=filings("2023-02222"))
    polled = await house.poll(desk=filings("2023-02222", day="2023-10-12"))
    assert polled["desk"].items == {State.REVISION: 1}
    polled = await house.poll(desk=filings())
    assert polled["desk"].items == {}
    assert len(await house.told()) == 1


async def test_what_was_published_first_is_not_told_again_by_the_desk(house: House) -> None:
    await house.poll(register=published("2023-2222"))
    await house.poll(desk=filings("2023-02222"))
    await house.poll(other=published("2023-2222"))
    assert await house.told() == [("1", "register", "2023-2222"), ("2", "register", "2023-2222")]


async def test_a_desk_that_stays_as_it_is_is_not_read_twice(house: House) -> None:
    await house.poll(desk=filings("2023-02222"))
    assert (await house.poll())["desk"].items == {}
