"""What a query finds on a page, and where: checked against the plainest reading of the rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from bot.core.index import find, read_page
from bot.core.model import Hit
from bot.core.page import Page
from bot.core.query import All, Any, Exact, Field, Not, Phrase, Prefix, Query, QueryError, Word, parse
from bot.core.terms import read_word, words_in
from tests.queries import ANY_QUERY, PAGES

FIELDS = ("title", "text")


def agrees(word: str, written: str, page: Page) -> bool:
    asked, found = read_word(word), read_word(written)
    english = page.languages.english and asked.english == found.english
    return english or (page.languages.spanish and asked.spanish == found.spanish)


def plainly(query: Query, documents: dict[str, str], page: Page, fields: tuple[str, ...] = FIELDS) -> bool:
    """Say whether a query is true, word by word and field by field, with no help from any table."""
    match query:
        case Field(name, inner):
            return plainly(inner, documents, page, (name,))
        case Not(inner):
            return not plainly(inner, documents, page, fields)
        case All(parts):
            return all(plainly(part, documents, page, fields) for part in parts)
        case Any(parts):
            return any(plainly(part, documents, page, fields) for part in parts)
        case _:
            written = ([found.group() for found in words_in(documents[name])] for name in fields)
            return any(stands(query, words, page) for words in written)


def stands(leaf: Query, words: list[str], page: Page) -> bool:
    match leaf:
        case Prefix(text):
            return any(read_word(word).folded.startswith(read_word(text).folded) for word in words)
        case Exact(text):
            return any(read_word(word).folded == read_word(text).folded for word in words)
        case Word(text):
            wanted: tuple[str, ...] = (text,)
        case Phrase(wanted):
            pass
        case _:
            raise AssertionError(leaf)
    runs = (words[start : start + len(wanted)] for start in range(len(words) - len(wanted) + 1))
    return any(all(agrees(*pair, page) for pair in zip(wanted, run, strict=True)) for run in runs)


@settings(max_examples=400)
@given(ANY_QUERY, PAGES)
def test_a_query_is_true_where_the_rules_say_so(query: Query, texts: tuple[str, str]) -> None:
    page = read_page(*texts)
    found = find(query, page)
    assert (found is not None) == plainly(query, dict(zip(FIELDS, texts, strict=True)), page)


@settings(max_examples=200)
@given(ANY_QUERY, PAGES)
def test_hits_stand_in_order_once_each_and_on_words(query: Query, texts: tuple[str, str]) -> None:
    documents = dict(zip(FIELDS, texts, strict=True))
    hits = find(query, read_page(*texts)) or ()
    assert list(hits) == sorted(set(hits), key=lambda hit: (FIELDS.index(hit.field), hit.start, hit.end))
    for hit in hits:
        words = list(words_in(documents[hit.field]))
        assert hit.start in {word.start() for word in words}
        assert hit.end in {word.end() for word in words}


def marked(query: str, title: str, text: str) -> list[str] | None:
    documents = {"title": title, "text": text}
    hits = find(parse(query), read_page(title, text))
    return None if hits is None else [documents[hit.field][hit.start : hit.end] for hit in hits]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("terminate", ["terminated", "Termination"]),
        ('"temporary protected status"', ["Temporary Protected Status"]),
        ('"protected temporary"', None),
        ('"venezuela the secretary"', None),  # the end of the title and the start of the text
        ("title:venezuela", ["Venezuela"]),
        ("title:secretary", None),
        ("desig* -title:haiti", ["Designation", "designation"]),
        ("venezuela OR haiti", ["Venezuela", "Venezuela’s"]),
        ("venezuela NOT status", None),
        ("NOT haiti AND termin!", ["terminated", "Termination"]),
        ("“U.S.” h‑1b", ["H‑1B", "U.S"]),
        ("h 1b", ["H", "1B"]),
        ("#terminated", ["terminated"]),
        ("#terminate", None),
        ("#DESIGNATION title:#terminated", ["Designation", "terminated", "designation"]),
        ("venezuela % haiti OR texas", ["Venezuela", "Venezuela’s"]),
        ("venezuela % haiti OR status", None),
    ],
)
def test_examples(query: str, words: list[str] | None) -> None:
    title = "Designation terminated: Venezuela"
    text = (
        "The secretary ended the designation. Termination of Venezuela’s Temporary Protected Status\u00a0follows a "
        "review of H‑1B rules in the U.S."
    )
    if words is not None:
        words = sorted(words, key=f"{title}\n{text}".index)
    assert marked(query, title, text) == words


def test_spanish_pages_are_read_in_spanish_and_english_ones_are_not() -> None:
    assert marked("deportado", "Las mujeres que fueron deportadas", "") == ["deportadas"]
    assert marked("deportación", "Las deportaciones de los que llegaron", "") == ["deportaciones"]
    assert marked("deportación", "Los deportes que se juegan en la calle", "") is None
    assert marked("planes", "The plan of the agency", "") is None
    assert marked("venezuela", "Venezuela y los que se van", "") == ["Venezuela"]


def test_a_page_in_both_languages_is_read_in_both() -> None:
    title = "Visas for the students of Venezuela, and visas para los estudiantes deportados que se van"
    assert marked("student", title, "") == ["students"]
    assert marked("deportadas estudiante", title, "") == ["estudiantes", "deportados"]
    assert marked("visa", title, "") == ["Visas", "visas"]
    # One language finds one place, the other the other.
    title = "The deported of the town, y los deportados que se van por la tarde to the coast"
    assert marked("deport", title, "") == ["deported", "deportados"]


def test_a_word_that_stands_everywhere_is_shown_a_few_times() -> None:
    hits = find(parse("visa"), read_page("", "visa " * 1_000))
    assert hits == tuple(Hit("text", start, start + 4) for start in range(0, 25, 5))


def test_a_topic_must_have_been_put_in_place() -> None:
    with pytest.raises(QueryError, match="not put in its place"):
        find(parse("topic:tps"), read_page("TPS", ""))
