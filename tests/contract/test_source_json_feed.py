"""JSON Feed, in both versions, with what feeds write against the letter of the format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core.intake import Entry, Parsed
from bot.errors import ParseError
from bot.sources import load
from tests.builders import a_response

URL = "https://news.example/feed.json"


def read(**fields: Any) -> Parsed:
    body = {"version": "https://jsonfeed.org/version/1.1", "title": "News", **fields}
    return load("feed").parse(a_response(json.dumps(body).encode(), url=URL))


def item(**fields: Any) -> Entry:
    (entry,) = read(items=[fields]).entries
    return entry


def test_an_item_is_read_with_all_that_it_says() -> None:
    assert item(
        id="urn:1",
        url="/news/1",
        external_url="https://other.example/1",
        title="Rule on <parole>",
        content_html="<p>The <b>rule</b>.</p><p>It holds.</p>",
        content_text="not this",
        summary="A rule.",
        date_published="2023-10-05T12:00:00Z",
        date_modified="2023-10-06T12:00:00Z",
        authors=[{"name": "Ann"}, {"url": "https://bob.example"}, "Carl", {"name": "Ann"}],
        tags=["parole", 7, "rules"],
    ) == Entry(
        guid="urn:1",
        url="https://news.example/news/1",
        title="Rule on <parole>",
        summary="A rule.",
        content="The rule.\n\nIt holds.",
        published="2023-10-05T12:00:00Z",
        updated="2023-10-06T12:00:00Z",
        authors=("Ann",),
        tags=("parole", "rules"),
    )


def test_what_is_missing_or_of_another_type_is_empty() -> None:
    assert item() == Entry()
    wrong = {"id": True, "url": 5, "title": ["x"], "content_html": {}, "summary": None, "authors": "Ann", "tags": {}}
    assert item(**wrong) == Entry()
    assert item(url="http://[", external_url="https://other.example/1").url == "https://other.example/1"
    assert item(id=12).guid == "12"
    assert item(content_text="As it is: <b>", summary="As it is: <b>").content == ""
    assert read(items=[None, 5, {"id": "x"}]).entries == (Entry(guid="x"),)


def test_authors_of_the_feed_stand_for_items_without() -> None:
    feed = read(author={"name": "Desk"}, items=[{"id": "1"}, {"id": "2", "author": {"name": "Ann"}}])
    assert [entry.authors for entry in feed.entries] == [("Desk",), ("Ann",)]


def test_older_items_are_one_page_further() -> None:
    assert read(items=[{"id": "1"}], next_url="?page=2").more_urls == (f"{URL}?page=2",)
    for nowhere in (URL, "", None, 5, "http://["):
        assert read(items=[{"id": "1"}], next_url=nowhere).more_urls == ()
    assert read(items=[], next_url="?page=2") == Parsed(())


def test_version_one_is_read_and_a_mark_before_it() -> None:
    body = b'\xef\xbb\xbf{"version": "https://www.jsonfeed.org/version/1", "items": [{"id": "1"}]}'
    assert load("feed").parse(a_response(body)).entries == (Entry(guid="1"),)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"version": "2", "items": []}', "the answer is JSON, not a feed"),
        (b'{"version": 1, "items": []}', "the answer is JSON, not a feed"),
        (b'["https://jsonfeed.org/version/1"]', "the answer is not a feed"),
        (b'{"version": "https://jsonfeed.org/version/1"}', "the feed has no list of items"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "the answer is not JSON"),
    ],
)
def test_other_json_is_named(body: bytes, sentence: str) -> None:
    with pytest.raises(ParseError) as error:
        load("feed").parse(a_response(body))
    assert str(error.value) == sentence
