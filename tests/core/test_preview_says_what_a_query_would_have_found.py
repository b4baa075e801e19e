"""A preview asks stored stories with the matcher of live alerts, and says what each clause does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.index import find, read_page
from bot.core.model import Story
from bot.core.preview import Preview, Sample, Survey
from bot.core.query import Query, QueryError, parse, show
from tests.builders import NOW, a_document, a_story, at
from tests.queries import PAGES, QUERIES


def a_told(number: int, title: str, when: datetime | None = NOW) -> Story:
    return a_story(number, a_document(number, title=title, text="", claimed_at=when))


def preview(query: str, *stories: Story) -> Preview:
    survey = Survey(parse(query), {"tps": parse("tps OR haiti")}, NOW)
    samples = []
    for story in stories:
        hits = survey.look(story, read_page(story.lead.title, story.lead.text))
        samples += [] if hits is None else [Sample(story, hits)]
    return survey.preview(tuple(samples[:3]))


def titled(*titles: str) -> list[Story]:
    return [a_told(number, title) for number, title in enumerate(titles, 1)]


@settings(max_examples=200)
@given(QUERIES, st.lists(PAGES, max_size=6))
def test_it_finds_what_the_matcher_finds(query: Query, texts: list[tuple[str, str]]) -> None:
    survey = Survey(query, {}, NOW)
    for number, (title, text) in enumerate(texts, 1):
        page = read_page(title, text)
        assert survey.look(a_story(number, a_document(number, title=title, text=text)), page) == find(query, page)
    count = sum(find(query, read_page(*one)) is not None for one in texts)
    seen = survey.preview()
    assert (seen.count, seen.looked_at) == (count, len(texts))
    assert (seen.looser is None) or not count


def test_it_shows_what_matched_and_on_which_words() -> None:
    seen = preview("topic:tps bond", *titled("Haiti bond", "Bond alone", "TPS bond"))
    assert seen.count == 2
    assert [(one.story.number, len(one.hits)) for one in seen.samples] == [(1, 2), (3, 2)]


def test_it_says_what_each_exclusion_alone_kept_out() -> None:
    seen = preview("visa -fee -gold", *titled("Visa", "Visa fee", "Visa fee 2", "Visa gold", "Visa fee gold", "Fee"))
    assert seen.count == 1
    assert seen.left_out == (("NOT fee", 2), ("NOT gold", 1))


@pytest.mark.parametrize(
    ("query", "looser"),
    [
        ("visa haiti bond", ("haiti", 2)),
        ("visa -fee", ("NOT fee", 1)),
        ("nothing -fee", None),  # without its only wanted word it would match everything
        ("haiti", None),
        ("alpha beta", None),  # two words stand in no story: no single clause is to blame
    ],
)
def test_where_nothing_matches_it_says_which_clause_to_drop(query: str, looser: tuple[str, int] | None) -> None:
    seen = preview(query, *titled("Visa bond", "Visa bond again", "Visa fee", "Gold")[0 if "bond" in query else 2 :])
    assert (seen.count, seen.looser) == (0, looser)


def test_stories_from_before_the_window_do_not_count_though_they_were_read_in_it() -> None:
    seen = preview("visa", a_told(1, "Visa", at(days=-31)), a_told(2, "Visa", at(days=-29)), a_told(3, "Visa", None))
    assert (seen.count, seen.looked_at, seen.covers) == (2, 2, timedelta(days=29))


@pytest.mark.parametrize(("count", "much", "too_much"), [(5, False, False), (6, True, False), (31, True, True)])
def test_volume_is_what_comes_in_a_day(count: int, much: bool, too_much: bool) -> None:
    seen = preview("visa", *titled(*["Visa"] * count))
    assert (seen.covers, seen.a_day) == (timedelta(days=1), count)
    assert (seen.is_much, seen.is_too_much) == (much, too_much)


def test_words_never_seen_are_named_with_what_was_meant() -> None:
    seen = preview("venezeula OR qqqq OR visa", *titled("Venezuela", "Vienna", "A zenith", "Visa"))
    assert seen.unknown == (("qqqq", ""), ("venezeula", "venezuela"))
    assert preview("venezuelan", *titled("Venezuelans")).unknown == ()


def test_a_topic_that_does_not_exist_is_refused() -> None:
    with pytest.raises(QueryError, match="no topic"):
        Survey(parse("topic:tsp"), {"tps": parse("tps")}, NOW)
    assert show(parse("topic:tps")) == "topic:tps"
