"""RSS 0.9x to 2.0, Atom and RDF, through feedparser; and JSON Feed.

What feedparser is spared or kept from, and why:

* It gets a stream, never the bytes themselves: those it would first try as the name of a file to open.
* Sanitizing and the rewriting of links inside HTML are off. We take the text alone, and the sanitizer is quadratic:
  40 KB of `style="aaaa…"` keep it busy for 27 s.
* It is not told the feed's own address. It would make a link of every `<guid>12345</guid>`, and ids would change
  whenever the feed moves. Links are made absolute here.
* Its dates are not used. What the source wrote goes on as it is, for `bot.core.clean` to judge.
* Its tolerance has one limit: a document that is not closed was cut on the way, and is not used at all.
* It does not look for a parser of libxml2 in front of each feed: there is none for Python 3, and looking reads folders.
* It need not read again what is known (`bot.core.splice`), provided that all it reads is sound: over unsound markup
  it takes another parser, and then for the whole list.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin
from xml.sax import SAXException

import feedparser
import feedparser.api

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.core.plain import plain
from bot.core.splice import find_spans
from bot.errors import ParseError
from bot.jsonfeed import read_json_feed
from bot.ports import Source

feedparser.api.PREFERRED_XML_PARSERS.clear()

_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
_ROOT_CLOSES = re.compile(rb"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_ITEM_OPENS = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ROOT_OPENS = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf)\b", re.IGNORECASE)
_ENTITY = re.compile(rb"""<!ENTITY\s+(?:%\s+)?[^\s>]+\s+(?:"([^"]*)"|'([^']*)')""")
_REFERENCE = re.compile(rb"&(?!#|amp;|lt;|gt;|quot;|apos;)|%")
_ENTITY_AT_MOST = 1_000
_CHARSET = re.compile(r"""charset=["']?([\w.:-]+)""", re.IGNORECASE)
_MAIL_AND_NAME = re.compile(r"[^\s@]+@[^\s@]+\s+\((.+)\)")
_NAME_AT_MOST = 300
_NAMES_A_PLACE = re.compile("https?://", re.IGNORECASE)


class Feed:
    """A feed as it comes. Entries are in the feed's own order."""

    def parse(self, response: FeedResponse, hints: Hints = NO_HINTS) -> Parsed:
        """Read all entries, or those alone that are not known where the list can be taken apart.

        A feed without any is fine. Raise `ParseError` where it is no feed, or only part of one.
        """
        body = response.body
        if _JSON.match(body):
            return read_json_feed(body, response.url)
        if why := _no_feed(body):
            raise ParseError(why, kind="not_a_feed")
        _check_entities(body)
        content_type = _content_type(response.headers.get("content-type", ""), body)
        spans = find_spans(body, content_type, response.url, hints.known)
        if spans and (unknown := spans.unknown(hints.known)) < len(spans.hashes):
            result = _read(spans.without(hints.known, body), content_type)
            if _is_sound(result, unknown):
                return Parsed(_entries(result, response.url), spans=spans.hashes)
        result = _read(body, content_type)
        _check_whole(result, body)
        if not result["version"]:
            raise ParseError("the answer is neither RSS nor Atom", kind="not_a_feed")
        countable = spans is not None and _is_sound(result, len(spans.hashes))
        return Parsed(_entries(result, response.url), spans=spans.hashes if spans and countable else ())


def _read(body: bytes, content_type: str) -> Mapping[str, Any]:
    result: Mapping[str, Any] = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": content_type},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    return result


def _is_sound(result: Mapping[str, Any], entries: int) -> bool:
    """Tell whether the markup was read as what it is, and every entry that we counted was found."""
    error = result.get("bozo_exception")
    is_read_as_it_is = error is None or isinstance(error, feedparser.CharacterEncodingOverride)
    return is_read_as_it_is and bool(result["version"]) and len(result["entries"]) == entries


def _entries(result: Mapping[str, Any], url: str) -> tuple[Entry, ...]:
    is_atom = result["version"].startswith("atom")
    return tuple(_entry(raw, url, is_atom=is_atom) for raw in result["entries"])


def _no_feed(body: bytes) -> str:
    """Say what the answer is if that shows at once: a login page or a challenge with status 200 is no empty day."""
    if not body.strip():
        return "the answer is empty"
    return "the answer is a web page, not a feed" if _WEB_PAGE.match(body) else ""


def _check_entities(body: bytes) -> None:
    """Refuse entities made of entities, and long ones: no feed needs them, and they are how bombs are built.

    What gets past this, in UTF-16 for example, meets expat's own limit.
    """
    root = _ROOT_OPENS.search(body)
    for found in _ENTITY.finditer(body, 0, root.start() if root else len(body)):
        value = found[1] or found[2] or b""
        if len(value) > _ENTITY_AT_MOST or _REFERENCE.search(value):
            raise _too_much()


def _too_much() -> ParseError:
    return ParseError("the feed's entities expand beyond all measure", kind="parse_limit")


def _content_type(said: str, body: bytes) -> str:
    """Settle the encoding where we know better: text that is valid as UTF-8 and not ASCII is never anything else."""
    charset = _CHARSET.search(said)
    if not body.isascii() and _is_utf8(body):
        return "application/xml; charset=utf-8"
    return f"application/xml; charset={charset[1]}" if charset else "application/xml"


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_whole(result: Mapping[str, Any], body: bytes) -> None:
    """Raise unless the document came to its end. Bad markup on the way is forgiven, as every reader does."""
    error = result.get("bozo_exception")
    if "amplification" in str(error):
        raise _too_much()
    if not isinstance(error, SAXException | feedparser.CharacterEncodingUnknown):
        return
    opened, closed = _last(_ITEM_OPENS, body), _last(_ROOT_CLOSES, body)
    if result["version"] and closed <= opened:
        raise ParseError("the feed is cut off before its end", kind="broken")


def _last(pattern: re.Pattern[bytes], body: bytes) -> int:
    return max((found.start() for found in pattern.finditer(body)), default=-1)


def _entry(raw: Mapping[str, Any], feed_url: str, *, is_atom: bool) -> Entry:
    fields = dict(raw)  # a plain one: feedparser's own answers for missing keys with other keys' values
    summary = _prose(fields.get("summary"), fields.get("summary_detail"), is_atom=is_atom)
    content = _content(fields, is_atom=is_atom)
    outlet = _text(_mapping(fields.get("source")).get("title"))
    return Entry(
        guid=_text(fields.get("id")),
        url=_link(fields, feed_url),
        title=_prose(fields.get("title"), fields.get("title_detail"), is_atom=is_atom),
        summary=summary,
        content="" if content == summary else content,
        published=_text(fields.get("published")) or _text(fields.get("created")),
        updated=_text(fields.get("updated")),
        authors=tuple(_authors(fields)),
        tags=tuple(_tags(fields)),
        facts={"outlet": plain(outlet)} if outlet else {},
    )


def _prose(value: object, detail: object, *, is_atom: bool) -> str:
    """Take a text field. Atom says what is plain text; RSS does not, and means HTML more often than not."""
    if is_atom and _mapping(detail).get("type") == "text/plain":
        return _text(value)
    return plain(_text(value))


def _content(fields: Mapping[str, Any], *, is_atom: bool) -> str:
    """Take the full text. What RSS feeds have as plain-text content are captions of pictures."""
    contents = [_mapping(content) for content in _sequence(fields.get("content"))]
    texts = [
        _prose(content.get("value"), content, is_atom=is_atom)
        for content in contents
        if is_atom or content.get("type") != "text/plain"
    ]
    return max(texts, key=len, default="")


def _link(fields: Mapping[str, Any], feed_url: str) -> str:
    link = _text(fields.get("link"))
    if fields.get("guidislink") and link == _text(fields.get("id")) and not _NAMES_A_PLACE.match(link):
        link = ""  # an id that was taken for a link since nobody said that it is none
    if not link:
        links = [_mapping(link) for link in _sequence(fields.get("links"))]
        link = next((_text(link.get("href")) for link in links if link.get("rel") == "alternate"), "")
    base = _text(_mapping(fields.get("title_detail")).get("base"))
    try:
        return urljoin(urljoin(feed_url, base), link) if link else ""
    except ValueError:
        return ""


def _authors(fields: Mapping[str, Any]) -> Iterator[str]:
    """Name the authors. RSS writes `address (name)`, which feedparser cuts wrongly where the domain is a long word."""
    if found := _MAIL_AND_NAME.fullmatch(_text(fields.get("author"))[:_NAME_AT_MOST]):
        yield found[1]
        return
    named = [_text(_mapping(author).get("name")) for author in _sequence(fields.get("authors"))]
    for name in named if any(named) else [_text(fields.get("author"))]:
        if name:
            yield plain(name)


def _tags(fields: Mapping[str, Any]) -> Iterator[str]:
    for tag in _sequence(fields.get("tags")):
        if name := _text(_mapping(tag).get("label")) or _text(_mapping(tag).get("term")):
            yield plain(name)


# An element with attributes and an unlucky name takes the place of what feedparser itself puts there.


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


SOURCE: Source = Feed()
