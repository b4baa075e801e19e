"""The Federal Register of the last 90 days, filled in backwards after the first poll: archived, and sent to nobody.

A list's first poll takes its newest pages. From where these end, the days before are asked for here, in windows by
date, since the interface gives no more than 10,000 documents and 50 pages of one search. It is work of its own, one
page at a time with a rest after each, so that no poll waits for it or is cut short by it.

What was reached is read off the archive itself: the earliest day that it has of the source. So a stop or a failure
loses nothing: the next attempt goes on from there, and the log says what is missing until then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog

from bot.core.clean import keys_of
from bot.core.decide import judge
from bot.core.intake import FeedResponse, SourceSpec
from bot.core.model import Document
from bot.core.plan import plan
from bot.errors import DiskFull, FetchError, ParseError, Postponed
from bot.poll.asking import fetch_whole
from bot.poll.deciding import breathing, cleaned
from bot.poll.desk import PollDesk

log = structlog.get_logger()

KIND = "federal_register"
HORIZON = timedelta(days=90)
_NEAR_ENOUGH = timedelta(days=7)  # a source that publishes weekly has no document of the first day
_PAGES_AT_MOST = 50  # of one search; the interface begins again at page 1 after that
_WINDOWS_AT_MOST = 8  # more than the whole Register of 90 days takes
_REST = timedelta(seconds=5)  # after each page, beside the pace that its host is kept to
_PATIENCE = timedelta(minutes=2)  # with a host that is busy, for one page
_LOOK_EVERY = timedelta(minutes=1)
_AGAIN_AFTER = timedelta(minutes=15)
_DATE = "conditions[publication_date]"


@dataclass(slots=True)
class Backfill:
    """Fills the archive of every such source in turn. `desk` gives the one in force; `horizon` is how far back."""

    desk: Callable[[], PollDesk]
    horizon: timedelta = HORIZON
    _settled: set[str] = field(default_factory=set)
    _again_at: dict[str, datetime] = field(default_factory=dict)

    async def keep(self) -> None:
        """Fill what has taken its first stock and does not reach back far enough, for as long as the bot serves."""
        while True:
            await self.desk().clock.sleep(_LOOK_EVERY.total_seconds())
            await self.look()

    async def look(self) -> None:
        """Fill each source once that wants it now."""
        desk = self.desk()
        now = desk.clock.now()
        read = {cursor.source_id for cursor in await desk.store.cursors() if cursor.last_success_at is not None}
        for source in desk.sources.values():
            waits = self._again_at.get(source.id, now) > now
            if source.kind == KIND and source.id in read and source.id not in self._settled and not waits:
                await self._fill(source)

    async def _fill(self, source: SourceSpec) -> None:
        desk = self.desk()
        now = desk.clock.now()
        since = now - self.horizon
        reached = await desk.store.earliest_claim(source.id) or now
        try:
            documents = 0 if reached <= since + _NEAR_ENOUGH else await fill(desk, source, since, min(reached, now))
        except (FetchError, ParseError, DiskFull) as error:
            self._again_at[source.id] = desk.clock.now() + _AGAIN_AFTER
            reached = await desk.store.earliest_claim(source.id) or reached
            missing = f"{since:%Y-%m-%d} to {reached:%Y-%m-%d}"
            log.warning("backfill.cut_short", source=source.id, missing=missing, because=str(error))
            return
        self._settled.add(source.id)
        if documents:
            log.info("backfill.done", source=source.id, documents=documents, since=f"{since:%Y-%m-%d}")


async def fill(desk: PollDesk, source: SourceSpec, since: datetime, until: datetime) -> int:
    """Record what a source published between two days; return how many documents. Raises what stopped it.

    A search that ends at its last allowed page is followed by one for the days before the earliest it has shown.
    """
    count = 0
    for _ in range(_WINDOWS_AT_MOST):
        url, pages, earliest = window(source.url, since, until), 0, until
        while url and pages < _PAGES_AT_MOST:
            documents, url = await _page(desk, source, url)
            await _record(desk, source, documents)
            count, pages = count + len(documents), pages + 1
            earliest = min([earliest, *(one.claimed_at for one in documents if one.claimed_at)])
            await desk.clock.sleep(_REST.total_seconds())
        if pages < _PAGES_AT_MOST or earliest >= until:
            return count
        until = earliest
    raise ParseError("the lists of these days have no end", kind="parse_limit")


def window(url: str, since: datetime, until: datetime) -> str:
    """Narrow a search to the documents published between two days, both included, newest first."""
    parts = urlsplit(url)
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"order", "page"}]
    kept = [(name, value) for name, value in asked if not name.startswith(_DATE)]
    days = [(f"{_DATE}[gte]", f"{since:%Y-%m-%d}"), (f"{_DATE}[lte]", f"{until:%Y-%m-%d}")]
    return urlunsplit(parts._replace(query=urlencode([*kept, *days, ("order", "newest")])))


async def _page(desk: PollDesk, source: SourceSpec, url: str) -> tuple[tuple[Document, ...], str]:
    """Read one page: its documents, and where the next one is."""
    response = await _fetched(desk, source, url)
    if isinstance(response, FetchError):
        raise response
    parsed = await desk.read(source, response)
    if isinstance(parsed, ParseError):
        raise parsed
    return await cleaned(source, parsed.entries, desk.clock.now()), next(iter(parsed.more_urls), "")


async def _fetched(desk: PollDesk, source: SourceSpec, url: str) -> FeedResponse | FetchError:
    """Fetch a page; a host that is busy with polls, which go first, is waited for outside of their places."""
    waited = timedelta(0)
    while True:
        async with desk.places:
            response = await fetch_whole(desk, source, url)
        if not isinstance(response, Postponed) or waited + response.after > _PATIENCE:
            return response
        waited += response.after
        await desk.clock.sleep(response.after.total_seconds())


async def _record(desk: PollDesk, source: SourceSpec, documents: tuple[Document, ...]) -> None:
    """Write down what is new, as a first poll would: nothing of it is sent, and nothing changes for the next poll."""
    now = desk.clock.now()
    async with desk.one_at_a_time:
        past = await desk.store.past(keys_of(documents))
        previews = desk.previews(source, past)
        judged = judge(documents, past, desk.queries.index, baseline=True, now=now, previews=previews)
        verdicts = await breathing(judged)
        cursor = next(one for one in await desk.store.cursors() if one.source_id == source.id)
        await desk.store.commit((plan(cursor, verdicts, (), now),))
