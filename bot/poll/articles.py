"""Full text within reason: the articles behind those new items of a list that may be about what people follow.

A source takes part where its settings say where the text of an article stands (`select.article`), or where an item
names a text of its own, as presidential documents of the Federal Register do. Only what was never seen is asked for,
so an article is fetched once, and what it says is no part of an item's digest: a later poll, which has the summary
alone, finds the item unchanged. Whatever goes wrong with an article leaves the item with its summary.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from bot.core.clean import clean, keys_of
from bot.core.index import Page, read_page
from bot.core.intake import ARTICLE, Cursor, Entry, Relevance, SourceSpec, Trouble
from bot.errors import FetchError, ParseError
from bot.poll.asking import fetch_patiently, known_keys
from bot.poll.desk import PollDesk, Reading

log = structlog.get_logger()

ARTICLES_AT_MOST = 20  # of one source in one poll
_UNREAD = (".pdf", ".doc", ".docx", ".xls", ".xlsx", ".zip", ".mp4")
_HOPELESS = frozenset({Trouble.REFUSED, Trouble.BLOCKED})  # who refuses one article refuses the next


async def with_articles(desk: PollDesk, source: SourceSpec, cursor: Cursor, reading: Reading) -> Reading:
    """Add the articles of unseen items, as far as they come in time. Nothing of a first poll is sent, nor asked for."""
    if cursor.last_success_at is None:
        return reading
    wanted = await _wanted(desk, source, reading.entries)
    if not wanted:
        return reading
    entries = list(reading.entries)
    try:
        async with asyncio.timeout(desk.articles_seconds):
            for at in wanted:
                got = await _article(desk, source, entries[at])
                if isinstance(got, str):
                    entries[at] = replace(entries[at], article=got)
                    continue
                log.info("article.failed", error=str(got))
                if got.trouble in _HOPELESS:
                    break
    except TimeoutError:
        log.info("article.late", seconds=desk.articles_seconds)
    return replace(reading, entries=tuple(entries))


async def _wanted(desk: PollDesk, source: SourceSpec, entries: tuple[Entry, ...]) -> list[int]:
    """Choose the entries, by their places: readable, near what is followed, and never seen."""
    readable = [at for at, entry in enumerate(entries) if _address(source, entry)]
    if not readable:
        return []
    async with desk.one_at_a_time:
        index = await desk.queries.refresh()
    near = [at for at in readable if _is_always(source, entries[at]) or index.touches(_said(entries[at]))]
    keys = {at: keys_of(clean(source, [entries[at]], desk.clock.now())) for at in near}
    known = await known_keys(desk, frozenset().union(*keys.values()))
    return [at for at in near if known.isdisjoint(keys[at])][:ARTICLES_AT_MOST]


def _address(source: SourceSpec, entry: Entry) -> str:
    """Say where the text of an item is read; "" where it is not."""
    if own := entry.facts.get("full_text", ""):
        return own
    is_readable = "#" not in entry.url and not entry.url.lower().partition("?")[0].endswith(_UNREAD)
    return entry.url if source.select.get("article") and is_readable else ""


def _is_always(source: SourceSpec, entry: Entry) -> bool:
    return source.relevance is Relevance.ALL or "full_text" in entry.facts


def _said(entry: Entry) -> Page:
    return read_page(entry.title, entry.content or entry.summary)


async def _article(desk: PollDesk, source: SourceSpec, entry: Entry) -> str | FetchError | ParseError:
    response = await fetch_patiently(desk, source, _address(source, entry))
    if isinstance(response, FetchError):
        return response
    parsed = await desk.read(replace(source, kind=ARTICLE), response)
    return parsed if isinstance(parsed, ParseError) else "".join(one.content for one in parsed.entries)
