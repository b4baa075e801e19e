"""Ready-made topics: those of `topics.toml`, and what `bot.toml` adds or changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from bot.core.index import find, read_page
from bot.core.model import Topic
from bot.core.query import Query, QueryError, expand, parse
from bot.core.query import read_topics as read_queries
from bot.core.syntax import ADMITTED
from config.problems import Problem, doubled, told
from config.settings import Line, Section
from config.shipped import shipped
from config.words import read_id

_EXAMPLES = ("must_match", "must_not_match")


class _Name(Section):
    en: Annotated[Line, Field(min_length=1, max_length=60)]


class _Written(Section):
    """One `[[topics]]` item as it is written."""

    id: Annotated[str, AfterValidator(read_id)]
    name: _Name
    query: Annotated[str, Field(min_length=1)]
    aliases: tuple[Annotated[str, AfterValidator(read_id)], ...] = ()
    must_match: tuple[str, ...] = ()
    must_not_match: tuple[str, ...] = ()

    def topic(self) -> Topic:
        return Topic(self.id, self.name.en, self.query, self.aliases, self.must_match, self.must_not_match)


def read_topics(
    shipped: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Topic, ...], list[Problem]]:
    """Bring shipped topics and the operator's own together and try every one; return the good ones and what is wrong.

    An own topic with a shipped id changes what it names of it; with a query of its own it brings its own examples.
    """
    places = {str(item.get("id")): f"topics.toml {item.get('id')}" for item in shipped}
    places |= {str(item.get("id")): f"topics[{index}]" for index, item in enumerate(own)}
    problems = list(doubled("topics", own))
    topics: list[Topic] = []
    for item in _merged(shipped, own):
        try:
            topics.append(_Written.model_validate(item).topic())
        except ValidationError as error:
            problems.extend(told(error, _Written, places[str(item.get("id"))]))
            problems.extend(_unreadable(item, places[str(item.get("id"))]))
    problems.extend(_clashes(topics, places))
    problems.extend(_tried(topics, places))
    return tuple(topics), problems


def shipped_queries() -> Mapping[str, Query]:
    """Return the queries of the ready-made topics by id and alias, with no regard to settings."""
    topics, _ = read_topics(shipped("topics"), ())
    return read_queries(topics)


def _merged(shipped: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    changed = {str(item.get("id")): item for item in own}
    for item in shipped:
        change = changed.pop(str(item["id"]), {})
        dropped = _EXAMPLES if "query" in change else ()
        yield {**{key: value for key, value in item.items() if key not in dropped}, **change}
    yield from changed.values()


def _clashes(topics: Iterable[Topic], places: Mapping[str, str]) -> Iterator[Problem]:
    taken: dict[str, str] = {topic.id: topic.id for topic in topics}
    for topic in topics:
        for alias in topic.aliases:
            if taken.setdefault(alias, topic.id) != topic.id or alias == topic.id:
                yield f"{places[topic.id]}.aliases", f"{alias!r} already means the topic {taken[alias]}"


def _unreadable(item: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Try the query of a topic that is wrong elsewhere; one that is missing or empty was told already."""
    if isinstance(text := item.get("query"), str) and text:
        try:
            _read(text)
        except QueryError as error:
            yield f"{where}.query", str(error)


def _read(text: str) -> Query:
    return expand(parse(text, limits=ADMITTED), {})


def _tried(topics: Iterable[Topic], places: Mapping[str, str]) -> Iterator[Problem]:
    """Parse every query and run it on its own examples: a topic that fails them would fail people silently."""
    for topic in topics:
        try:
            query = _read(topic.query)
        except QueryError as error:
            yield f"{places[topic.id]}.query", str(error)
        else:
            yield from _examples(topic, query, places[topic.id])


def _examples(topic: Topic, query: Query, where: str) -> Iterator[Problem]:
    for index, example in enumerate(topic.must_match):
        if find(query, read_page(example, "")) is None:
            yield f"{where}.must_match[{index}]", f"the query does not match {example!r}"
    for index, example in enumerate(topic.must_not_match):
        if find(query, read_page(example, "")) is not None:
            yield f"{where}.must_not_match[{index}]", f"the query matches {example!r}"
