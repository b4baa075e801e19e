"""OPML: lists of feeds as readers exchange them. Read with care, since such files come from anywhere (security S8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from bot.core.entities import declares_entities
from bot.errors import BotError
from config.words import read_url

BYTES_AT_MOST = 1_000_000
_NAME_SIZE = 100


@dataclass(frozen=True, slots=True)
class Outlines:
    """What a file lists: feeds as (address, name), each once, and what was passed over, in words."""

    feeds: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]


def read_opml(text: bytes) -> Outlines:
    """Read a file, however its outlines are nested; raise `BotError` where it is no OPML."""
    if len(text) > BYTES_AT_MOST:
        raise BotError(f"The file is larger than {BYTES_AT_MOST:,} bytes. Split it.")
    if declares_entities(text):
        raise BotError("The file declares entities of its own, which is not read. Export it anew from another reader.")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above, and expat opens no files by itself
    except (ET.ParseError, ValueError, LookupError) as error:
        raise BotError(f"The file is not well-formed XML ({error}).") from error
    if root.tag != "opml":
        raise BotError("The file is XML, and no OPML.")
    feeds: dict[str, str] = {}
    skipped: list[str] = []
    for outline in root.iter("outline"):
        name = _line(outline.get("title") or outline.get("text") or "")
        url = (outline.get("xmlUrl") or "").strip()
        if url and not (why := _why_not(url)):
            feeds.setdefault(url, name)
        elif url:
            skipped.append(f"{name or 'an outline'}: {why}")
        elif not len(outline):
            skipped.append(f"{name or 'an outline'}: no feed")
    return Outlines(tuple(feeds.items()), tuple(skipped))


def write_opml(sources: Iterable[Mapping[str, object]]) -> str:
    """Write sources as OPML 2.0: feeds as other readers take them, the rest as links."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = "Policybell sources"
    body = ET.SubElement(root, "body")
    for source in sources:
        name, url = str(source["name"]), str(source["url"])
        place = {"type": "rss", "xmlUrl": url} if source["kind"] == "feed" else {"type": "link", "url": url}
        ET.SubElement(body, "outline", {"text": name, "title": name, **place})
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _why_not(url: str) -> str:
    try:
        read_url(url)
    except ValueError as error:
        return f"its address {error}"
    return ""


def _line(text: str) -> str:
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:_NAME_SIZE]
