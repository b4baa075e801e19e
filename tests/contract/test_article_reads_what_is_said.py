"""The text behind an item, by a place that is named, by the Register's own form, or by trafilatura."""

from __future__ import annotations

import pytest

from bot.core.intake import ARTICLE, Hints, Parsed
from bot.errors import ParseError
from bot.reading import ReadingRoom
from bot.reading.job import read
from bot.reading.wire import decode_end, decode_entry
from bot.sources import known_kinds
from tests.builders import a_response, a_source

SAID = "The Secretary extends the designation for eighteen months, and explains at length why that is."
PAGE = (
    f"<!DOCTYPE html><html><head><title>Extension</title></head><body><nav><a href='/'>Home</a> Menu of the site</nav>"
    f"<article><h1>Extension</h1><p>{SAID}</p><p>{SAID} Applications are taken from May.</p></article>"
    f"<footer>Contact us</footer></body></html>"
)
RAW = "<html><body><pre>\nBy the authority\nvested in me\n\nSection 1. Purpose.\n</pre></body></html>"


def outcome(body: str, **select: str) -> Parsed | ParseError:
    *entries, last, _ = read(ARTICLE, a_response(body.encode()), Hints(select)).split(b"\n")
    end = decode_end(last)
    return end if isinstance(end, ParseError) else Parsed(tuple(map(decode_entry, entries)), end)


def text(body: str, **select: str) -> str:
    parsed = outcome(body, **select)
    assert isinstance(parsed, Parsed), parsed
    return parsed.entries[0].content


@pytest.mark.parametrize("article", ["article", "auto"])
def test_the_text_is_found_and_nothing_around_it(article: str) -> None:
    found = text(PAGE, article=article)
    assert SAID in found
    assert "Applications are taken from May." in found
    assert "Menu of the site" not in found
    assert "Contact us" not in found


def test_a_block_of_plain_text_keeps_its_paragraphs() -> None:
    assert text(RAW) == "By the authority vested in me\n\nSection 1. Purpose."


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", "not_a_feed"),
        ("%PDF-1.7", "not_a_feed"),
        (PAGE[:300], "broken"),
        ("<html><head><title>Just a moment...</title></head><body></body></html>", "challenge"),
        (PAGE.replace("article>", "section>"), "empty"),
    ],
)
def test_what_is_no_article_has_a_name(body: str, kind: str) -> None:
    error = outcome(body, article="article")
    assert isinstance(error, ParseError)
    assert error.kind == kind


@pytest.mark.parametrize("article", ["article", "auto"])
async def test_the_real_child_reads_it_within_its_limits(article: str) -> None:
    room = ReadingRoom()
    try:
        parsed = await room(a_source(kind=ARTICLE, select={"article": article}), a_response(PAGE.encode()))
    finally:
        await room.close()
    assert isinstance(parsed, Parsed), parsed
    assert SAID in parsed.entries[0].content


def test_an_article_is_no_kind_of_source() -> None:
    assert ARTICLE not in known_kinds()
