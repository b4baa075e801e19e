"""The second half of a poll: decide in line and commit. Documents, deliveries and cursor are written together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from bot.core.agenda import after_postponed, after_success, asking_for_all
from bot.core.clean import clean, keys_of, named
from bot.core.decide import judge, matched
from bot.core.floods import noted, sift
from bot.core.habit import newest_made
from bot.core.intake import Cursor, Entry, SourceSpec
from bot.core.listed import Draft, drafted, needs_whole
from bot.core.model import Changes, Document, State, Verdict
from bot.core.plan import plan
from bot.errors import ParseError
from bot.poll.desk import PollDesk, Polled, Reading, note_turns

log = structlog.get_logger()

LIST_AT_LEAST = 3  # items that make a list of the latest, rather than a page with the latest one
BREATHE_EVERY = 20  # documents judged before the event loop gets its turn


async def decide(desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading) -> Polled | ParseError:
    """Decide in line and commit: documents, deliveries and cursor together.

    Where an entry that was not read again is no longer what it was to us, the answer is read whole after all.
    """
    while (polled := await _decide(desk, source, cursor, reading)) is None:
        parsed = await desk.read(source, reading.response)
        if isinstance(parsed, ParseError):
            return parsed
        log.info("poll.read_whole", source=source.id)
        entries = (*parsed.entries, *reading.entries[reading.read_of_first :])
        reading = replace(reading, entries=_with_articles_of(reading, entries), spans=parsed.spans, last=None)
    return polled


def _with_articles_of(reading: Reading, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Keep the articles that were fetched already: an article is asked for once."""
    articles = {(one.guid, one.url, one.title): one.article for one in reading.entries if one.article}
    return tuple(replace(one, article=articles.get((one.guid, one.url, one.title), "")) for one in entries)


async def _decide(desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading) -> Polled | None:
    """Decide and commit; None, with nothing done, where that takes the text of an entry that was not read again."""
    now = desk.clock.now()
    draft = await _drafted(source, reading, now)
    documents = named(draft.documents)
    baseline = cursor.last_success_at is None
    async with desk.one_at_a_time:
        index = await desk.queries.refresh()
        past = await desk.store.past(keys_of(documents))
        began = desk.clock.monotonic()
        previews = desk.previews(source, past)
        judged = await breathing(judge(documents, past, index, baseline=baseline, now=now, previews=previews))
        if needs_whole(judged):
            return None
        verdicts = sift(source, cursor, judged, now)
        judging_seconds = desk.clock.monotonic() - began
        items = Counter(verdict.state for verdict in verdicts)
        after = _after(desk, source, cursor, reading, now, is_new=items[State.NEW] > 0)
        if baseline and after.last_new_at is not None:  # what it shows at first is as old as it says
            after = replace(after, last_new_at=newest_made(documents, now))
        after = noted(after, verdicts, baseline=baseline)
        readers = await desk.store.subscribers(matched(verdicts), source.id)
        changes = _with_page(plan(after, verdicts, readers, now), reading)
        await desk.store.commit((changes,))
    _remember(desk, draft, reading)
    note_turns(cursor, after)
    _note_held(verdicts)
    rolled_over = _rolled_over(cursor, reading, verdicts)
    if rolled_over:
        log.warning("poll.may_have_missed", source=source.id, items=len(verdicts))
    if changes.deliveries:
        desk.wake_outbox()
    return Polled(
        source.id,
        new=items[State.NEW],
        alerts=len(changes.deliveries),
        baseline=baseline,
        items=items,
        judging_seconds=judging_seconds,
        may_have_missed=rolled_over,
    )


def _rolled_over(cursor: Cursor, reading: Reading, verdicts: Sequence[Verdict]) -> bool:
    """Tell whether nothing of a list was known that had items before: it may have dropped others unseen.

    A list that shows the latest one or two is always new; one that was empty so far has dropped nothing.
    """
    if reading.whole or cursor.last_new_at is None or reading.read_of_first < len(reading.spans):
        return False
    return len(verdicts) >= LIST_AT_LEAST and all(verdict.state is State.NEW for verdict in verdicts)


def _after(
    desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading, now: datetime, *, is_new: bool
) -> Cursor:
    jitter = desk.jitter()
    after = after_success(
        source,
        cursor,
        reading.response,
        now,
        jitter=jitter,
        new=is_new,
        body_hash=reading.body_hash,
        limits=desk.limits,
    )
    if reading.rest is None:
        return after
    # What stands on the rest is measured by the same last good poll: it is no older for coming a minute later.
    begun = replace(asking_for_all(after), last_success_at=cursor.last_success_at)
    return after_postponed(begun, reading.rest.after, now, jitter=jitter, limits=desk.limits)


def _remember(desk: PollDesk, draft: Draft, reading: Reading) -> None:
    """Remember of a list that was committed what spares reading it again, and what is still to be read of it."""
    if draft.listed:
        desk.lists.keep(draft.listed)
    if reading.rest:
        desk.rests[reading.rest.source.id] = reading.rest


def _note_held(verdicts: Iterable[Verdict]) -> None:
    if held := [verdict for verdict in verdicts if verdict.held]:
        log.warning("flood.held", source=held[0].document.source_id, items=len(held))


def _with_page(changes: Changes, reading: Reading) -> Changes:
    cursor = asking_for_all(changes.cursor) if reading.unsettled else changes.cursor
    return replace(changes, cursor=cursor, page=reading.page)


async def breathing(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Judge all, and let others have the event loop in between."""
    judged: list[Verdict] = []
    for verdict in verdicts:
        judged.append(verdict)
        if len(judged) % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
    return judged


async def _drafted(source: SourceSpec, reading: Reading, now: datetime) -> Draft:
    if len(reading.entries) <= BREATHE_EVERY:
        return drafted(source, reading.entries, reading.spans, reading.last, now)
    return await asyncio.to_thread(drafted, source, reading.entries, reading.spans, reading.last, now)


async def cleaned(source: SourceSpec, entries: tuple[Entry, ...], now: datetime) -> tuple[Document, ...]:
    """Clean a list; a long one in a thread, since an entry costs 0.4 ms and the loop has others to serve."""
    if len(entries) <= BREATHE_EVERY:
        return clean(source, entries, now)
    return await asyncio.to_thread(clean, source, entries, now)
