"""Finding feeds at an address, through the real fetcher and the real child process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from aiohttp import web

from bot.core.intake import Cursor, FeedResponse, SourceSpec
from bot.discovery import Discovery
from bot.errors import FetchError, ParseError, Postponed
from bot.gate import Gate
from bot.ports.adding import Offer
from bot.reading import ReadingRoom
from tests.builders import NOW
from tests.fakes.fetching import a_fetcher

FEED = "<rss version='2.0'><channel><title>x</title><item><title>News</title><link>https://a.example/1</link></item></channel></rss>"
BOMB = f'<!DOCTYPE rss [<!ENTITY a "b">]>{FEED}'
PAGE = """<!doctype html><html><head><title>County</title>
<link rel="stylesheet" href="/x.css"><link rel="alternate" hreflang="es" href="/es">
<link rel="ALTERNATE home" type="application/rss+xml; charset=utf-8" title=" All   news " href="/feed">
<link rel="alternate" type="application/feed+json" href="feed.json">
<link rel="alternate" type="application/atom+xml" title="again" href="/feed">
<link rel="alternate" type="application/atom+xml" href="javascript:alert(1)"></head><body><p>Hello</p></body></html>"""
PLACES: Mapping[str, tuple[str, str]] = {
    "/feed": (FEED, "application/rss+xml"),
    "/bomb": (BOMB, "application/rss+xml"),
    "/news": (PAGE, "text/html"),
    "/none": ("<!doctype html><html><body><p>Nothing of the kind is offered here.</p></body></html>", "text/html"),
}


@pytest.fixture
async def root() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        text, kind = PLACES[request.path]
        return web.Response(text=text, content_type=kind)

    app = web.Application()
    for path in PLACES:
        app.router.add_get(path, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_feed_is_itself_and_a_page_names_its_own(root: str) -> None:
    reading = ReadingRoom()
    async with a_fetcher() as fetcher:
        discover = Discovery(fetcher, reading)
        assert await discover(f"{root}/feed") == (Offer(f"{root}/feed", "", 1),)
        assert await discover(f"{root}/news") == (Offer(f"{root}/feed", "again"), Offer(f"{root}/feed.json", ""))
        none = await discover(f"{root}/none")
        assert isinstance(none, ParseError)
        assert "names none" in str(none)
        bomb = await discover(f"{root}/bomb")
        assert isinstance(bomb, ParseError)
        assert "entities" in str(bomb)
        assert isinstance(await discover(f"{root}/missing"), FetchError)
    await reading.close()


async def test_tries_keep_nobody_from_another_one(root: str) -> None:
    reading, delay = ReadingRoom(), timedelta(seconds=60)
    async with a_fetcher(per_source_delay=delay) as fetcher:
        discover = Discovery(fetcher, reading)
        first, _ = await offered(discover, f"{root}/news")
        assert await offered(discover, first.url) == (Offer(first.url, "", 1),)
        assert await offered(discover, first.url) == (Offer(first.url, "", 1),)
        source = SourceSpec("added-1", "feed", "x", first.url, timedelta(hours=1))
        assert isinstance(await fetcher(source, source.url, Cursor(source.id)), FeedResponse)
        assert isinstance(await fetcher(source, source.url, Cursor(source.id)), Postponed)
    await reading.close()


async def offered(discover: Discovery, url: str) -> tuple[Offer, ...]:
    found = await discover(url)
    assert isinstance(found, tuple), found
    return found


async def test_the_gate_stands_before_it() -> None:
    reading = ReadingRoom()
    async with a_fetcher(gate=Gate()) as fetcher:
        for url in ("http://127.0.0.1/feed", "https://u:p@example.org/", "file:///etc/passwd"):
            assert isinstance(await Discovery(fetcher, reading)(url), FetchError)
    await reading.close()


@pytest.mark.parametrize(("source_id", "fine"), [("uscis", True), ("own-3", False), ("added-3", False)])
async def test_only_what_people_added_may_declare_no_entities(source_id: str, *, fine: bool) -> None:
    source = SourceSpec(source_id, "feed", "x", "https://a.example/", timedelta(hours=1))
    reading = ReadingRoom()
    parsed = await reading(source, FeedResponse(source.id, source.url, 200, {}, BOMB.encode(), NOW))
    await reading.close()
    assert isinstance(parsed, ParseError) is not fine
