"""A news room that is polled for real: a server, a fetcher, a database, deciding; and what one chat reads of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, Entry, FeedResponse, Parsed, SourceSpec
from bot.core.lateness import Patience
from bot.core.model import Chat, Lateness, Voice
from bot.core.outcome import Sent
from bot.core.query import parse
from bot.errors import ParseError
from bot.fetch import Fetcher
from bot.poll import LiveIndex, PollDesk, Polled, poll_due
from bot.ports import Store
from bot.sources.feed import SOURCE as FEED
from bot.store import open_store
from handlers.telegram import render
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher
from tests.storing import in_memory_directory

ANA = Chat("telegram", "", "1001")
FEW_MINUTES = timedelta(minutes=15)


def item(number: int, dated: datetime | str = "", **changes: Any) -> Entry:
    """An item that whoever follows `policy` is told of."""
    published = dated if isinstance(dated, str) else dated.strftime("%Y-%m-%d")
    entry = Entry(
        guid=f"urn:item:{number}",
        url=f"https://agency.example/news/measure-{number}",
        title=f"Policy measure number {number} of the agency",
        summary=f"The agency announced its policy measure number {number}.",
        published=published,
    )
    return replace(entry, **changes)


def listing(entries: Sequence[Entry]) -> str:
    return json.dumps([asdict(entry) for entry in entries])


async def read(source: SourceSpec, response: FeedResponse, _known: frozenset[str] = frozenset()) -> Parsed | ParseError:
    """Read lists of entries as they are, and feeds as ever."""
    if response.body.lstrip().startswith(b"<"):
        return FEED.parse(response)
    return Parsed(tuple(Entry(**one) for one in json.loads(response.body)))


class NewsRoom:
    """One source that Ana reads; `minutes` pass before each poll, unless told otherwise."""

    def __init__(self, server: FeedServer, fetch: Fetcher, store: Store, clock: FakeClock, **source: Any) -> None:
        self.server, self.clock, self.store = server, clock, store
        self.source = a_source(url=server.url("/list"), name="Agency", **source)
        self.desk = PollDesk(
            store=store,
            fetch=fetch,
            read=read,
            queries=LiveIndex(store, Index({"policy": parse("policy")})),
            sources={self.source.id: self.source},
            clock=clock,
            jitter=lambda: 0.0,
            limits=AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1)),
        )

    async def shows(self, entries: Sequence[Entry] | str, after: timedelta = FEW_MINUTES) -> Polled:
        """Poll once the list shows these items."""
        self.clock.advance(after)
        self.server.publish("/list", entries if isinstance(entries, str) else listing(entries))
        await self.store.poll_next(self.source.id, self.clock.now())
        (polled,) = await poll_due(self.desk)
        assert not polled.error
        return polled

    async def passes(self, time: timedelta) -> None:
        """Let time pass, and polling tick."""
        self.clock.advance(time)
        await poll_due(self.desk)

    async def told(self) -> list[str]:
        """Deliver all that waits, and give what Ana reads, a text for each message."""
        texts = []
        now = self.clock.now()
        while rows := await self.store.claim(
            now, limit=9, platforms={"telegram"}, lease=FEW_MINUTES, patience=Patience()
        ):
            for row in rows:
                alone = row.late is Lateness.ON_TIME
                message = render.alert(row.alert, repeat=False, plain=False) if alone else render.late((row, *row.also))
                texts.append(message.text)
                await self.store.settle(row, Sent("1", now), now)
        return texts

    async def because(self, title: str) -> str:
        """Why an item was taken as it was."""
        stories = await self.store.stories(10_000)
        number = next(story.number for story in stories if story.lead.title == title)
        return (await self.store.decisions(number))[-1]

    async def cursor(self) -> Cursor:
        (cursor,) = await self.store.cursors()
        return cursor


@asynccontextmanager
async def a_newsroom(**source: Any) -> AsyncIterator[NewsRoom]:
    """Open one, on a real database."""
    clock = FakeClock()
    with in_memory_directory() as directory:
        store = open_store(f"sqlite:///{directory / 'policybell.db'}")
        try:
            async with FeedServer() as server, a_fetcher(clock=clock) as fetch:
                room = NewsRoom(server, fetch, store, clock, **source)
                await store.register([room.source])
                await store.follow(ANA, Voice(), "topic:policy", "Policy", clock.now())
                yield room
                assert server.violations == []
        finally:
            await store.close()
