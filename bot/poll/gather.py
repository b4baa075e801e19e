"""The first half of a poll: fetch a list and read it in the child process, page by page while pages hold news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog
from xxhash import xxh3_128_hexdigest

from bot.core.agenda import asking
from bot.core.clean import keys_of
from bot.core.intake import Cursor, Entry, FeedResponse, NotModified, Parsed, SourceSpec
from bot.core.moves import in_place
from bot.errors import FetchError, ParseError, Postponed
from bot.poll.asking import fetch_patiently, known_keys
from bot.poll.deciding import cleaned
from bot.poll.desk import PollDesk, Reading, Rest

log = structlog.get_logger()

ROLLING = frozenset({"feed", "listing"})  # kinds that show the latest few without saying whether there were more
PAGES_AT_MOST = 5  # of one list in one poll: 500 documents of the Federal Register; the log says what was cut


async def gather(desk: PollDesk, source: SourceSpec, cursor: Cursor) -> Reading | NotModified | FetchError | ParseError:
    """Fetch and read a list: the first page, and further ones while they hold anything that we have not seen.

    A body that is byte for byte the last one is not parsed. One bad page fails the poll: its validators are not
    kept, so the next poll sees everything again. Where the host is busy before all was read, the next poll goes on
    with the rest; where that was forgotten, it reads all pages, known or not.
    """
    rest = desk.rests.get(source.id)
    if rest is not None and rest.source == source:
        return await _go_on(desk, cursor, rest)
    desk.rests.pop(source.id, None)
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
    begun = Rest(configured, "", timedelta(0), 1, response, body_hash)
    further = await _further(desk, cursor, begun, parsed, every=not cursor.body_hash)
    return replace(further, spans=parsed.spans, last=last) if isinstance(further, Reading) else further


async def _go_on(desk: PollDesk, cursor: Cursor, rest: Rest) -> Reading | FetchError | ParseError:
    """Read what was left of a list. Nothing else is asked for, so that a host which wants minutes comes to an end."""
    page = await _page(desk, in_place(rest.source, cursor), rest.url)
    if isinstance(page, Postponed):
        return page
    del desk.rests[rest.source.id]  # whatever goes wrong from here on, the next poll reads all
    if not isinstance(page, Parsed):
        return page
    return await _further(desk, cursor, replace(rest, pages=rest.pages + 1), page, every=False)


async def _further(
    desk: PollDesk, cursor: Cursor, begun: Rest, parsed: Parsed, *, every: bool
) -> Reading | FetchError | ParseError:
    """Read the pages behind the one that was read, while they hold anything unseen, or `every` one; not too many."""
    source, pages, entries = in_place(begun.source, cursor), begun.pages, list(parsed.entries)
    while parsed.more_urls and (every or await _any_unseen(desk, source, parsed.entries)):
        if pages == PAGES_AT_MOST:
            if cursor.last_success_at is not None:
                log.warning("poll.cut_short", source=source.id, entries=len(entries))
            break
        page = await _page(desk, source, parsed.more_urls[0])
        if isinstance(page, Postponed):
            log.info("poll.interrupted", source=source.id, entries=len(entries), because=str(page))
            rest = replace(begun, url=parsed.more_urls[0], after=page.after, pages=pages)
            return Reading(begun.first, tuple(entries), begun.body_hash, rest=rest)
        if not isinstance(page, Parsed):
            return page
        parsed, pages = page, pages + 1
        entries.extend(parsed.entries)
    whole = not parsed.more_urls and (pages > 1 or source.kind not in ROLLING)
    return Reading(begun.first, tuple(entries), begun.body_hash, whole=whole)


async def _page(desk: PollDesk, source: SourceSpec, url: str) -> Parsed | FetchError | ParseError:
    page = await fetch_patiently(desk, source, url)
    return await desk.read(source, page) if isinstance(page, FeedResponse) else page


async def _any_unseen(desk: PollDesk, source: SourceSpec, entries: tuple[Entry, ...]) -> bool:
    documents = await cleaned(source, entries, desk.clock.now())
    known = await known_keys(desk, keys_of(documents))
    return any(known.isdisjoint(document.keys) for document in documents)
