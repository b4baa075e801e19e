"""The polling loop: fetch → read → decide → commit, for each due source.

    due sources ─► fetch ─► read (child process) ─► clean ─► judge ─► plan ─► commit
                   └── many at once ──────────┘     └── one at a time, under one lock ──┘

Two sources that carry one story in the same minute cannot both call it new, since deciding is done in line.
The cursor is committed with the documents and deliveries, so a crash can neither skip nor repeat an item.
Errors are values here: a source that fails ends as a cursor with a reason, and harms no other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

import structlog
from structlog.contextvars import bind_contextvars, reset_contextvars

from bot.core.agenda import after_failure, after_postponed, after_success, asking_for_all
from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec, Standing
from bot.core.model import Changes
from bot.errors import FetchError, ParseError, Postponed, StoreError
from bot.poll.articles import with_articles
from bot.poll.deciding import decide
from bot.poll.desk import PollDesk, Polled, Reading, note_turns
from bot.poll.gather import gather
from bot.poll.releasing import release_floods
from bot.poll.watching import KIND, Unbelieved, compare

log = structlog.get_logger()


async def poll_due(desk: PollDesk) -> tuple[Polled, ...]:
    """Poll every due source, official ones first; the misses (unchanged, failed) share one commit at the end.

    What is held is let go meanwhile.
    """
    known = [cursor for cursor in await desk.store.due(desk.clock.now()) if cursor.source_id in desk.sources]
    due = sorted(known, key=lambda cursor: desk.sources[cursor.source_id].standing is not Standing.OFFICIAL)
    try:
        async with asyncio.TaskGroup() as polls:
            polls.create_task(release_floods(desk))
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
    bound = bind_contextvars(source=source.id)
    try:
        polled = await _poll(desk, source, cursor)
    except StoreError:
        raise
    except Exception as error:  # a bug that one source's items bring out harms that source
        log.exception("poll.broke")
        sentence = f"what it holds could not be worked through ({type(error).__name__})"
        polled = _failed(desk, source, cursor, ParseError(sentence, kind="broken"))
    finally:
        reset_contextvars(**bound)
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
        if isinstance(got, Reading) and source.kind != KIND:
            got = await with_articles(desk, source, cursor, got)
    match got:
        case Reading() if got.body_hash != cursor.body_hash and source.kind == KIND:
            return await _watched(desk, source, cursor, got)
        case Reading() if got.body_hash != cursor.body_hash:
            return await _decided(desk, source, cursor, got)
        case Reading(response=response, body_hash=body_hash):
            return _unchanged(desk, source, cursor, response, body_hash)
        case NotModified():
            return _unchanged(desk, source, cursor, got, cursor.body_hash)
        case Postponed(after=after):
            return _postponed(desk, cursor, after)
        case FetchError() | ParseError():
            return _failed(desk, source, cursor, got)
        case _:
            assert_never(got)


async def _decided(desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading) -> Polled:
    polled = await decide(desk, source, cursor, reading)
    return _failed(desk, source, cursor, polled) if isinstance(polled, ParseError) else polled


async def _watched(desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading) -> Polled:
    match await compare(desk, source, reading):
        case Reading() as compared:
            return await _decided(desk, source, cursor, compared)
        case Unbelieved(error=error, page=page):
            failed = _failed(desk, source, asking_for_all(cursor), error)
            return replace(failed, changes=replace(failed.changes, page=page) if failed.changes else None)
        case other:
            assert_never(other)


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
    note_turns(cursor, after)
    return Polled(source.id, changes=Changes(after))


def _postponed(desk: PollDesk, cursor: Cursor, after: timedelta) -> Polled:
    changed = after_postponed(cursor, after, desk.clock.now(), jitter=desk.jitter(), limits=desk.limits)
    return Polled(cursor.source_id, postponed=True, changes=Changes(changed))


def _failed(desk: PollDesk, source: SourceSpec, cursor: Cursor, error: FetchError | ParseError) -> Polled:
    after = after_failure(
        source,
        cursor,
        str(error),
        desk.clock.now(),
        jitter=desk.jitter(),
        trouble=error.trouble,
        retry_after=error.retry_after if isinstance(error, FetchError) else None,
        limits=desk.limits,
    )
    note_turns(cursor, after)
    status = error.status if isinstance(error, FetchError) else 0
    return Polled(source.id, error=str(error), status=status, changes=Changes(replace(after, source_id=source.id)))
