"""Many stored queries, one new page: which of them match, without asking each.

A query can only match a page that has certain terms. `_needs` finds them: a few alternatives, each a set of terms
of which none may be missing (`tps AND (haiti OR venezuela)` needs tps and haiti, or tps and venezuela). Each
alternative is filed under its two rarest terms, one inside the other, and a page is walked through the
intersections of its own terms with these two levels. What is found is a candidate; `find` decides.

Words are filed by their English terms and again by their Spanish ones. A page in both languages may match one
word in this and one in that, so there only the first level counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from bot.core.model import Match
from bot.core.page import Page, Search, find, read_page
from bot.core.query import expand, parse
from bot.core.syntax import ADMITTED
from bot.core.terms import SPANISH_MARK, Reading, Term, is_common, read_word
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

__all__ = ["Index", "Page", "find", "read_page"]

_ALTERNATIVES: Final = 16  # an AND of several ORs is multiplied out up to so many; what is more is left to `find`
_ALONE: Final = ""  # the second term of what needs only one
_STAR: Final = "*"  # ends the key of a prefix; no term has it


# The words of which none may be missing. A prefix is a word, too, with one key of its own for both languages.
_Alternative = frozenset[Reading]
_Filing = tuple[Term, Term]


@dataclass(frozen=True, slots=True)
class _Stored:
    query: Query
    filings: tuple[_Filing, ...]


class Index:
    """All followed queries, kept in step with what people follow: adding and removing touch only the query's terms."""

    def __init__(self, topics: Mapping[str, Query]) -> None:
        """`topics` are the queries of ready-made topics, with no topic left in them (`bot.core.query.read_topics`)."""
        self._topics = topics
        self._stored: dict[int, _Stored] = {}
        self._shelf: dict[Term, dict[Term, int | set[int]]] = {}  # most places hold one query: an int is a set saved
        self._uses: Counter[Term] = Counter()  # how many stored queries need an English term, or a prefix
        self._prefixes: dict[str, set[str]] = {}  # first letters → prefixes

    def __len__(self) -> int:
        return len(self._stored)

    def add(self, query_id: int, text: str) -> None:
        """Store a query under an id, instead of what had it; raise `QueryError` and change nothing if it cannot be."""
        query = expand(parse(text, limits=ADMITTED), self._topics)
        alternatives = _needs(query, wanted=True)
        if alternatives is None:  # the parser refuses such queries, but topics are handed in as trees
            raise QueryError("This would match everything.")
        self.remove(query_id)
        filings = tuple(dict.fromkeys(filing for needs in alternatives for filing in self._filings(needs)))
        for filing in filings:
            self._put(filing, query_id)
        for need in frozenset().union(*alternatives):
            self._uses[need.english] += 1
            if need.english.endswith(_STAR):
                self._prefixes.setdefault(need.folded[:PREFIX_LETTERS], set()).add(need.folded)
        self._stored[query_id] = _Stored(query, filings)

    def remove(self, query_id: int) -> None:
        """Forget a query; nothing happens where there is none of this id."""
        stored = self._stored.pop(query_id, None)
        if stored is None:
            return
        for filing in stored.filings:
            self._take(filing, query_id)
        for need in frozenset().union(*(_needs(stored.query, wanted=True) or ())):
            self._uses[need.english] -= 1
            if self._uses[need.english]:
                continue
            del self._uses[need.english]
            if need.english.endswith(_STAR):
                self._forget_prefix(need.folded)

    def matches(self, page: Page) -> tuple[Match, ...]:
        """Which stored queries match a page, and where, in the order of their ids."""
        search = Search(page)
        found = ((query_id, search.find(self._stored[query_id].query)) for query_id in sorted(self._candidates(page)))
        return tuple(Match(query_id, hits) for query_id, hits in found if hits is not None)

    def touches(self, page: Page) -> bool:
        """Tell whether a page has any word that some query asks for, common ones aside: whether it is near them."""
        words = {term for term in self._present(page) if term != _ALONE and not is_common(term.lstrip(SPANISH_MARK))}
        if not words.isdisjoint(self._uses) or not words.isdisjoint(self._shelf):
            return True
        return any(not words.isdisjoint(seconds) for seconds in self._shelf.values())

    def _candidates(self, page: Page) -> set[int]:
        """All queries that match, and a few more."""
        present = self._present(page)
        first_level_only = page.languages.english and page.languages.spanish
        found: set[int] = set()
        for first in self._shelf.keys() & present:
            seconds = self._shelf[first]
            for second in seconds if first_level_only else seconds.keys() & present:
                ids = seconds[second]
                if isinstance(ids, int):
                    found.add(ids)
                else:
                    found |= ids
        return found

    def _present(self, page: Page) -> set[Term]:
        """The terms of a page, and the keys of those prefixes that some word of it begins with."""
        present = {_ALONE, *page.places}
        for letters in self._prefixes.keys() & page.spellings.keys():
            words = page.spellings[letters]
            present |= {
                prefix + _STAR for prefix in self._prefixes[letters] if any(word.startswith(prefix) for word in words)
            }
        return present

    def _filings(self, needs: _Alternative) -> tuple[_Filing, _Filing]:
        """The two places of one alternative, English and Spanish: under its two rarest terms."""
        first, *others = sorted(needs, key=self._frequency)[:2]
        if not others:
            return (first.english, _ALONE), (first.spanish, _ALONE)
        return (first.english, others[0].english), (first.spanish, others[0].spanish)

    def _frequency(self, need: Reading) -> tuple[bool, int, int, str]:
        """How often a word is to be expected: by what queries ask for, as pages speak of what people ask for."""
        return is_common(need.folded), self._uses[need.english], -len(need.folded), need.folded

    def _put(self, filing: _Filing, query_id: int) -> None:
        first, second = filing
        seconds = self._shelf.setdefault(first, {})
        ids = seconds.get(second)
        if ids is None:
            seconds[second] = query_id
        elif isinstance(ids, int):
            seconds[second] = {ids, query_id}
        else:
            ids.add(query_id)

    def _take(self, filing: _Filing, query_id: int) -> None:
        first, second = filing
        seconds = self._shelf[first]
        ids = seconds[second]
        if isinstance(ids, set):
            ids.remove(query_id)
            if ids:
                return
        del seconds[second]
        if not seconds:
            del self._shelf[first]

    def _forget_prefix(self, prefix: str) -> None:
        alike = self._prefixes[prefix[:PREFIX_LETTERS]]
        alike.remove(prefix)
        if not alike:
            del self._prefixes[prefix[:PREFIX_LETTERS]]


def _needs(query: Query, *, wanted: bool) -> list[_Alternative] | None:
    """The alternatives of words one of which a page must have for the query to be true (or false, if not `wanted`).

    None: a page may do without any word.
    """
    match query:
        case All(parts):
            return _join(parts, wanted=wanted) if wanted else _gather(parts, wanted=wanted)
        case Any(parts):
            return _gather(parts, wanted=wanted) if wanted else _join(parts, wanted=wanted)
        case Not(inner):
            return _needs(inner, wanted=not wanted)
        case Field(query=inner):
            return _needs(inner, wanted=wanted)
        case _:
            return [frozenset(_words_of(query))] if wanted else None


def _join(parts: Iterable[Query], *, wanted: bool) -> list[_Alternative] | None:
    """All parts must come out as wanted: the fewest alternatives, and others multiplied in while they stay few."""
    known = sorted((needs for part in parts if (needs := _needs(part, wanted=wanted)) is not None), key=len)
    if not known:
        return None
    joined, *others = known
    for other in others:
        if len(joined) * len(other) <= _ALTERNATIVES:
            joined = [one | more for one in joined for more in other]
    return joined


def _gather(parts: Iterable[Query], *, wanted: bool) -> list[_Alternative] | None:
    """One part must come out as wanted: the alternatives of every part."""
    gathered: list[_Alternative] = []
    for part in parts:
        needs = _needs(part, wanted=wanted)
        if needs is None:
            return None
        gathered += needs
    return gathered


def _words_of(leaf: Leaf) -> Iterator[Reading]:
    match leaf:
        case Word(text) | Exact(text):  # a page that has this form has its terms
            yield read_word(text)
        case Phrase(words):
            yield from map(read_word, words)
        case Prefix(text):
            prefix = read_word(text).folded
            yield Reading(prefix, prefix + _STAR, prefix + _STAR)
        case TopicRef(topic_id):
            raise QueryError(f"The query of the topic {topic_id} was not put in its place.")
        case _:
            assert_never(leaf)
