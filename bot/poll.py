"""The polling loop: fetch → read → decide → commit, for each due source.

    due sources ─► fetch ─► read (child process) ─► clean ─► judge ─► plan ─► commit
                   └── many at once ──────────┘     └── one at a time, under one lock ──┘

Two sources that carry one story in the same minute cannot both call it new, since deciding is done in line.
The cursor is committed with the documents and deliveries, so a crash can neither skip nor repeat an item.
Errors are values here: a source that fails ends as a cursor with a reason, and harms no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

import structlog
from structlog.contextvars import bound_contextvars
from xxhash import xxh3_128_hexdigest

from bot.core.agenda import AgendaLimits, after_failure, after_success
from bot.core.clean import clean, keys_of
from bot.core.decide import judge, matched
from bot.core.index import Index
from bot.core.intake import Cursor, Entry, FeedResponse, NotModified, SourceSpec, Standing
from bot.core.model import Changes, Document, State, Verdict
from bot.core.plan import plan
from bot.core.query import QueryError
from bot.errors import FetchError, ParseError, StoreError
from bot.ports import Clock, Fetch, Read, Store

log = structlog.get_logger()

PAGES_AT_MOST = 5  # of one list in one poll: 500 documents of the Federal Register; the log says what was cut
POLL_SECONDS = 120.0  # for a list with all its pages: five answers of 20 s at most, and the reading of them
BREATHE_EVERY = 20  # documents judged before the event loop gets its turn
_QUERIES_AT_A_TIME = 50  # entered into the index before it does, at half a millisecond each


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
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Polled:
    """What became of one poll: `new` documents, or an `error` in words; `changes` still to be committed.

    `baseline` says that the source was read for the first time, so that nothing of it alerts. `status` is what the
    server answered to a poll that failed, 0 where it did not. `items` counts what was judged, by what it was to us.
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


@dataclass(frozen=True, slots=True)
class Reading:
    """A list that was read: its first response and the entries of all its pages."""

    response: FeedResponse
    entries: tuple[Entry, ...]
    body_hash: str


async def poll_due(desk: PollDesk) -> tuple[Polled, ...]:
    """Poll every due source, official ones first; the misses (unchanged, failed) share one commit at the end."""
    known = [cursor for cursor in await desk.store.due(desk.clock.now()) if cursor.source_id in desk.sources]
    due = sorted(known, key=lambda cursor: desk.sources[cursor.source_id].standing is not Standing.OFFICIAL)
    try:
        async with asyncio.TaskGroup() as polls:
            tasks = [polls.create_task(poll_one(desk, desk.sources[cursor.source_id], cursor)) for cursor in due]
    except ExceptionGroup as failed:  # a database that failed fails every poll alike: one error says it
        raise failed.exceptions[0] from None
    results = tuple(task.result() for task in tasks)
    if misses := [result.changes for result in results if result.changes is not None]:
        await desk.store.commit(misses)
    return results


async def poll_one(desk: PollDesk, source: SourceSpec, cursor: Cursor) -> Polled:
    """Poll one source. Whatever goes wrong becomes the cursor's last error; only `StoreError` is raised."""
    began = desk.clock.monotonic()
    with bound_contextvars(source=source.id):
        try:
            polled = await _poll(desk, source, cursor)
        except StoreError:
            raise
        except Exception as error:  # a bug that one source's items bring out harms that source
            log.exception("poll.broke", source=source.id)
            sentence = f"what it holds could not be worked through ({type(error).__name__})"
            polled = _failed(desk, source, cursor, ParseError(sentence, kind="broken"))
        if polled.error:
            log.warning("poll.failed", source=source.id, error=polled.error)
        elif polled.new:
            log.info("poll.done", source=source.id, new=polled.new, alerts=polled.alerts)
    return replace(polled, seconds=desk.clock.monotonic() - began)


async def _poll(desk: PollDesk, source: SourceSpec, cursor: Cursor) -> Polled:
    async with desk.places:
        try:
            async with asyncio.timeout(desk.poll_seconds):
                got = await gather(desk, source, cursor)
        except TimeoutError:
            got = FetchError(f"no end after {desk.poll_seconds:g} seconds")
    match got:
        case Reading() if got.body_hash != cursor.body_hash:
            return await decide(desk, source, cursor, got)
        case Reading(response=response, body_hash=body_hash):
            return _unchanged(desk, source, cursor, response, body_hash)
        case NotModified():
            return _unchanged(desk, source, cursor, got, cursor.body_hash)
        case FetchError() | ParseError():
            return _failed(desk, source, cursor, got)
        case _:
            assert_never(got)


async def gather(desk: PollDesk, source: SourceSpec, cursor: Cursor) -> Reading | NotModified | FetchError | ParseError:
    """Fetch and read a list: the first page, and further ones while they hold anything that we have not seen.

    A body that is byte for byte the last one is not parsed. One bad page fails the poll: its validators are not
    kept, so the next poll sees everything again.
    """
    response = await desk.fetch(source, source.url, cursor)
    if not isinstance(response, FeedResponse):
        return response
    body_hash = xxh3_128_hexdigest(response.body)
    if body_hash == cursor.body_hash:
        return Reading(response, (), body_hash)
    parsed = await desk.read(source, response)
    if isinstance(parsed, ParseError):
        return parsed
    entries = list(parsed.entries)
    for _ in range(PAGES_AT_MOST - 1):
        if not parsed.more_urls or not await _any_unseen(desk, source, parsed.entries):
            break
        page = await desk.fetch(source, parsed.more_urls[0], Cursor(source.id))
        if not isinstance(page, FeedResponse):
            return page if isinstance(page, FetchError) else FetchError("a later page answered 304 unasked")
        parsed = await desk.read(source, page)
        if isinstance(parsed, ParseError):
            return parsed
        entries.extend(parsed.entries)
    else:
        if parsed.more_urls and cursor.last_success_at is not None:
            log.warning("poll.cut_short", source=source.id, entries=len(entries))
    return Reading(response, tuple(entries), body_hash)


async def decide(desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading) -> Polled:
    """Decide in line and commit: documents, deliveries and cursor together."""
    now = desk.clock.now()
    documents = await _cleaned(source, reading.entries, now)
    baseline = cursor.last_success_at is None
    async with desk.one_at_a_time:
        index = await desk.queries.refresh()
        past = await desk.store.past(keys_of(documents))
        began = desk.clock.monotonic()
        verdicts = await _breathing(judge(documents, past, index, baseline=baseline, now=now))
        judging_seconds = desk.clock.monotonic() - began
        items = Counter(verdict.state for verdict in verdicts)
        after = after_success(
            source,
            cursor,
            reading.response,
            now,
            jitter=desk.jitter(),
            new=items[State.NEW] > 0,
            body_hash=reading.body_hash,
            limits=desk.limits,
        )
        readers = await desk.store.subscribers(matched(verdicts))
        changes = plan(after, verdicts, readers, now)
        await desk.store.commit((changes,))
    if changes.deliveries:
        desk.wake_outbox()
    return Polled(
        source.id,
        new=items[State.NEW],
        alerts=len(changes.deliveries),
        baseline=baseline,
        items=items,
        judging_seconds=judging_seconds,
    )


async def _breathing(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Judge all, and let others have the event loop in between."""
    judged: list[Verdict] = []
    for verdict in verdicts:
        judged.append(verdict)
        if len(judged) % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
    return judged


async def _any_unseen(desk: PollDesk, source: SourceSpec, entries: tuple[Entry, ...]) -> bool:
    documents = await _cleaned(source, entries, desk.clock.now())
    past = await desk.store.past(keys_of(documents))
    known = {key for fingerprint in past.fingerprints for key in fingerprint.keys}
    return any(known.isdisjoint(document.keys) for document in documents)


async def _cleaned(source: SourceSpec, entries: tuple[Entry, ...], now: datetime) -> tuple[Document, ...]:
    """Clean a list; a long one in a thread, since an entry costs 0.4 ms and the loop has others to serve."""
    if len(entries) <= BREATHE_EVERY:
        return clean(source, entries, now)
    return await asyncio.to_thread(clean, source, entries, now)


def _unchanged(
    desk: PollDesk, source: SourceSpec, cursor: Cursor, response: FeedResponse | NotModified, body_hash: str
) -> Polled:
    after = after_success(
        source,
        cursor,
        response,
        desk.clock.now(),
        jitter=desk.jitter(),
        new=False,
        body_hash=body_hash,
        limits=desk.limits,
    )
    return Polled(source.id, changes=Changes(after))


def _failed(desk: PollDesk, source: SourceSpec, cursor: Cursor, error: FetchError | ParseError) -> Polled:
    after = after_failure(
        source,
        cursor,
        str(error),
        desk.clock.now(),
        jitter=desk.jitter(),
        retry_after=error.retry_after if isinstance(error, FetchError) else None,
        limits=desk.limits,
    )
    status = error.status if isinstance(error, FetchError) else 0
    return Polled(source.id, error=str(error), status=status, changes=Changes(replace(after, source_id=source.id)))
