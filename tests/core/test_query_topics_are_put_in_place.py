"""A topic is a named query: where its name stands, its query counts."""

from __future__ import annotations

import pytest

from bot.core.model import Topic
from bot.core.query import QueryError, expand, parse, read_topics, show

TOPICS = {"tps": parse('tps OR "temporary protected status"'), "none": parse("a b")}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("topic:tps", 'tps OR "temporary protected status"'),
        ("topic:tps venezuela", '(tps OR "temporary protected status") AND venezuela'),
        ("topic:tps OR haiti", 'tps OR "temporary protected status" OR haiti'),
        ("haiti NOT topic:tps", 'haiti AND NOT (tps OR "temporary protected status")'),
        ("topic:none c", "a AND b AND c"),
        ('title:x dep* "a b"', 'title:x AND dep* AND "a b"'),
    ],
)
def test_queries_of_topics_stand_where_their_names_stood(text: str, expanded: str) -> None:
    query = expand(parse(text), TOPICS)
    assert show(query) == expanded
    assert parse(expanded) == query


def test_an_unknown_topic_is_named_with_what_was_meant() -> None:
    with pytest.raises(QueryError) as caught:
        expand(parse("topic:tpss"), TOPICS)
    assert caught.value.sentence == 'There is no topic "tpss".'
    assert caught.value.hint == "Did you mean topic:tps?"
    with pytest.raises(QueryError) as caught:
        expand(parse("topic:fishing"), TOPICS)
    assert caught.value.hint == "The command /topics lists those there are."


def test_topics_are_read_by_id_and_alias_without_the_limits_of_chats() -> None:
    many = " OR ".join(f"word{n}" for n in range(200))
    topics = read_topics([Topic("removal", "Removal", many, aliases=("deportation",))])
    assert topics.keys() == {"removal", "deportation"}
    assert topics["removal"] is topics["deportation"]


@pytest.mark.parametrize("query", ["tps OR", "topic:asylum"])
def test_a_topic_that_cannot_be_used_is_named(query: str) -> None:
    with pytest.raises(QueryError, match=r"^Topic tps: "):
        read_topics([Topic("asylum", "Asylum", "asylum"), Topic("tps", "TPS", query)])
