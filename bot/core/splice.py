"""Where the entries of a feed stand in its bytes, so that those read before need not be read again.

A list of fifty entries with one new among them is parsed as its head, the new entry and its foot. What is left over
must read to the letter as it does in the whole list. So nothing is left out of a list that we cannot be sure of:

* Entries inside entries, a document type (its entities reach everywhere), encodings other than plain ones.
* Entries that declare prefixes of namespaces, or a base for links: feedparser lets both reach beyond their element.

An entry is known by a hash of its bytes and of all around it that may change what they mean: the address and type
of the answer, the XML declaration, the elements around it with their namespaces, languages and bases.
Whether the markup is sound is for the parser to say: this looks at nothing but brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

SPANS_AT_MOST = 5_000  # a list of more is refused when it is read whole: it must not be read in parts instead

_MARKUP = re.compile(
    rb"<(?:!--.*?-->|!\[CDATA\[.*?\]\]>|\?.*?\?>|(!DOCTYPE)|(/?)(?:[\w.-]+:)?(?:item|entry)(?=[\s/>]))",
    re.DOTALL | re.IGNORECASE,
)
_REST_OF_TAG = re.compile(rb"""(?:[^<>"']|"[^"]*"|'[^']*')*>""")
_TAG = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
_AROUND = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel)[\s>]|xml|[\s:]base\s*=", re.IGNORECASE)
_BASE = re.compile(rb"""[\s:]base\s*=\s*["']""")
_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_CHARSET = re.compile(r"""charset=["']?([\w.:-]+)""", re.IGNORECASE)
_PLAIN_ENCODINGS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"})


@dataclass(frozen=True, slots=True)
class Spans:
    """The entries of a list in its order: by what each is known, and from where to where its bytes go."""

    hashes: tuple[str, ...]
    places: tuple[tuple[int, int], ...]

    def unknown(self, known: Collection[str]) -> int:
        """Count the entries that are not known."""
        return sum(name not in known for name in self.hashes)

    def without(self, known: Collection[str], body: bytes) -> bytes:
        """Cut what is known out of the list."""
        kept, at = [], 0
        for name, (start, end) in zip(self.hashes, self.places, strict=True):
            if name in known:
                kept.append(body[at:start])
                at = end
        return b"".join([*kept, body[at:]])


def find_spans(body: bytes, content_type: str, url: str, known: Collection[str]) -> Spans | None:
    """Find the entries of a feed; None where there are none or where they cannot be told apart with certainty.

    `known` are entries that `find_spans` found before: their bytes were looked at then.
    """
    if not _is_plainly_encoded(body, content_type):
        return None
    places = _places(body)
    if not places or len(places) > SPANS_AT_MOST:
        return None
    around = [tag for tag in _TAG.findall(body, 0, places[0][0]) if _AROUND.search(tag)]
    seed = xxh3_64_intdigest(b"\0".join([content_type.encode(), url.encode("utf-8", "replace"), *around]))
    hashes = tuple(xxh3_128_hexdigest(body[start:end], seed=seed) for start, end in places)
    spans = Spans(hashes, tuple(places))
    head, foot = places[0][0], len(body) - places[-1][1]
    unread = spans.without(known, body)
    return None if _reach_out(unread[head : len(unread) - foot].lower()) else spans


def _places(body: bytes) -> list[tuple[int, int]]:
    """Find where entries begin and end; nothing where one stands in another or does not end."""
    places: list[tuple[int, int]] = []
    began = -1
    for found in _MARKUP.finditer(body):
        if found[1]:
            return []
        if found[2] is None:  # a comment, a section of plain text or an instruction: entries in there are none
            continue
        is_end = bool(found[2])
        rest = _REST_OF_TAG.match(body, found.end())
        if rest is None or is_end != (began >= 0):
            return []
        is_empty = not is_end and rest[0].endswith(b"/>")
        if is_end or is_empty:
            places.append((found.start() if is_empty else began, rest.end()))
            began = -1
        else:
            began = found.start()
    return places if began < 0 else []


def _reach_out(entries: bytes) -> bool:
    """Tell whether entries, in small letters, declare what lasts. The words are looked for first: that is quick."""
    return b"xmlns:" in entries or (b"base" in entries and _BASE.search(entries) is not None)


def _is_plainly_encoded(body: bytes, content_type: str) -> bool:
    """Tell whether each byte means the same whatever stands around it: UTF-8, and nothing else is claimed."""
    charset, declared = _CHARSET.search(content_type), _ENCODING.match(body)
    names = (charset[1] if charset else "", declared[1].decode("latin-1") if declared else "")
    if not all(name.lower() in _PLAIN_ENCODINGS for name in names):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
