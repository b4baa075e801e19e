"""Trying an address before it becomes a source: one request, read as a poll would, and nothing remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack

from bot.app.world import World, open_fetcher, real_world
from bot.core.clean import clean
from bot.core.index import Index, read_page
from bot.core.intake import Cursor, FeedResponse, Parsed, SourceSpec
from bot.core.model import Document, Topic
from bot.core.query import read_topics
from bot.reading import ReadingRoom
from config import Settings
from config.catalogue import known_source
from config.dockets import cases_of

_SHOWN = 5


async def try_url(settings: Settings, url: str, kind: str) -> Mapping[str, object]:
    """Read an address once as a source of this kind; say what came, or under `error` what went wrong."""
    world = real_world(settings, settings.bot.data_dir)
    async with AsyncExitStack() as closing:
        fetcher = open_fetcher(settings, world)
        closing.push_async_callback(fetcher.close)
        reading = ReadingRoom()
        closing.push_async_callback(reading.close)
        source = _source(settings, url, kind)
        began = world.clock.monotonic()
        got = await fetcher(source, source.url, Cursor(source.id))
        seconds = round(world.clock.monotonic() - began, 2)
        if not isinstance(got, FeedResponse):
            return {"error": str(got)}
        parsed = await reading(source, got)
    answer: dict[str, object] = {
        "status": got.status,
        "bytes": len(got.body),
        "seconds": seconds,
        "read_at": got.url,
        "type": got.headers.get("content-type", ""),
        "can_say_unchanged": "etag" in got.headers or "last-modified" in got.headers,
    }
    if not isinstance(parsed, Parsed):
        return {**answer, "error": str(parsed)}
    return {**answer, **_found(source, parsed, settings.topics, world)}


def _source(settings: Settings, what: str, kind: str) -> SourceSpec:
    """Find the source of the settings or the catalogue that has this id; else take it for an address."""
    if ":" not in what:
        return known_source(settings, what)
    cases = cases_of(what, {}) if kind == "docket" else {}
    return SourceSpec("tried", kind, "tried", what, settings.fetch.every, only=cases)


def _found(source: SourceSpec, parsed: Parsed, topics: tuple[Topic, ...], world: World) -> Mapping[str, object]:
    documents = clean(source, parsed.entries, world.clock.now())
    newest = max((one.claimed_at for one in documents if one.claimed_at), default=None)
    return {
        "items": len(documents),
        "dated": sum(one.claimed_at is not None for one in documents),
        "newest": newest and newest.isoformat(),
        "entries": [_entry(one) for one in sorted(documents, key=_dated, reverse=True)[:_SHOWN]],
        "topics": _matches(documents, topics),
    }


def _dated(document: Document) -> str:
    return document.claimed_at.isoformat() if document.claimed_at else ""


def _entry(document: Document) -> str:
    """Say of an entry what is believed of it: its date, how exact that is or why there is none, title and address."""
    when = f"{document.claimed_at:%Y-%m-%d %H:%M} ({document.precision})" if document.claimed_at else "no date"
    note = f" [{document.date_note}]" if document.date_note else ""
    return f"{when}{note} · {document.title} · {document.url}"


def _matches(documents: tuple[Document, ...], topics: tuple[Topic, ...]) -> Mapping[str, int]:
    """Say how many of these each topic would have found."""
    index = Index(read_topics(topics))
    for number, topic in enumerate(topics):
        index.add(number, f"topic:{topic.id}")
    pages = [read_page(one.title, one.text) for one in documents]
    return Counter(topics[match.query_id].id for page in pages for match in index.matches(page))
