"""The canonical text of a query is the query: what is stored, shown and typed again means the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.query import Query, QueryError, describe, parse, point_at, show
from bot.core.syntax import ADMITTED, FROM_CHATS
from bot.core.tree import nesting, wants_nothing
from tests.queries import QUERIES

# Every sign with a meaning, its typographic look-alikes, operators, fields, and signs that have none.
SIGNS = "()[]\"“”«»'’-–‑*!&|:,.%#/+?\u00a0\u200b\u202eé\u0301\n"
PIECES = st.sampled_from(
    [
        *SIGNS,
        "tps",
        "Haití",
        "AND",
        "or",
        "Not",
        "but not",
        "title:",
        "#perm",
        "topic:",
        "topic:tps",
        "agenci:",
        "w/5",
        " ",
        " ",
    ]
)
TYPED = st.one_of(st.lists(PIECES, max_size=20).map("".join), st.text(max_size=80))


@given(QUERIES)
def test_every_tree_is_read_back_from_its_text(query: object) -> None:
    assert parse(show(query), limits=ADMITTED) == query


def read(text: str) -> Query | QueryError:
    try:
        return parse(text)
    except QueryError as error:
        return error


@settings(max_examples=500)
@given(TYPED)
def test_whatever_is_typed_is_a_query_that_reads_back_or_a_sentence(text: str) -> None:
    match read(text):
        case QueryError() as error:
            assert error.sentence.endswith((".", "?"))
            assert 0 <= error.position <= len(text)
            assert point_at(error, text).endswith("^")
        case query:
            assert parse(show(query)) == query
            assert not wants_nothing(query)
            assert len(show(query)) <= FROM_CHATS.characters
            assert nesting(query) <= FROM_CHATS.nesting
            assert describe(query)


@settings(max_examples=300)
@given(TYPED)
def test_a_correction_that_is_offered_is_a_query(text: str) -> None:
    match read(text):
        case QueryError(hint=hint):
            kind, _, corrected = hint.partition(": ")
            assert kind in {"Try", "For example"}
            parse(corrected)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("TPS", "tps"),
        ("tps haiti", "tps AND haiti"),
        ("tps & haiti && venezuela", "tps AND haiti AND venezuela"),
        ("tps | haiti || venezuela", "tps OR haiti OR venezuela"),
        ("a or b and c", "a OR (b AND c)"),
        ("a b OR c d", "(a AND b) OR (c AND d)"),
        ("a AND NOT b OR c", "(a AND NOT b) OR c"),
        ("a -b -(c d)", "a AND NOT b AND NOT (c AND d)"),
        ("(a (b (c)))", "a AND b AND c"),
        ("a NOT NOT b", "a AND b"),
        ("“fee schedule”", '"fee schedule"'),
        ("«fee  schedule!»", '"fee schedule"'),
        ("H‑1B", '"h 1b"'),
        ("temporary-protected_status", '"temporary protected status"'),
        ("deport* asylum!", "deport* AND asylum*"),
        ('"tps"', "tps"),
        ('"or" "NOT" "but"', '"or" AND "not" AND but'),
        ("Deportación", "deportación"),
        ("don’t", "don't"),
        ("U.S. policy.", "us AND policy"),
        ("title:Asylum", "title:asylum"),
        ("TITLE: (asylum OR parole)", "title:(asylum OR parole)"),
        ("a -title:b", "a AND NOT title:b"),
        ("a title:(NOT b)", "a AND title:(NOT b)"),
        ("topic:TPS", "topic:tps"),
        ("topic:green-card x", "topic:green-card AND x"),
        ("tps \ufeff\u200e haiti", "tps AND haiti"),
        ("and-then", '"and then"'),
        ("#PERM #Haití", "#perm AND #haití"),
        ("#or", "#or"),
        ("a BUT NOT b", "a AND NOT b"),
        ("a % b", "a AND NOT b"),
        ("a OR b BUT NOT c OR d", "(a OR b) AND NOT (c OR d)"),
        ("a b but not c d", "a AND b AND NOT (c AND d)"),
        ("a % b % c", "a AND NOT b AND NOT c"),
        ("a % -b", "a AND b"),
        ("x OR (a % b)", "x OR (a AND NOT b)"),
        ("a “but not” b", 'a AND "but not" AND b'),
    ],
)
def test_forms_of_writing_have_one_text(typed: str, shown: str) -> None:
    assert show(parse(typed)) == shown
    assert show(parse(shown)) == shown
