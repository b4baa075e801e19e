"""Finding what can be read at an address that somebody gave: a feed itself, or the feeds that a web page names.

It goes through the same fetcher, with the same gate and the same manners towards hosts, as any poll; what came is read
in the child process, as strictly as what people add is read later. Nothing is remembered. The minute that lies between
two polls of a source is not waited for: a try is no source's poll, and one chat's would keep all others from theirs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.core.intake import Cursor, FeedResponse, Parsed, SourceSpec
from bot.errors import FetchError, ParseError, SourceError
from bot.ports import Fetch, Read
from bot.ports.adding import Offer

LINKS = "links"  # how the child process calls reading the links of a page
AT_ONCE = 2  # whoever else asks waits: polling goes first
_TRIED = SourceSpec("added-0", "feed", "a new source", "", timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Discovery:
    """What there is at an address. Never raises: an error is a value."""

    fetch: Fetch
    read: Read
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(self, url: str) -> tuple[Offer, ...] | SourceError:
        """Say which feeds are offered: the address itself where it is one, else those that its page names."""
        async with self.places:
            return await self._offered(url)

    async def _offered(self, url: str) -> tuple[Offer, ...] | SourceError:
        got = await self.fetch(_TRIED, url, Cursor(_TRIED.id))  # at the own address of no source
        if not isinstance(got, FeedResponse):
            return got if isinstance(got, FetchError) else FetchError("it answered 304 unasked")
        source = replace(_TRIED, url=url)
        parsed = await self.read(source, got)
        if isinstance(parsed, Parsed):
            return (Offer(url, "", len(parsed.entries)),)
        if parsed.kind != "not_a_feed":
            return parsed
        page = await self.read(replace(source, kind=LINKS), got)
        if isinstance(page, ParseError):
            return page
        return tuple(Offer(entry.url, entry.title) for entry in page.entries)
