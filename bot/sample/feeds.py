"""The sample's lists, written in the formats in which real ones come, with the habits that real ones have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC
from html import escape
from xml.etree import ElementTree as ET

from bot.sample.items import SampleDocument, SampleFeed, SampleItem, SampleRegister

PAGE_SIZE = 6  # documents on a page of the register

_ATOM = "http://www.w3.org/2005/Atom"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RSS1 = "http://purl.org/rss/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"


def write_feed(feed: SampleFeed, items: Iterable[SampleItem]) -> bytes:
    """Write a feed with these of its items."""
    root = _FORMATS[feed.format](feed, items)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root)


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, name, attributes)
    child.text = text or None
    return child


def _html(text: str) -> str:
    return "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in text.split("\n\n"))


def _rss(feed: SampleFeed, items: Iterable[SampleItem], *, with_ids: bool = True) -> ET.Element:
    """RSS 2.0, with years of two digits as some agencies write them."""
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    for name, text in (("title", feed.name), ("link", feed.home), ("description", f"{feed.name}: made-up news")):
        _add(channel, name, text)
    for item in items:
        entry = ET.SubElement(channel, "item")
        _add(entry, "title", item.title)
        _add(entry, "link", item.link)
        _add(entry, "description", _html(item.text))
        _add(entry, "pubDate", f"{item.at:%a, %d %b %y %H:%M:%S %z}")
        if with_ids:
            _add(entry, "guid", item.link, isPermaLink="true")
        if item.outlet:
            _add(entry, "source", item.outlet, url=feed.home)
    return root


def _rss_without_ids(feed: SampleFeed, items: Iterable[SampleItem]) -> ET.Element:
    return _rss(feed, items, with_ids=False)


def _atom(feed: SampleFeed, items: Iterable[SampleItem]) -> ET.Element:
    """Atom, whose ids are names that nobody can open."""
    listed = tuple(items)
    root = ET.Element("feed", xmlns=_ATOM)
    _add(root, "title", feed.name)
    _add(root, "id", f"tag:{feed.id},2023:feed")
    _add(root, "updated", max(item.at for item in listed).isoformat())
    for item in listed:
        entry = ET.SubElement(root, "entry")
        _add(entry, "title", item.title)
        _add(entry, "link", rel="alternate", href=item.link)
        _add(entry, "id", f"tag:{feed.id},2023:{item.link.rpartition('/')[2]}")
        _add(entry, "published", item.at.astimezone(UTC).isoformat())
        _add(entry, "updated", item.at.astimezone(UTC).isoformat())
        _add(entry, "content", _html(item.text), type="html")
    return root


def _rdf(feed: SampleFeed, items: Iterable[SampleItem]) -> ET.Element:
    """RSS 1.0, which has no ids and puts its items beside the channel."""
    root = ET.Element("rdf:RDF", {"xmlns:rdf": _RDF, "xmlns": _RSS1, "xmlns:dc": _DC})
    channel = _add(root, "channel", **{"rdf:about": feed.home})
    _add(channel, "title", feed.name)
    _add(channel, "link", feed.home)
    for item in items:
        entry = _add(root, "item", **{"rdf:about": item.link})
        _add(entry, "title", item.title)
        _add(entry, "link", item.link)
        _add(entry, "description", item.text)
        _add(entry, "dc:date", item.at.isoformat())
    return root


_FORMATS: dict[str, Callable[[SampleFeed, Iterable[SampleItem]], ET.Element]] = {
    "rss": _rss,
    "rss-without-ids": _rss_without_ids,
    "atom": _atom,
    "rdf": _rdf,
}


def write_page(register: SampleRegister, documents: Iterable[SampleDocument], page: int, address: str) -> bytes:
    """Write one page of the register's documents API. `address` is that of the first page."""
    listed = tuple(documents)
    pages = -(-len(listed) // PAGE_SIZE)
    shown = listed[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    answer: dict[str, object] = {"count": len(listed), "description": register.name, "total_pages": pages}
    if page < pages:
        answer["next_page_url"] = f"{address}?page={page + 1}"
    answer["results"] = [_document(register, document) for document in shown]
    return json.dumps(answer, ensure_ascii=False).encode()


def _document(register: SampleRegister, document: SampleDocument) -> dict[str, object]:
    dates = {"effective_on": document.effective_on, "comments_close_on": document.comments_close_on}
    return {
        "document_number": document.number,
        "title": document.title,
        "type": document.type,
        "action": document.action,
        "abstract": document.text,
        "html_url": f"{register.home}/documents/{document.day:%Y/%m/%d}/{document.number}",
        "publication_date": document.day.isoformat(),
        "agencies": [{"name": agency} for agency in document.agencies],
        **{name: day.isoformat() if day else None for name, day in dates.items()},
    }
