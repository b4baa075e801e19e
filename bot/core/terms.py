"""From text to terms: where words begin and end, how spelling is folded, which stems a word has.

Queries and documents go through the same functions, so a curly quote, an accent or a no-break hyphen
can never be the reason why something is not found.

A word has one term per language: its English and its Spanish Snowball stem. They live in separate name
spaces, because one language's stem is often another word of the other: read as Spanish, `planes` has the
stem of `plan`, `care` that of `car`, `notes` that of `not`. Which stems count is for a page to say
(`languages_of`), never for a query, which is too short to tell: `deportado` in a query finds *deportadas* in
a Spanish page by its Spanish stem and, being spelled so, *deportado* in an English one by its English stem.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import Stemmer

Term = str

# Signs that are written in many ways and mean one thing. One character for one, so offsets stay true.
_PLAIN: Final = {
    **dict.fromkeys(map(ord, "“”„‟«»‹›″〝〞"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛ʼ′`´"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣"), "-"),
    **dict.fromkeys(map(ord, "\t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width forms of ASCII
}
# Characters that show nothing: soft hyphen, zero-width ones, marks and controls of writing direction.
INVISIBLE: Final = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_VANISHES: Final = re.compile(f"[{INVISIBLE}]")
# Accents and vowel points written as characters of their own, after their letter.
_MARKS: Final = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
_LETTER: Final = r"[^\W_]"

# A word: letters and digits; between them accents, invisible characters or apostrophes, or, where every letter stands
# alone, full stops (U.S.). Bounded, so that no text can make a word of a megabyte.
WORD: Final = (
    rf"{_LETTER}{{1,64}}"
    rf"(?:[{_MARKS}{INVISIBLE}'’ʼ‘′`´＇]{{1,8}}{_LETTER}{{1,64}}|\.(?<!{_LETTER}{_LETTER}\.){_LETTER}(?!{_LETTER})){{0,8}}"
    rf"[{_MARKS}]{{0,8}}"
)
words_in: Final = re.compile(WORD).finditer

_ENGLISH: Final = Stemmer.Stemmer("english", 0)  # cache of its own off: `read_word` remembers
_SPANISH: Final = Stemmer.Stemmer("spanish", 0)
SPANISH_MARK: Final = "~"  # stands in no word, so the two languages' terms never meet

# Words that Snowball gives the stem of a term of art of this field, though nobody means them by it:
# terminal by "terminate", nature by "naturalize", design by "designate", vacation by "vacate",
# author and authority by "authorize", and in Spanish sport (deporte) by "deportar".
_KEPT_APART: Final = {
    word: f"{family[0]}'"
    for family in (
        ("terminal", "terminals"),
        ("nature", "natures", "natural", "naturally"),
        ("design", "designs", "designer", "designers"),
        ("vacation", "vacations", "vacationing"),
        ("author", "authors", "authored"),
        ("authority", "authorities"),
        ("deporte", "deportes", "deportivo", "deportivos", "deportiva", "deportivas", "deportista", "deportistas"),
    )
    for word in family
}

# The commonest words that one language has and the other has not, nor any name: "el", "la", "de" and "un" are
# missing for El Salvador, La Raza, De la Cruz and the UN. "y", "con" and "en" are names only with a capital.
_ENGLISH_ONLY: Final = (
    "the of and to in for on is that with by from at an as are was were will has have had be been it its his her"
    " their they who not this which after over into would could about than but or"
)
_SPANISH_ONLY: Final = (
    "que los las del en una por para con se su sus al como más pero sobre entre desde hasta según contra este esta"
    " estos estas fue son ha han sin ante tras y lo les también cuando donde ser está están"
)
_SAYS_ENGLISH: Final = frozenset(_ENGLISH_ONLY.split())
_SAYS_SPANISH: Final = frozenset(_SPANISH_ONLY.split())
# A language counts where it has at least this share of the evidence: a quotation does not change how a page is
# read, and a release that says everything twice is read in both. And so few Spanish words (al-Qaeda, Las Vegas in
# a headline without capitals) do not make an English page Spanish.
_SHARE_THAT_COUNTS: Final = 0.2
_SPANISH_BY_ACCIDENT: Final = 2
# What a page without any of these words may still show to be Spanish. A capital says name: José, México.
_looks_spanish: Final = re.compile(
    r"[a-z]*[áéíóúñ][a-záéíóúñ]*|[^\W\d]+(?:ci[oó]n|[cs]iones|mientos?|idad(?:es)?)"
).fullmatch


class Reading(NamedTuple):
    """What is known of one word as written: its folded spelling and its two terms."""

    folded: str
    english: Term
    spanish: Term


class Languages(NamedTuple):
    """Which stems count on a page. Both, where the page does not say."""

    english: bool
    spanish: bool


def straighten(text: str) -> str:
    """Write typographic quotes, dashes and spaces as their ASCII forms, one character for one."""
    return text.translate(_PLAIN)


def normalize(text: str) -> str:
    """Fold quotes, dashes, spaces, case and accents, and drop what cannot be seen. Idempotent."""
    folded = unicodedata.normalize("NFKD", straighten(_VANISHES.sub("", text)))
    folded = unicodedata.normalize("NFKD", folded.casefold())
    bare = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(straighten(bare).split())


@lru_cache(maxsize=100_000)
def spell(word: str) -> str:
    """Write a word the one way in which queries keep it: lower case, accents composed, nothing invisible.

    Remembered, so that a million queries share one copy of each word.
    """
    lower = straighten(_VANISHES.sub("", word)).lower().replace(".", "")
    return unicodedata.normalize("NFC", lower)


@lru_cache(maxsize=100_000)
def read_word(word: str) -> Reading:
    """Fold and stem one word that `words_in` found. Remembered: stemming is the dear part of reading a page."""
    folded = normalize(word).replace(".", "")
    bare = folded.removesuffix("'s")
    english = _KEPT_APART.get(bare) or _ENGLISH.stemWord(bare)
    spanish = _KEPT_APART.get(bare) or _SPANISH.stemWord(bare)
    return Reading(folded, english, f"{SPANISH_MARK}{spanish}")


def languages_of(counts: Mapping[str, int]) -> Languages:
    """Say which languages a page is written in, from how often each word as written stands in it.

    A page that gives no hint (a bare headline of names and nouns) is read as English. Reading it in both
    would be the careful choice for recall, and ruins precision: among 16,853 such headlines Spanish stems made one
    word of each of 570 groups of English ones (care and career, plane and plan, Biden and bid, work and worker),
    while a Spanish page read as English loses only forms that differ by more than a plural.
    """
    english = sum(counts[word] for word in counts.keys() & _SAYS_ENGLISH)
    spanish = sum(counts[word] for word in counts.keys() & _SAYS_SPANISH)
    if not english and not spanish:
        return Languages(english=True, spanish=any(map(_looks_spanish, counts)))
    enough = _SHARE_THAT_COUNTS * (english + spanish)
    return Languages(english >= enough or spanish <= _SPANISH_BY_ACCIDENT, spanish >= enough)


def is_common(word: str) -> bool:
    """Say whether a folded word stands on nearly every page, so that looking under it finds too much."""
    return word in _SAYS_ENGLISH or word in _SAYS_SPANISH
