"""Which feeds a web page names, for finding a feed from the address that people know. In the child process only."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.markup import Element, absolute, base_of, read_html, select
from bot.ports import Source

FEEDS_AT_MOST = 10  # sites with a feed for each article's comments name hundreds
_FEED_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/json",  # what JSON Feed 1.0 said
    }
)


class Links:
    """The feeds of a page, as entries with an address and a title, in the page's own order, each once."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read the page; raise `ParseError` where it names no feed."""
        try:
            root = read_html(response.body, response.headers.get("content-type", ""))
        except ValueError as error:
            raise ParseError(str(error), kind="not_a_feed") from error
        feeds = {entry.url: entry for entry in _feeds(root, base_of(root, response.url))}
        if not feeds:
            raise ParseError("it is no feed, and names none", kind="not_a_feed")
        return Parsed(tuple(feeds.values())[:FEEDS_AT_MOST])


def _feeds(root: Element, base: str) -> Iterator[Entry]:
    for link in select(root, "link"):
        rel = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        if "alternate" in rel and kind in _FEED_TYPES and (there := absolute(link.get("href") or "", base)):
            yield Entry(url=there, title=" ".join((link.get("title") or "").split()))


SOURCE: Source = Links()
