"""What real sources sent, read in the real child process. The data stays outside the project."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.intake import Entry, Parsed
from bot.reading import ReadingRoom
from tests.builders import a_response, a_source
from tests.shared_data import shared

RAW_FEEDS = {
    "al-monitor_duplicate-titles_2026-02-17.xml": 20,
    "aljazeera-all_2026-02-18.xml": 25,
    "bbc-world_2026-02-18.xml": 33,
    "boston-com-world_2026-02-16.xml": 10,
    "cbsnews-world_2026-02-17.xml": 30,
    "dw-world_rdf_2026-02-18.xml": 141,
    "elpais-english_2026-02-18.xml": 56,
    "mercopress_2026-02-18.xml": 10,
    "nyt-world_2026-02-18.xml": 57,
    "wsj-world_STALE-since-2025-01-27.xml": 20,
}
A_DATE = re.compile(
    r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d{4})"
)


@pytest.fixture
async def room() -> AsyncIterator[ReadingRoom]:
    room = ReadingRoom()
    room.start()
    yield room
    await room.close()


async def entries(room: ReadingRoom, path: Path, kind: str = "feed", **changes: object) -> Parsed:
    parsed = await room(a_source(kind=kind), a_response(path.read_bytes(), **changes))
    assert isinstance(parsed, Parsed), parsed
    return parsed


def raw(path: Path, element: str) -> list[str]:
    """The texts of an element as they stand in the file, by the simplest means there are."""
    text = path.read_text("utf-8")
    items = re.split(r"<item[\s>]", text)[1:]
    found = [
        re.search(rf"<{element}[^>]*>\s*(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?\s*</{element}>", item, re.DOTALL)
        for item in items
    ]
    return [match[1].strip() if match else "" for match in found]


def is_sensible(entry: Entry) -> bool:
    text = entry.title + entry.summary + entry.content
    return (
        bool(entry.title)
        and entry.url.startswith("https://")
        and A_DATE.fullmatch(entry.published or entry.updated) is not None
        and re.search(r"</?(p|a|b|div|img|br|span)\b|&(amp|lt|gt|nbsp|#\d+);|\]\]>|[\x00-\x08]", text) is None
    )


@pytest.mark.parametrize("name", RAW_FEEDS)
async def test_a_real_feed_is_read_whole(room: ReadingRoom, name: str) -> None:
    path = shared(f"samples/raw-feeds/{name}")
    read = (await entries(room, path)).entries
    assert len(read) == RAW_FEEDS[name]
    assert [entry for entry in read if not is_sensible(entry)] == []
    dates = raw(path, "dc:date" if "_rdf_" in name else "pubDate")
    assert [entry.published or entry.updated for entry in read] == dates
    links = [link.replace("&amp;", "&") for link in raw(path, "link")]
    assert [entry.url for entry in read] == links


async def test_ids_are_those_of_the_feed_and_missing_ones_stay_missing(room: ReadingRoom) -> None:
    path = shared("samples/raw-feeds/boston-com-world_2026-02-16.xml")
    read = (await entries(room, path)).entries
    assert [entry.guid for entry in read] == raw(path, "guid")
    assert [entry.guid for entry in read].count("") == 6


async def test_what_stands_under_a_picture_is_not_taken_for_the_article(room: ReadingRoom) -> None:
    read = (await entries(room, shared("samples/raw-feeds/nyt-world_2026-02-18.xml"))).entries
    assert {entry.content for entry in read} == {""}
    assert all(entry.summary for entry in read)


async def test_google_news_names_the_outlets(room: ReadingRoom) -> None:
    read = (await entries(room, shared("samples/api-shapes/google_news.xml"))).entries
    assert len(read) == 92
    assert all(entry.title.endswith(f" - {entry.facts['outlet']}") for entry in read)
    assert "\n" in read[0].summary


async def test_a_feed_with_full_texts_has_them_in_paragraphs(room: ReadingRoom) -> None:
    read = (await entries(room, shared("samples/api-shapes/org_feed.xml"))).entries
    assert len(read) == 10
    assert all(len(entry.content) > len(entry.summary) and "\n\n" in entry.content for entry in read)


async def test_real_answers_of_the_federal_register_are_read(room: ReadingRoom) -> None:
    for name, count in (
        ("samples/api-shapes/federal_register.json", 5),
        ("samples/uscis/federal-register-uscis.2026-09-14.trimmed.json", 3),
    ):
        url = "https://www.federalregister.gov/api/v1/documents?order=newest"
        parsed = await entries(room, shared(name), "federal_register", url=url)
        assert len(parsed.entries) == count
        for entry in parsed.entries:
            assert entry.guid == entry.facts["document_number"]
            assert entry.guid in entry.url
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry.published)
            assert entry.facts["type"] in {"Notice", "Rule", "Proposed Rule", "Presidential Document"}
            assert entry.title
            assert entry.summary or entry.facts["type"] == "Presidential Document"
        assert len(parsed.more_urls) == 1
