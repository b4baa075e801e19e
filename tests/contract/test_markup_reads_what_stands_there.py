"""The room of web pages: encodings, whole and cut pages, links, XML."""

from __future__ import annotations

import pytest
import trafilatura

from bot.errors import ParseError
from bot.markup import absolute, base_of, drop, first, read_html, read_page, read_xml, select, text_of, texts
from tests.builders import a_response


def test_the_library_that_finds_articles_can_be_imported_and_does() -> None:
    page = "<html><body><article>" + "<p>The office extends the designation for eighteen months.</p>" * 5
    assert "eighteen months" in (trafilatura.extract(page + "</article></body></html>", fast=True) or "")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<p>Año</p>".encode(), ""),
        ("<p>Año</p>".encode(), "text/html; charset=iso-8859-1"),  # UTF-8 that is wrongly called something else
        ("<p>Año</p>".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        ("<p>Año</p>".encode("latin-1"), "text/html; charset=nonsense"),
        ("<meta charset='windows-1252'><p>Año</p>".encode("cp1252"), "text/html"),
    ],
)
def test_letters_are_read_in_their_encoding(body: bytes, content_type: str) -> None:
    assert text_of(read_html(body, content_type)) == "Año"


@pytest.mark.parametrize("body", [b"", b" \n", b"<!-- -->"])
def test_where_nothing_is_there_is_no_page(body: bytes) -> None:
    with pytest.raises(ValueError, match="no web page"):
        read_html(body)


WHOLE = (
    b"<!DOCTYPE html><html><body><p>x</p></body></html>",
    b"\xef\xbb\xbf<?xml version='1.0'?><html><p>x</HTML>",
    b"<!-- built --><div><div>x</div></div>",
)


@pytest.mark.parametrize("body", WHOLE)
def test_a_whole_page_is_read_and_one_that_was_cut_is_not(body: bytes) -> None:
    assert text_of(read_page(a_response(body))) == "x"
    with pytest.raises(ParseError) as failed:
        read_page(a_response(body[:-7]))
    assert failed.value.kind == "broken"


@pytest.mark.parametrize("body", [b"", b"{}", b"%PDF-1.7", b"<rss></rss>", b"<urlset/>", b"Not found", b"\x00" * 9])
def test_what_is_no_page_is_said(body: bytes) -> None:
    with pytest.raises(ParseError) as failed:
        read_page(a_response(body))
    assert failed.value.kind == "not_a_feed"


def test_places_are_found_and_said() -> None:
    root = read_html(b"<ul><li id=a class='b c'>One<p>Two</p><script>x()</script></li><li id=d></li></ul>")
    assert [item.get("id") for item in select(root, "li")] == ["a", "d"]
    assert list(texts(root, "li")) == ["One\n\nTwo", ""]
    assert (first(root, "li@class"), first(root, "li@lang"), first(root, "")) == ("b c", "", "")
    drop(root, "p, html")
    assert text_of(root) == "One"


@pytest.mark.parametrize(
    ("href", "there"),
    [
        ("b?c=d", "https://a.example/x/b?c=d"),
        ("//c.example/y", "https://c.example/y"),
        ("", ""),
        ("#top", ""),
        ("mailto:a@b.example", ""),
        ("javascript:x()", ""),
        ("https://[", ""),
    ],
)
def test_links_are_written_out(href: str, there: str) -> None:
    assert absolute(href, "https://a.example/x/y") == there


def test_a_page_may_say_what_its_links_are_relative_to_on_its_own_host_only() -> None:
    own = read_html(b"<base href='/z/'><p>x</p>")
    other = read_html(b"<base href='https://evil.example/'><p>x</p>")
    assert base_of(own, "https://a.example/x") == "https://a.example/z/"
    assert base_of(other, "https://a.example/x") == "https://a.example/x"


def test_entities_of_xml_stay_as_they_are() -> None:
    bomb = b"<!DOCTYPE a [<!ENTITY x 'yyyyyyyy'><!ENTITY f SYSTEM 'file:///etc/passwd'>]><a>&x;&f;</a>"
    assert read_xml(bomb).text is None
    with pytest.raises(ValueError, match="well-formed"):
        read_xml(b"<a><b></a>")
