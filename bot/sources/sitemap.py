"""News sitemaps: what a paper published in the last two days, for search engines; Google's form of it.

    <urlset> <url> <loc>…</loc> <news:news> <news:title>…  <news:publication_date>…  <news:publication> <news:name>…

Names are told apart by namespace, whatever prefixes a site gives them. An index of sitemaps is not followed: it leads
to the whole archive of a site, and the one that holds the news has an address of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.markup import XmlElement, absolute, read_xml
from bot.ports import Source

_MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"


class Sitemap:
    """The items of a news sitemap, in its own order."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read all items that have a title; raise `ParseError` where there is none, or it is no news sitemap."""
        entries = tuple(_entries(_root(response), response.url))
        if not entries:
            raise ParseError("the sitemap names no news: no address in it has a title", kind="empty")
        return Parsed(entries)


def _root(response: FeedResponse) -> XmlElement:
    try:
        root = read_xml(response.body)
    except ValueError as error:
        is_one = b"<urlset" in response.body[:5_000]
        sentence = "the sitemap is damaged or cut off" if is_one else "the answer is not a sitemap"
        raise ParseError(sentence, kind="broken" if is_one else "not_a_feed") from error
    if root.tag == f"{_MAP}sitemapindex":
        raise ParseError("this is an index of sitemaps; the one with news has an address of its own", kind="not_a_feed")
    if root.tag != f"{_MAP}urlset":
        raise ParseError("the answer is not a sitemap", kind="not_a_feed")
    return root


def _entries(root: XmlElement, url: str) -> Iterator[Entry]:
    for item in root.iterfind(f"{_MAP}url"):
        address = absolute(_said(item, f"{_MAP}loc"), url)
        title = _said(item, f"{_NEWS}news/{_NEWS}title")
        if address and title:
            outlet = _said(item, f"{_NEWS}news/{_NEWS}publication/{_NEWS}name")
            yield Entry(
                guid=address,
                url=address,
                title=title,
                published=_said(item, f"{_NEWS}news/{_NEWS}publication_date") or _said(item, f"{_MAP}lastmod"),
                tags=_keywords(_said(item, f"{_NEWS}news/{_NEWS}keywords")),
                facts={"outlet": outlet} if outlet else {},
            )


def _said(item: XmlElement, path: str) -> str:
    return " ".join((item.findtext(path) or "").split())


def _keywords(said: str) -> tuple[str, ...]:
    return tuple(word for part in said.split(",") if (word := part.strip()))


SOURCE: Source = Sitemap()
