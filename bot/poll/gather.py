"""The first half of a poll: fetch a list and read it in the child process, page by page while pages hold news."""

from __future__ import annotations

from datetime import timedelta

import structlog
from xxhash import xxh3_128_hexdigest

from bot.core.agenda import asking
from bot.core.clean import keys_of
from bot.core.intake import Cursor, Entry, FeedResponse, NotModified, SourceSpec
from bot.core.moves import in_place
from bot.errors import FetchError, ParseError, Postponed
from bot.poll.deciding import cleaned
from bot.poll.desk import PollDesk, Reading

log = structlog.get_logger()

ROLLING = frozenset({"feed", "listing"})  # kinds that show the latest few without saying whether there were more
PAGE_PATIENCE = timedelta(seconds=20)  # for eight polls at once, two seconds apart
PAGES_AT_MOST = 5  # of one list in one poll: 500 documents of the Federal Register; the log says what was cut


async def gather(desk: PollDesk, source: SourceSpec, cursor: Cursor) -> Reading | NotModified | FetchError | ParseError:
    """Fetch and read a list: the first page, and further ones while they hold anything that we have not seen.

    A body that is byte for byte the last one is not parsed. One bad page fails the poll: its validators are not
    kept, so the next poll sees everything again.
    """
    configured, source = source, in_place(source, cursor)
    response = await desk.fetch(source, source.url, asking(source, cursor, desk.clock.now()))
    if not isinstance(response, FeedResponse):
        return response
    body_hash = xxh3_128_hexdigest(response.body)
    if body_hash == cursor.body_hash:
        return Reading(response, (), body_hash)
    last = desk.lists.take(configured, desk.clock.now())
    parsed = await desk.read(source, response, frozenset(last.drafts if last else ()))
    if isinstance(parsed, ParseError):
        return parsed
    first, entries = parsed, list(parsed.entries)
    for _ in range(PAGES_AT_MOST - 1):
        if not parsed.more_urls or not await _any_unseen(desk, source, parsed.entries):
            break
        page = await fetch_patiently(desk, source, parsed.more_urls[0])
        if isinstance(page, Postponed):
            log.warning("poll.cut_short", source=source.id, entries=len(entries), because=str(page))
            break
        if not isinstance(page, FeedResponse):
            return page if isinstance(page, FetchError) else FetchError("a later page answered 304 unasked")
        parsed = await desk.read(source, page)
        if isinstance(parsed, ParseError):
            return parsed
        entries.extend(parsed.entries)
    else:
        if parsed.more_urls and cursor.last_success_at is not None:
            log.warning("poll.cut_short", source=source.id, entries=len(entries))
    whole = not parsed.more_urls and (parsed is not first or source.kind not in ROLLING)
    return Reading(response, tuple(entries), body_hash, spans=first.spans, last=last, whole=whole)


async def fetch_patiently(desk: PollDesk, source: SourceSpec, url: str) -> FeedResponse | NotModified | FetchError:
    """Fetch what a list leads to. A host that is busy with others is waited for, one that wants minutes is not."""
    while True:
        page = await desk.fetch(source, url, Cursor(source.id))
        if not isinstance(page, Postponed) or page.after > PAGE_PATIENCE:
            return page
        await desk.clock.sleep(page.after.total_seconds())


async def _any_unseen(desk: PollDesk, source: SourceSpec, entries: tuple[Entry, ...]) -> bool:
    documents = await cleaned(source, entries, desk.clock.now())
    past = await desk.store.past(keys_of(documents))
    known = {key for fingerprint in past.fingerprints for key in fingerprint.keys}
    return any(known.isdisjoint(document.keys) for document in documents)
