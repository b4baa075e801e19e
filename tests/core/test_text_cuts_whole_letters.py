"""A shortened text ends where a letter, a word and an address end, and fits in the units its platform counts."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.text import cut, utf16_len

FAMILY = "👨‍👩‍👧‍👦"
LETTERS = [
    "a",
    "é",
    "e\u0301",
    "日",
    "ع",
    "\u0634\u064e",
    "क्ष",
    "한",
    "\u1112\u1161\u11ab",
    "👍🏽",
    "❤️",
    "🇺🇸",
    FAMILY,
    "\r\n",
    "กำ",
    "नि",
    "م\u200c",
    "&",
]
ADDRESSES = ["https://example.gov/news/2023?id=1&x=2", "HTTP://EXAMPLE.ORG/a", "www.example.org/b"]
# One letter, as people see it, or one address, is one piece: a cut may fall between pieces only.
PIECE = st.sampled_from([*LETTERS, " ", " ", "word", "\n"]) | st.sampled_from(ADDRESSES).map(lambda url: f" {url} ")
PIECES = st.tuples(st.lists(PIECE, max_size=60), st.integers(1, 20)).map(lambda made: made[0] * made[1])


def escaped_len(text: str) -> int:
    return utf16_len(escape(text))


def bytes_len(text: str) -> int:
    return len(text.encode())


SIZES = st.sampled_from([len, utf16_len, bytes_len, escaped_len])


@settings(max_examples=2_000)
@given(PIECES, st.integers(0, 200), SIZES)
def test_two_thousand_texts_fit_and_end_between_letters(
    pieces: list[str], limit: int, size: Callable[[str], int]
) -> None:
    text = "".join(pieces)
    shortened = cut(text, limit, size)
    assert size(shortened) <= limit
    if size(text) <= limit:
        assert shortened == text
        return
    if not shortened:
        assert size("…") > limit
        return
    assert shortened.endswith("…")
    kept = shortened.removesuffix("…")
    edges = {"".join(pieces[:count]).rstrip() for count in range(len(pieces) + 1)}
    inside_words = {edge + "word"[:count] for edge in ("", *edges_before_words(pieces)) for count in range(4)}
    assert kept in edges | {edge.rstrip() for edge in inside_words}


def edges_before_words(pieces: list[str]) -> set[str]:
    """The texts before each plain word: a word without any space nearby may be cut inside."""
    return {"".join(pieces[:place]) for place, piece in enumerate(pieces) if piece == "word"}


@given(st.text(max_size=300), st.integers(0, 320))
def test_any_text_fits(text: str, limit: int) -> None:
    shortened = cut(text, limit, utf16_len)
    assert utf16_len(shortened) <= limit
    assert shortened == text or not shortened or text.startswith(shortened.removesuffix("…"))


@pytest.mark.parametrize(
    ("text", "limit", "shortened"),
    [
        ("Hello wonderful world of news", 20, "Hello wonderful…"),
        ("Hello wonderful world", 21, "Hello wonderful world"),
        ("Hello wonderful world", 16, "Hello wonderful…"),
        ("Hello wonderful world", 15, "Hello…"),
        ("x" * 100, 10, "x" * 9 + "…"),
        ("see https://example.org/abc/def now", 20, "see…"),
        ("see https://example.org/abc/def and https://example.org/next", 40, "see https://example.org/abc/def and…"),
        ("https://example.org/abc/def", 20, "…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("a" + "\u0301" * 50, 20, "…"),
    ],
)
def test_examples(text: str, limit: int, shortened: str) -> None:
    assert cut(text, limit, len) == shortened


@pytest.mark.parametrize(
    ("letters", "limit", "kept"),
    [
        (f"{FAMILY}{FAMILY}", 14, FAMILY),
        ("🇺🇸🇻🇪🇲🇽", 10, "🇺🇸🇻🇪"),
        ("🇺🇸🇻🇪🇲🇽", 8, "🇺🇸"),
        ("👍🏽👍🏽", 7, "👍🏽"),
        ("\u1112\u1161\u11ab\u1112\u1161\u11ab", 5, "\u1112\u1161\u11ab"),
        ("\uac00\u11a8\uac00\u11a8", 3, "\uac00\u11a8"),
        ("\u1100\uac00\u1100\uac00", 3, "\u1100\uac00"),
        ("한글한글", 3, "한글"),
        ("क्षक्ष", 5, "क्ष"),
        ("क्1क्1", 4, "क्1"),
    ],
)
def test_a_letter_of_several_code_points_stays_whole(letters: str, limit: int, kept: str) -> None:
    assert cut(letters, limit, utf16_len) == f"{kept}…"


def test_length_is_counted_as_telegram_counts() -> None:
    assert utf16_len("aé日") == 3
    assert utf16_len("👍") == 2
    assert utf16_len(FAMILY) == 11
    assert utf16_len("\ud800") == 1
