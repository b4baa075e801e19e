"""The filter language as the rest of the bot knows it: read, write, say in words, put topics in place.

What a query is stands in `bot.core.tree`, how it is read in `bot.core.syntax`, what it finds in `bot.core.page`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from bot.core.model import Topic
from bot.core.syntax import ADMITTED, parse, point_at
from bot.core.tree import (
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
    all_of,
    any_of,
    leaves,
    negate,
    show,
)

__all__ = [
    "All",
    "Any",
    "Exact",
    "Field",
    "Not",
    "Phrase",
    "Prefix",
    "Query",
    "QueryError",
    "TopicRef",
    "Word",
    "describe",
    "expand",
    "parse",
    "point_at",
    "read_topics",
    "show",
]


def read_topics(topics: Iterable[Topic]) -> dict[str, Query]:
    """Read the queries of ready-made topics, by id and by alias; they are exempt from the limits on chats' queries.

    Raise `QueryError`, naming the topic, at the first that cannot be used.
    """
    read: dict[str, Query] = {}
    for topic in topics:
        try:
            query = expand(parse(topic.query, limits=ADMITTED), {})
        except QueryError as error:
            raise QueryError(f"Topic {topic.id}: {error.sentence}", error.position, error.hint) from None
        read |= dict.fromkeys((topic.id, *topic.aliases), query)
    return read


def expand(query: Query, topics: Mapping[str, Query]) -> Query:
    """Put the queries of topics in the place of their names; raise `QueryError` for a name that is none."""
    match query:
        case TopicRef(topic_id):
            if topic_id not in topics:
                raise _unknown_topic(topic_id, topics)
            return topics[topic_id]
        case All(parts):
            return all_of(expand(part, topics) for part in parts)
        case Any(parts):
            return any_of(expand(part, topics) for part in parts)
        case Not(inner):
            return negate(expand(inner, topics))
        case Field() | Word() | Exact() | Prefix() | Phrase():
            return query
        case _:
            assert_never(query)


def _unknown_topic(topic_id: str, topics: Mapping[str, Query]) -> QueryError:
    near = difflib.get_close_matches(topic_id, topics, n=1)
    hint = f"Did you mean topic:{near[0]}?" if near else "The command /topics lists those there are."
    return QueryError(f'There is no topic "{topic_id}".', hint=hint)


def describe(query: Query) -> str:
    """Say in words how a query is read, with brackets wherever "and" and "or" stand side by side."""
    first = next((leaf for leaf in leaves(query) if isinstance(leaf, Word)), None)
    return _say(query, first)


def _say(query: Query, first: Word | None) -> str:
    """`first` is the word at which it is said, once for all, that any form of a word counts."""
    match query:
        case All(parts):
            return _say_all(parts, first)
        case Any(parts):
            return " or ".join(_in_brackets(part, first) for part in parts)
        case Not(inner):
            return f"not {_in_brackets(inner, first)}"
        case Field(name, inner):
            return f"{_in_brackets(inner, first)} in the {name}"
        case _:
            return _say_leaf(query, first)


def _say_all(parts: Sequence[Query], first: Word | None) -> str:
    wanted = [_in_brackets(part, first) for part in parts if not isinstance(part, Not)]
    unwanted = [_in_brackets(part.query, first) for part in parts if isinstance(part, Not)]
    said = " and ".join(wanted) if wanted else "anything"
    return f"{said}, without {' and without '.join(unwanted)}" if unwanted else said


def _in_brackets(query: Query, first: Word | None) -> str:
    return f"({_say(query, first)})" if isinstance(query, All | Any) else _say(query, first)


def _say_leaf(leaf: Leaf, first: Word | None) -> str:
    match leaf:
        case Word(text):
            return f'any form of "{text}"' if leaf == first else f'"{text}"'
        case Exact(text):
            return f'exactly "{text}"'
        case Prefix(text):
            return f'words that begin with "{text}"'
        case Phrase(words):
            return f'the phrase "{" ".join(words)}"'
        case TopicRef(topic_id):
            return f"the topic {topic_id}"
        case _:
            assert_never(leaf)
