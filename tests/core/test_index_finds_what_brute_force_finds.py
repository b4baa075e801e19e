"""However queries come and go, the index says what asking each of them says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.index import Index, find, read_page
from bot.core.model import Match
from bot.core.page import Page
from bot.core.query import Not, Query, QueryError, TopicRef, Word, expand, parse, show
from tests.queries import PAGES, QUERIES

# A query under an id, or None: whatever has the id is removed.
STEPS = st.lists(st.tuples(st.integers(1, 12), st.none() | QUERIES), max_size=30)


def brute_force(queries: dict[int, Query], page: Page) -> tuple[Match, ...]:
    found = ((query_id, find(query, page)) for query_id, query in sorted(queries.items()))
    return tuple(Match(query_id, hits) for query_id, hits in found if hits is not None)


@settings(max_examples=200)
@given(STEPS, st.lists(PAGES, min_size=1, max_size=4))
def test_the_index_equals_brute_force_after_any_history(
    steps: list[tuple[int, Query | None]], texts: list[tuple[str, str]]
) -> None:
    index = Index({})
    queries: dict[int, Query] = {}
    for query_id, query in steps:
        if query is None:
            index.remove(query_id)
            queries.pop(query_id, None)
        else:
            index.add(query_id, show(query))
            queries[query_id] = query
    assert len(index) == len(queries)
    for title, text in texts:
        page = read_page(title, text)
        assert index.matches(page) == brute_force(queries, page)


@settings(max_examples=100)
@given(STEPS)
def test_an_index_that_was_emptied_holds_nothing(steps: list[tuple[int, Query | None]]) -> None:
    index = Index({})
    for query_id, query in steps:
        if query is not None:
            index.add(query_id, show(query))
    for query_id in range(13):
        index.remove(query_id)
    assert (len(index), index._shelf, index._uses, index._prefixes) == (0, {}, {}, {})


def test_many_queries_on_long_pages() -> None:
    words = [f"{first}{last}" for first in ("alpha", "beta", "gamma", "delta") for last in "bcdfghjkl"]
    texts: list[str] = []
    for number, one in enumerate(words):
        two, three, four = (words[(number + step) % len(words)] for step in (1, 4, 9))
        texts += [
            f"{one} AND ({two} OR {three}) NOT {four}",
            f'"{one} {two}"',
            f"{one[:6]}* -{three}",
            f"({one} OR {four}) ({two} OR x{one})",
            # More alternatives than are multiplied out: one side alone is filed.
            f"({one} OR y1 OR y2 OR y3 OR y4) ({two} OR {three} OR z1 OR z2 OR z3)",
        ]
    index = Index({})
    for query_id, text in enumerate(texts):
        index.add(query_id, text)
    queries = {query_id: parse(text) for query_id, text in enumerate(texts)}
    for step in range(1, 8):
        page = read_page(" ".join(words[::step]), " ".join(words[::-step]))
        assert index.matches(page) == brute_force(queries, page)


@pytest.mark.parametrize("query", ["NOT (NOT tps AND NOT asylum)", "NOT NOT tps", "NOT (NOT tps OR asylum)"])
@pytest.mark.parametrize("title", ["TPS", "Asylum", "TPS, asylum", "Visa"])
def test_negatives_of_negatives_are_filed_by_what_they_need(query: str, title: str) -> None:
    index = Index({})
    index.add(1, query)
    page = read_page(title, "")
    assert index.matches(page) == brute_force({1: parse(query)}, page)


@pytest.mark.parametrize(
    "title",
    [
        "The deported were in the visa office of the town",
        "Las deportadas que se van con una visa",
        "The deported of the town, y los deportados que se van con una visa for the children",
    ],
)
@pytest.mark.parametrize(
    "query", ["deportado", "deported", "deportado visado", "deport visa", "dep* visas", "deporting deportadas"]
)
def test_pages_of_every_language_are_found(query: str, title: str) -> None:
    index = Index({})
    index.add(1, query)
    page = read_page(title, "")
    assert index.matches(page) == brute_force({1: parse(query)}, page)


def test_topics_are_put_in_place_when_a_query_is_added() -> None:
    topics = {"tps": parse('tps OR "temporary protected status"')}
    index = Index(topics)
    index.add(1, "topic:tps")
    index.add(2, "topic:tps AND venezuela")
    index.add(3, "haiti NOT topic:tps")
    page = read_page("Temporary Protected Status for Venezuela", "")
    assert [match.query_id for match in index.matches(page)] == [1, 2]
    assert index.matches(page) == brute_force({1: topics["tps"], 2: expand(parse("topic:tps venezuela"), topics)}, page)


@pytest.mark.parametrize("bad", ["tps OR", "topic:nowhere", "NOT tps", "topic:everything", "topic:nested"])
def test_a_bad_query_is_refused_and_harms_nothing_else(bad: str) -> None:
    index = Index({"everything": Not(Word("tps")), "nested": TopicRef("everything")})
    index.add(1, "tps")
    with pytest.raises(QueryError):
        index.add(1, bad)
    with pytest.raises(QueryError):
        index.add(2, bad)
    assert len(index) == 1
    assert [match.query_id for match in index.matches(read_page("TPS", ""))] == [1]


def test_an_id_that_comes_again_takes_the_place_of_the_old_query() -> None:
    index = Index({})
    index.add(1, "tps")
    index.add(1, "asylum")
    assert index.matches(read_page("TPS", "")) == ()
    assert len(index.matches(read_page("Asylum", ""))) == 1
    index.remove(7)
    assert len(index) == 1


@pytest.mark.parametrize(
    ("queries", "title", "asked"),
    [
        (["visa AND the AND rare1", "visa AND the AND rare2", "visa AND the AND rare3"], "The visa, rare2", {1}),
        (["their AND visa AND tps"], "Their visa", set()),  # a word that stands everywhere tells nothing, however long
        (["deporta*", "depend*", "depo*"], "deported", {2}),
        (["(a1 OR a2 OR a3 OR a4 OR a5) AND (b1 OR b2 OR b3 OR b4)"], "a9 b1", {0}),  # too many pairs: one side alone
        (["(a1 OR a2) AND (b1 OR b2)"], "a1 b9", set()),
    ],
)
def test_queries_are_only_asked_where_their_rarest_words_stand(queries: list[str], title: str, asked: set[int]) -> None:
    # How few are asked in vain is a benchmark's figure; here only that each level filters at all.
    index = Index({})
    for query_id, query in enumerate(queries):
        index.add(query_id, query)
    assert index._candidates(read_page(title, "")) == asked
