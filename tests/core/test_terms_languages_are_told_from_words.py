"""Which stems count on a page is read off the page."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.core.terms import Languages, languages_of, words_in

ENGLISH = Languages(english=True, spanish=False)
SPANISH = Languages(english=False, spanish=True)
BOTH = Languages(english=True, spanish=True)


def languages(text: str) -> Languages:
    return languages_of(Counter(found.group() for found in words_in(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The secretary has decided to end the program", ENGLISH),
        ("La secretaria anunció que los beneficiarios del programa se quedan en el país", SPANISH),
        ("The governor of San Juan de los Lagos said that he will go to the coast of El Salvador", ENGLISH),
        ("El Salvador TPS", ENGLISH),  # no hint at all
        ("Deportaciones masivas", BOTH),
        ("Gobierno reanuda deportación", BOTH),
        ("Biden canceló visas", BOTH),  # a small accented word, so no name
        ("José Muñoz meets Mexican envoy", ENGLISH),
        ("wnba finals las vegas aces", BOTH),  # a headline without capitals: one word is no proof
        ("", ENGLISH),
    ],
)
def test_a_page_is_read_in_the_languages_of_its_small_words(text: str, expected: Languages) -> None:
    assert languages(text) == expected


def test_a_quotation_does_not_change_the_language() -> None:
    english = "The crowd was waiting for the judge and the lawyers of the family at the court. " * 3
    assert languages(f"{english} She said: «no se lo creo».") == ENGLISH


def test_a_release_in_both_languages_is_read_in_both() -> None:
    english = "The agency will extend the program for the families that have applied. "
    spanish = "La agencia extiende el programa para las familias que lo han pedido por carta. "
    assert languages(english + spanish) == BOTH
