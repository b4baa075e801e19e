"""JSON Feed, versions 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/): what RSS says, in JSON.

An item without `url` leads to its `external_url`. `next_url` leads to older items: whether they are worth
a request is for the poll to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from bot.core.intake import Entry, Parsed
from bot.core.plain import plain
from bot.errors import ParseError
from bot.records import address, mapping, mappings, read_record, sequence, texts

_VERSION = "://jsonfeed.org/version/1"


def read_json_feed(body: bytes, url: str) -> Parsed:
    """Read a whole feed; raise `ParseError` where it is other JSON, or only part of one."""
    feed = read_record(body.removeprefix(b"\xef\xbb\xbf"), "a feed")
    if _VERSION not in address(feed.get("version")).replace("://www.", "://"):
        raise ParseError("the answer is JSON, not a feed", kind="not_a_feed")
    if not isinstance(feed.get("items"), list):
        raise ParseError("the feed has no list of items", kind="broken")
    authors = _authors(feed)
    entries = tuple(_entry(item, url, authors) for item in mappings(feed["items"]))
    older = _absolute(url, feed.get("next_url"))
    return Parsed(entries, (older,) if older and older != url and entries else ())


def _entry(item: Mapping[str, Any], feed_url: str, feed_authors: tuple[str, ...]) -> Entry:
    written, summary = address(item.get("content_text")), address(item.get("summary"))
    content = plain(address(item.get("content_html"))) or written
    return Entry(
        guid=_id(item.get("id")),
        url=_absolute(feed_url, item.get("url")) or _absolute(feed_url, item.get("external_url")),
        title=address(item.get("title")),
        summary=summary,
        content="" if content == summary else content,
        published=address(item.get("date_published")),
        updated=address(item.get("date_modified")),
        authors=_authors(item) or feed_authors,
        tags=tuple(texts(item.get("tags"))),
    )


def _id(value: object) -> str:
    """Take an id as a text: some feeds write a number, which the format asks readers to accept."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else address(value)


def _authors(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the authors: one in 1.0, a list of them in 1.1."""
    people = [mapping(said.get("author")), *map(mapping, sequence(said.get("authors")))]
    return tuple(dict.fromkeys(name for person in people if (name := plain(address(person.get("name"))))))


def _absolute(base: str, value: object) -> str:
    link = address(value)
    try:
        return urljoin(base, link) if link else ""
    except ValueError:
        return ""
