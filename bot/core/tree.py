"""The tree that a query is: what stands in it, how it is built, and its one canonical text.

A tree made with `all_of`, `any_of` and `negate` is in normal form (no `All` in an `All`, no `Not` in a `Not`,
no group of one), and for such a tree `parse(show(query)) == query`. Equal queries have equal text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

OPERATORS = frozenset({"and", "or", "not"})
PREFIX_LETTERS = 3  # a `*` needs so many letters before it: pages and the index group words by them


class QueryError(Exception):
    """A query that cannot be used.

    `sentence` says what is wrong, `position` where (a character offset in the text as typed), and `hint` what to
    write instead, where that can be said.
    """

    def __init__(self, sentence: str, position: int = 0, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.position = position
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Word:
    """Any form of one word. `text` is as `bot.core.terms.spell` writes it."""

    text: str


@dataclass(frozen=True, slots=True)
class Exact:
    """One word in this form alone. Case and accents do not count here either."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """Any word that begins with `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two or more words, any form of each, one right after the other in one field."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicRef:
    """The query of a ready-made topic; `bot.core.query.expand` puts it in place."""

    id: str


@dataclass(frozen=True, slots=True)
class Field:
    """`query`, looked for in one field only."""

    name: str
    query: Query


@dataclass(frozen=True, slots=True)
class Not:
    """A page that `query` does not match."""

    query: Query


@dataclass(frozen=True, slots=True)
class All:
    """Every one of two or more parts."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of two or more parts."""

    parts: tuple[Query, ...]


Leaf = Word | Exact | Prefix | Phrase | TopicRef
Query = Leaf | Field | Not | All | Any


def in_order(texts: Iterable[str]) -> Word | Phrase:
    """Build a word of one, a phrase of several."""
    first, *others = texts
    return Phrase((first, *others)) if others else Word(first)


def all_of(parts: Iterable[Query]) -> Query:
    """Join parts that must all be true; there is at least one."""
    first, *others = (part for whole in parts for part in (whole.parts if isinstance(whole, All) else (whole,)))
    return All((first, *others)) if others else first


def any_of(parts: Iterable[Query]) -> Query:
    """Join parts of which one will do; there is at least one."""
    first, *others = (part for whole in parts for part in (whole.parts if isinstance(whole, Any) else (whole,)))
    return Any((first, *others)) if others else first


def negate(query: Query) -> Query:
    """Turn a query into its opposite."""
    return query.query if isinstance(query, Not) else Not(query)


def walk(query: Query) -> Iterator[Query]:
    """Every node of the tree, from left to right, each before what it holds."""
    yield query
    match query:
        case All(parts) | Any(parts):
            for part in parts:
                yield from walk(part)
        case Field(query=inner) | Not(inner):
            yield from walk(inner)
        case _:
            pass


def leaves(query: Query) -> Iterator[Leaf]:
    """The words, phrases and topics of a query, from left to right."""
    return (node for node in walk(query) if not isinstance(node, All | Any | Field | Not))


def show(query: Query) -> str:
    """Write a query as its canonical text; brackets stand wherever AND and OR meet."""
    match query:
        case All(parts):
            return " AND ".join(map(_bracketed, parts))
        case Any(parts):
            return " OR ".join(map(_bracketed, parts))
        case Not(inner):
            return f"NOT {_bracketed(inner)}"
        case Field(name, inner):
            return f"{name}:({show(inner)})" if isinstance(inner, Not) else f"{name}:{_bracketed(inner)}"
        case _:
            return _show_leaf(query)


def _show_leaf(leaf: Leaf) -> str:
    match leaf:
        case Word(text):
            return f'"{text}"' if text in OPERATORS else text
        case Exact(text):
            return f"#{text}"
        case Prefix(text):
            return f"{text}*"
        case Phrase(words):
            return f'"{" ".join(words)}"'
        case TopicRef(topic_id):
            return f"topic:{topic_id}"
        case _:
            assert_never(leaf)


def _bracketed(query: Query) -> str:
    return f"({show(query)})" if isinstance(query, All | Any) else show(query)


def nesting(query: Query) -> int:
    """How many brackets deep the canonical text goes."""
    match query:
        case All(parts) | Any(parts):
            return max(nesting(part) + isinstance(part, All | Any) for part in parts)
        case Field(query=inner):
            return nesting(inner) + isinstance(inner, All | Any | Not)
        case Not(inner):
            return nesting(inner) + isinstance(inner, All | Any)
        case _:
            return 0


def wants_nothing(query: Query) -> bool:
    """Say whether an empty page would match, so that the query is (nearly) everything."""
    match query:
        case Not(inner):
            return not wants_nothing(inner)
        case Field(query=inner):
            return wants_nothing(inner)
        case All(parts):
            return all(map(wants_nothing, parts))
        case Any(parts):
            return any(map(wants_nothing, parts))
        case _:
            return False
