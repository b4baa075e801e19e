"""What is written in several ways is found whichever way it is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.terms import is_common, normalize, read_word, spell, straighten, words_in


def words(text: str) -> list[str]:
    return [found.group() for found in words_in(text)]


@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once


@given(st.text())
def test_straightening_moves_nothing(text: str) -> None:
    assert len(straighten(text)) == len(text)


@given(st.text())
def test_words_stand_where_they_are_said_to_stand(text: str) -> None:
    for found in words_in(text):
        assert found.group() == text[found.start() : found.end()]
        assert found.group()[0].isalnum()


@given(st.text())
def test_every_word_has_terms(text: str) -> None:
    for word in words(text):
        reading = read_word(word)
        assert reading.folded
        assert reading.spanish.startswith("~")


@pytest.mark.parametrize(
    ("fancy", "plain"),
    [
        ("“Quoted” «text» „here‟", '"quoted" "text" "here"'),
        ("Maduro’s ‘plan’", "maduro's 'plan'"),
        ("H‑1B – a visa — new", "h-1b - a visa - new"),
        ("no\u00a0break\u202fspaces\u3000here", "no break spaces here"),
        ("  Runs \t of\n space ", "runs of space"),
        ("Protección, AÑO", "proteccion, ano"),
        ("deportacio\u0301n", "deportacion"),
        ("immi\u00adgra\u200btion\ufeff", "immigration"),
        ("ＦＵＬＬ ｗｉｄｔｈ", "full width"),
        ("Straße", "strasse"),
    ],
)
def test_typographic_forms_fold_into_plain_ones(fancy: str, plain: str) -> None:
    assert normalize(fancy) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("U.S.-Mexico border", ["U.S", "Mexico", "border"]),
        ("8 C.F.R. 208", ["8", "C.F.R", "208"]),
        ("H‑1B and H-2A", ["H", "1B", "and", "H", "2A"]),
        ("Biden’s and O'Brien's", ["Biden’s", "and", "O'Brien's"]),
        ("migrants' 'rights'", ["migrants", "rights"]),
        ("node.js snake_case a.b.com", ["node", "js", "snake", "case", "a.b", "com"]),
        ("deportacio\u0301n immi\u00adgration", ["deportacio\u0301n", "immi\u00adgration"]),
        ("$1,500 —— …", ["1", "500"]),
        ("x" * 70, ["x" * 64, "x" * 6]),
    ],
)
def test_words_begin_and_end_where_people_see_it(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("terminate", "terminated", "Termination", "TERMINATES"),
        ("deportation", "deportations", "deported", "deporting"),
        ("U.S", "US", "us"),
        ("uscis", "USCIS’s", "USCIS"),
        ("visa", "Visas"),
    ],
)
def test_forms_of_an_english_word_have_one_term(forms: tuple[str, ...]) -> None:
    assert len({read_word(form).english for form in forms}) == 1


@pytest.mark.parametrize(
    "forms",
    [
        ("deportación", "deportaciones", "deportacion", "Deportado", "deportadas"),
        ("protección", "protecciones", "PROTECCIÓN"),
        ("venezolano", "venezolanas"),
    ],
)
def test_forms_of_a_spanish_word_have_one_term(forms: tuple[str, ...]) -> None:
    assert len({read_word(form).spanish for form in forms}) == 1


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ("terminate", "terminal"),
        ("naturalization", "nature"),
        ("designation", "design"),
        ("vacate", "vacation"),
        ("authorization", "authorities"),
        ("authorize", "author"),
        ("refugee", "refuge"),
        ("policy", "police"),
        ("removal", "remote"),
        ("perm", "permanent"),
    ],
)
def test_terms_of_art_are_kept_apart_from_words_of_their_stem(wanted: str, other: str) -> None:
    assert read_word(wanted).english != read_word(other).english


def test_a_possessive_is_its_noun_in_both_languages() -> None:
    assert read_word("authority’s")[1:] == read_word("authority")[1:]
    assert read_word("Biden's").spanish == read_word("Biden").spanish


def test_sport_is_no_deportation() -> None:
    assert read_word("deportación").spanish != read_word("deportes").spanish
    assert read_word("deportes").spanish == read_word("deportivas").spanish


def test_the_two_languages_terms_never_meet() -> None:
    # As one name space, a query for "planes" would find every English "plan".
    assert read_word("planes").spanish == read_word("plan").spanish
    assert read_word("planes").english != read_word("plan").english
    assert read_word("planes").spanish != read_word("plan").english


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Deportación", "deportación"),
        ("deportacio\u0301n", "deportación"),
        ("O’Brien", "o'brien"),
        ("U.S.C", "usc"),
        ("immi\u00adgration", "immigration"),
    ],
)
def test_queries_keep_one_spelling_with_its_accents(typed: str, kept: str) -> None:
    assert spell(typed) == kept


def test_the_commonest_words_are_known_in_both_languages() -> None:
    assert is_common("the")
    assert is_common("que")
    assert not is_common("asylum")
