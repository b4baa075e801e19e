"""What polling works with, and what becomes of a poll."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, Entry, FeedResponse, SourceSpec, WatchedPage
from bot.core.listed import Listed
from bot.core.model import Changes, Past, State
from bot.core.moves import host_of
from bot.core.query import QueryError
from bot.poll.lists import LastLists
from bot.ports import Clock, Fetch, Read, Store

log = structlog.get_logger()

POLL_SECONDS = 120.0  # for a list with all its pages: five answers of 20 s at most, and the reading of them
ARTICLES_SECONDS = 60.0  # for all articles of a list: so long an item with its summary may wait for its text
PREVIEWS = frozenset({"public_inspection"})  # kinds that announce documents by little more than their title
_QUERIES_AT_A_TIME = 50  # entered into the index before the event loop gets its turn, at half a millisecond each


class LiveIndex:
    """The index of stored queries, kept current by the store's change log; it is never rebuilt for one change."""

    def __init__(self, store: Store, index: Index) -> None:
        self.index = index
        self._store = store
        self._version = 0

    async def refresh(self) -> Index:
        """Catch up with the store. A stored query that cannot be read any more harms only itself."""
        changes = await self._store.queries_since(self._version)
        for query_id in changes.removed:
            self.index.remove(query_id)
        for number, query in enumerate(changes.added, 1):
            if number % _QUERIES_AT_A_TIME == 0:
                await asyncio.sleep(0)
            try:
                self.index.add(query.id, query.text)
            except QueryError as error:
                log.warning("query.unreadable", query=query.id, error=str(error))
        self._version = changes.version
        return self.index


@dataclass(frozen=True, slots=True)
class PollDesk:
    """What polling needs. `wake_outbox` is called after a commit that wrote deliveries."""

    store: Store
    fetch: Fetch
    read: Read
    queries: LiveIndex
    sources: Mapping[str, SourceSpec]
    clock: Clock
    jitter: Callable[[], float]
    limits: AgendaLimits
    wake_outbox: Callable[[], None] = lambda: None
    poll_seconds: float = POLL_SECONDS
    articles_seconds: float = ARTICLES_SECONDS
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    lists: LastLists = field(default_factory=LastLists)
    rests: dict[str, Rest] = field(default_factory=dict)  # by source: what is still to be read of its list
    broken_floods: dict[str, datetime] = field(default_factory=dict)  # by source: when releasing is tried again

    def previews(self, source: SourceSpec, past: Past) -> frozenset[str]:
        """Say which of the sources at hand announce documents ahead of their text."""
        at_hand = {source.id, *(known.source_id for known in past.fingerprints)} & self.sources.keys()
        return frozenset(name for name in at_hand if self.sources[name].kind in PREVIEWS)


@dataclass(frozen=True, slots=True)
class Polled:
    """What became of one poll: `new` documents, or an `error` in words; `changes` still to be committed.

    `baseline` says that the source was read for the first time, so that nothing of it alerts. `status` is what the
    server answered to a poll that failed, 0 where it did not. `items` counts what was judged, by what it was to us.
    `postponed` says that nobody was asked, since the source's host is to be left alone for a while, `may_have_missed`
    that all of a list was new and older items may have dropped out of it unseen.
    """

    source_id: str
    new: int = 0
    alerts: int = 0
    baseline: bool = False
    error: str = ""
    status: int = 0
    changes: Changes | None = None
    items: Mapping[State, int] = field(default_factory=dict)
    seconds: float = 0.0
    judging_seconds: float = 0.0
    postponed: bool = False
    may_have_missed: bool = False


def note_turns(before: Cursor, after: Cursor) -> None:
    """Log what changes a source for good. Of addresses the hosts alone: the rest may hold a key."""
    if after.address != before.address:
        log.warning("source.moved", source=after.source_id, host=host_of(after.address))
    if after.retired_at != before.retired_at:
        log.warning("source.retired", source=after.source_id, advice=f"`sources resume {after.source_id}` revives it")


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to be read of a list: from which page on, `after` which time, and how many pages were read.

    `first` and `body_hash` are of the list's first page: once all is read, they are what is remembered of it.
    """

    source: SourceSpec
    url: str
    after: timedelta
    pages: int
    first: FeedResponse
    body_hash: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A list that was read: its first response and the entries of all its pages.

    Of a page that is watched for change: what is to be remembered of it, and whether something about it is `unsettled`,
    so that the next poll has to see the whole of it again.
    `spans` and `last` are as in `bot.core.listed`: the entries of the first answer, and what stands for those of them
    that were not read again. `whole` says that nothing stands behind the last entry, on a further page or nowhere.
    `rest` is what could not be read yet, since the host is to be left alone for a while.
    """

    response: FeedResponse
    entries: tuple[Entry, ...]
    body_hash: str
    page: WatchedPage | None = None
    unsettled: bool = False
    spans: tuple[str, ...] = ()
    last: Listed | None = None
    whole: bool = True
    rest: Rest | None = None

    @property
    def read_of_first(self) -> int:
        """How many of the entries are of the first answer; the others are of further pages."""
        known = self.last.drafts if self.last else {}
        return sum(span not in known for span in self.spans)
