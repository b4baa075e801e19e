"""A document as queries see it, and the one matcher: does this query match, and on which words.

Live alerts, previews, the command line and `why` all end in `find`, so they cannot disagree.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.core.model import Hit
from bot.core.terms import Languages, Term, languages_of, read_word, words_in
from bot.core.tree import (
    PREFIX_LETTERS,
    All,
    Any,
    Exact,
    Field,
    Leaf,
    Not,
    Phrase,
    Prefix,
    Query,
    QueryError,
    TopicRef,
    Word,
)

_HITS_PER_LEAF = 5  # so many places of one word or phrase are enough to show why a page matched


@dataclass(frozen=True, slots=True)
class Part:
    """The words of one field, in order, and the numbers they have on the page."""

    name: str
    words: Sequence[re.Match[str]]
    numbers: range


@dataclass(frozen=True, slots=True)
class Page:
    """A document, read once for any number of queries. Words are numbered across fields, with a gap between fields.

    `places` has the numbers of the words that have a term, `spellings` those of the words that are spelled so
    (folded), grouped by their first letters. Numbers are in rising order.
    """

    parts: tuple[Part, ...]
    places: Mapping[Term, Sequence[int]]
    spellings: Mapping[str, Mapping[str, Sequence[int]]]
    languages: Languages


# Where one word or phrase stands: the numbers of its first words, and how many words it has.
_Found = tuple[Sequence[int], int]


def read_page(title: str, text: str) -> Page:
    """Find the words of a document and their terms."""
    parts: list[Part] = []
    written: defaultdict[str, list[int]] = defaultdict(list)
    first = 0
    for name, content in (("title", title), ("text", text)):
        words = tuple(words_in(content))
        parts.append(Part(name, words, range(first, first + len(words))))
        for number, word in enumerate(words, first):
            written[word.group()].append(number)
        first += len(words) + 1  # the gap: no phrase reaches from one field into the next
    languages = languages_of({word: len(numbers) for word, numbers in written.items()})
    places: dict[Term, list[int]] = {}
    spellings: dict[str, dict[str, list[int]]] = {}
    for spelled, numbers in written.items():
        reading = read_word(spelled)
        _add(spellings.setdefault(reading.folded[:PREFIX_LETTERS], {}), reading.folded, numbers)
        if languages.english:
            _add(places, reading.english, numbers)
        if languages.spanish:
            _add(places, reading.spanish, numbers)
    return Page(tuple(parts), places, spellings, languages)


def _add(places: dict[str, list[int]], key: str, numbers: list[int]) -> None:
    known = places.get(key)
    places[key] = numbers if known is None else sorted(known + numbers)


def find(query: Query, page: Page) -> tuple[Hit, ...] | None:
    """Say where the words of a query stand on a page that it matches, in order; None where it does not match.

    Topics must have been put in place (`bot.core.query.expand`).
    """
    return Search(page).find(query)


class Search:
    """One page that is asked many queries: what a word or a phrase finds on it is looked up once."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._numbers = {part.name: part.numbers for part in page.parts}
        self._hits: dict[tuple[int, int], Hit] = {}

    def find(self, query: Query) -> tuple[Hit, ...] | None:
        """As the function `find`."""
        found = self._seek(query, None)
        if found is None:
            return None
        places = sorted({(start, width) for starts, width in found for start in starts[:_HITS_PER_LEAF]})
        return tuple(self._hits.get(place) or self._hit(place) for place in places)

    def _hit(self, place: tuple[int, int]) -> Hit:
        start, width = place
        part = next(part for part in self._page.parts if start < part.numbers.stop)
        first = start - part.numbers.start
        hit = Hit(part.name, part.words[first].start(), part.words[first + width - 1].end())
        self._hits[place] = hit
        return hit

    # Patterns here take no arguments: `case All(parts)` costs five times `case All()` and an attribute.

    def _seek(self, query: Query, within: range | None) -> list[_Found] | None:
        """Look for a query among the word numbers `within` (None: all). None: not there; []: true without a word."""
        match query:
            case All():
                return self._seek_all(query.parts, within)
            case Any():
                return self._seek_any(query.parts, within)
            case Not():
                return [] if self._seek(query.query, within) is None else None
            case Field():
                return self._seek(query.query, self._numbers[query.name])
            case _:
                return self._seek_leaf(query, within)

    def _seek_all(self, parts: Sequence[Query], within: range | None) -> list[_Found] | None:
        together: list[_Found] = []
        for part in parts:
            found = self._seek(part, within)
            if found is None:
                return None
            together += found
        return together

    def _seek_any(self, parts: Sequence[Query], within: range | None) -> list[_Found] | None:
        either = [found for part in parts if (found := self._seek(part, within)) is not None]
        return [place for found in either for place in found] if either else None

    def _seek_leaf(self, leaf: Leaf, within: range | None) -> list[_Found] | None:
        width = 1
        match leaf:
            case Word():
                starts = _places(leaf.text, self._page)
            case Phrase():
                starts, width = _runs(leaf.words, self._page), len(leaf.words)
            case Exact():
                starts = _exactly(leaf.text, self._page)
            case Prefix():
                starts = _beginning(leaf.text, self._page)
            case TopicRef():
                raise QueryError(f"The query of the topic {leaf.id} was not put in its place.")
            case _:
                assert_never(leaf)
        if within is not None:
            starts = [start for start in starts if start in within]
        return [(starts, width)] if starts else None


def _places(word: str, page: Page) -> Sequence[int]:
    """Where any form of a word stands: its English or its Spanish stem agrees, in a language the page is written in."""
    reading = read_word(word)
    english = page.places.get(reading.english, ())
    spanish = page.places.get(reading.spanish, ())
    return sorted({*english, *spanish}) if english and spanish else english or spanish


def _runs(words: Sequence[str], page: Page) -> Sequence[int]:
    """Where words stand in this order, one right after the other.

    A word's places become one long integer with a byte for each word of the page. So a phrase of forty words on a
    page of fifty thousand is forty shifts, and no text or query can make it slow.
    """
    places = {word: _places(word, page) for word in words}
    if not all(places.values()):
        return ()
    size = page.parts[-1].numbers.stop
    standing = -1
    flags = {word: _flags(numbers, size) for word, numbers in places.items()}
    for offset, word in enumerate(words):
        standing &= flags[word] >> (8 * offset)
    stands = standing.to_bytes(size, "little")
    return [number for number in places[words[0]] if stands[number]]


def _flags(numbers: Sequence[int], size: int) -> int:
    flags = bytearray(size)
    for number in numbers:
        flags[number] = 1
    return int.from_bytes(flags, "little")


def _exactly(word: str, page: Page) -> Sequence[int]:
    """Where a word is spelled so, case and accents aside."""
    folded = read_word(word).folded
    return page.spellings.get(folded[:PREFIX_LETTERS], {}).get(folded, ())


def _beginning(text: str, page: Page) -> Sequence[int]:
    """Where a word stands that begins with `text`."""
    folded = read_word(text).folded
    alike = page.spellings.get(folded[:PREFIX_LETTERS], {})
    return sorted(number for spelled, numbers in alike.items() if spelled.startswith(folded) for number in numbers)
