"""News sitemaps: told apart by namespace, whatever the prefixes."""

from __future__ import annotations

import pytest

from bot.core.dates import read_date
from bot.core.intake import Entry
from bot.errors import ParseError
from bot.sources import load
from tests.builders import a_response

HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
    " xmlns:{0}='http://www.google.com/schemas/sitemap-news/0.9'>"
)
ITEM = (
    "<url><loc> https://paper.example/a/{1} </loc><lastmod>2026-07-30T15:00:00Z</lastmod><{0}:news>"
    "<{0}:publication><{0}:name>The Paper</{0}:name></{0}:publication>"
    "<{0}:publication_date>2026-07-30T11:19:32-04:00</{0}:publication_date>"
    "<{0}:title>Judges &amp; rules {1}</{0}:title><{0}:keywords>asylum, courts,</{0}:keywords></{0}:news></url>"
)


def entries(body: str) -> tuple[Entry, ...]:
    return load("sitemap").parse(a_response(body.encode())).entries


@pytest.mark.parametrize("prefix", ["news", "n"])
def test_items_are_read_in_order(prefix: str) -> None:
    first, second = entries(HEAD.format(prefix) + ITEM.format(prefix, 1) + ITEM.format(prefix, 2) + "</urlset>")
    assert (first.title, second.title) == ("Judges & rules 1", "Judges & rules 2")
    assert first.url == first.guid == "https://paper.example/a/1"
    assert (first.facts, first.tags) == ({"outlet": "The Paper"}, ("asylum", "courts"))
    assert read_date(first.published)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (HEAD.format("n") + "</urlset>", "empty", "names no news"),
        (HEAD.format("n") + "<url><loc>https://paper.example/a</loc></url></urlset>", "empty", "names no news"),
        (HEAD.format("n") + ITEM.format("n", 1), "broken", "cut off"),
        ("<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "not_a_feed", "index of sitemaps"),
        ("<rss version='2.0'><channel/></rss>", "not_a_feed", "not a sitemap"),
        ("<!doctype html><html></html>", "not_a_feed", "not a sitemap"),
        ("{}", "not_a_feed", "not a sitemap"),
    ],
)
def test_what_is_none_has_a_name(body: str, kind: str, words: str) -> None:
    with pytest.raises(ParseError, match=words) as failed:
        entries(body)
    assert failed.value.kind == kind
