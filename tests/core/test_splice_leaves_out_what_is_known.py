"""Entries of a feed are found in its bytes; what cannot be told apart with certainty is not taken apart at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.splice import SPANS_AT_MOST, Spans, find_spans
from bot.reading.wire import ENTRIES_AT_MOST

URL = "https://news.example/feed"
XML = "application/xml"
HEAD = b"<?xml version='1.0'?><rss version='2.0' xmlns:m='urn:m'><channel><title>News</title>"
FOOT = b"</channel></rss>"


def items(*numbers: int) -> list[bytes]:
    return [b"<item><title>No. %d</title></item>" % number for number in numbers]


def feed(*pieces: bytes, head: bytes = HEAD) -> bytes:
    return head + b"\n".join(pieces) + FOOT


def spans_of(body: bytes, content_type: str = XML, url: str = URL) -> Spans:
    spans = find_spans(body, content_type, url, ())
    assert spans is not None
    return spans


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.sets(st.integers(0, 9)))
def test_what_is_left_out_is_exactly_what_is_known(listed: list[int], known: set[int]) -> None:
    body = feed(*items(*listed))
    spans = spans_of(body)
    hashes = dict(zip(listed, spans.hashes, strict=True))
    names = frozenset(name for number, name in hashes.items() if number in known)
    left = spans.without(names, body)
    assert (
        left.split(b"</title>", 1)[1].removesuffix(FOOT).split()
        == b" ".join(items(*(number for number in listed if number not in known))).split()
    )
    assert left.startswith(HEAD)
    assert left.endswith(FOOT)
    assert spans.unknown(names) == left.count(b"<item>") == sum(number not in known for number in listed)
    assert spans.without((), body) == body


def test_an_entry_is_known_wherever_it_stands_and_by_every_byte() -> None:
    one, two = items(1, 2)
    first = spans_of(feed(one, two))
    assert spans_of(feed(two, b"<other/>", one)).hashes == first.hashes[::-1]
    assert spans_of(feed(one, two.replace(b"2", b"3"))).hashes[0] == first.hashes[0]
    assert spans_of(feed(one, two + b" ")).hashes == first.hashes
    assert spans_of(feed(one, two.replace(b">No", b"> No"))).hashes[1] != first.hashes[1]


def test_what_stands_around_an_entry_counts_where_it_may_change_its_meaning() -> None:
    body = feed(*items(1))
    first = spans_of(body).hashes
    for changed in (
        feed(*items(1), head=HEAD.replace(b"urn:m", b"urn:n")),
        feed(*items(1), head=HEAD.replace(b"<channel>", b"<channel xml:base='https://b.example/'>")),
        feed(*items(1), head=HEAD.replace(b"2.0", b"0.91")),
        feed(*items(1), head=HEAD.replace(b"<?xml version='1.0'?>", b"<?xml version='1.0' encoding='utf-8'?>")),
    ):
        assert spans_of(changed).hashes != first, changed
    assert spans_of(body, "application/xml; charset=utf-8").hashes != first
    assert spans_of(body, url="https://news.example/other").hashes != first
    for same in (
        feed(*items(1), head=HEAD.replace(b"News", b"Other news, built at 12:00")),
        feed(*items(1), b"<lastBuildDate>x</lastBuildDate>"),
    ):
        assert spans_of(same).hashes == first, same


FOUND = {
    "plain text and comments hold no entries": (
        b"<!-- <item> --><item><![CDATA[</item><item>]]></item><?x <item>?><items/><item-of/><x>&lt;item></x>",
        1,
    ),
    "entries of one tag": (b"<item rdf:about='a>b'/><item/><item\n><x/></item >", 3),
    "entries of Atom, with a prefix, in capitals": (b"<entry a='/'></entry><a:entry></a:entry><ITEM></ITEM>", 3),
    "a namespace without a prefix": (b"<item><div xmlns='http://www.w3.org/1999/xhtml'/></item>", 1),
    "UTF-8": ("<item>é</item>".encode(), 1),
    "addresses and words that look like bases": (b"<item>https://x.example/?a=1&amp;base=2 base = x</item>", 1),
}


@pytest.mark.parametrize("name", FOUND)
def test_entries_are_found_where_they_are(name: str) -> None:
    pieces, count = FOUND[name]
    assert len(spans_of(feed(pieces)).hashes) == count


REFUSED = {
    "no entry": b"",
    "an entry in an entry": b"<item><item/></item>",
    "an entry of one tag in an entry": b"<item><entry/></item>",
    "an end without a beginning": b"<item></item></item>",
    "no end": b"<item></item><item>",
    "a tag without an end": b"<item></item><item a='",
    "a document type": b"<!doctype rss><item></item>",
    "a prefix declared in an entry": b"<item></item><item xmlns:m='urn:m'></item>",
    "a base in an entry": b"<item></item><item><x xml:base = 'https://b.example/'/></item>",
    "more than a list may have": b"<item/>" * (SPANS_AT_MOST + 1),
    "no UTF-8": b"<item>\xe9</item>",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_certain_is_not_taken_apart(name: str) -> None:
    assert find_spans(feed(REFUSED[name]), XML, URL, ()) is None


@pytest.mark.parametrize("new", [b"<item xmlns:m='urn:m'/>", b"<item base='/'/>", b"<x xmlns:m='urn:m'/>"])
def test_what_is_known_does_not_hide_what_reaches_out(new: bytes) -> None:
    known = spans_of(feed(*items(1, 2))).hashes
    assert find_spans(feed(*items(1, 2)), XML, URL, known) is not None
    assert find_spans(feed(items(1)[0], new, items(2)[0]), XML, URL, known) is None


def test_encodings_that_are_not_plain_are_not_taken_apart() -> None:
    body = feed(*items(1))
    assert find_spans(body, "application/xml; charset=utf-16", URL, ()) is None
    assert find_spans(body.replace(b"'1.0'?", b"'1.0' encoding='utf-7'?"), XML, URL, ()) is None
    assert find_spans(body.replace(b"'1.0'?", b"'1.0' encoding='ISO-8859-1'?"), XML, URL, ()) is not None
    assert find_spans(body, "application/xml; charset=UTF-8", URL, ()) is not None


def test_no_more_entries_are_taken_apart_than_are_read() -> None:
    assert SPANS_AT_MOST == ENTRIES_AT_MOST
    assert len(spans_of(feed(b"<item/>" * SPANS_AT_MOST)).hashes) == SPANS_AT_MOST
