"""News rooms as they really are, read with the selectors that are shipped. The data stays outside the project."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import config
from bot.core.clean import clean
from bot.core.dates import read_date
from bot.core.intake import Entry, Hints, Parsed
from bot.core.model import Precision
from bot.core.selectors import why_wrong
from bot.errors import ParseError
from bot.sources import load
from tests.builders import NOW, a_response, a_source
from tests.shared_data import shared

SHIPPED = tomllib.loads((Path(config.__file__).parent / "sources.toml").read_text("utf-8"))["sources"]
SOURCES = {item["id"]: item for item in SHIPPED}


def rows(source_id: str, path: str) -> tuple[Entry, ...]:
    source = SOURCES[source_id]
    return parse(shared(path).read_bytes(), source["url"], **source["select"]).entries


def parse(body: bytes, url: str = "https://news.example/room", **select: str) -> Parsed:
    return load("listing").parse(a_response(body, url=url, headers={"content-type": "text/html"}), Hints(select))


STRAIGHT = str.maketrans("’‘“”", "''\"\"")  # the expected files have no other apostrophes and quotes
DECISION = re.compile(r"(?P<name>.+), (?P<citation>\d+ I&N Dec\.? \d+) \(\S+ (?P<year>\d{4})\)(?:\(as amended\))?")


def straight(text: str) -> str:
    return text.translate(STRAIGHT)


def test_every_shipped_place_can_be_read() -> None:
    wrong = [
        (source["id"], part, why)
        for source in SHIPPED
        for part, said in source.get("select", {}).items()
        if (why := why_wrong(part, said))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source_id", "path", "count", "precision"),
    [
        ("dhs-news", "samples/dhs/dhs-newsroom-index.html", 2, Precision.DAY),
        ("uscis-all-news-html", "samples/uscis/newsroom-all-news.2026-09-13.rows.html", 5, Precision.TIME),
        ("uscis-policy-manual", "samples/uscis/policy-manual-updates.rows.html", 2, Precision.TIME),
    ],
)
def test_rows_have_all_that_an_item_needs(source_id: str, path: str, count: int, precision: Precision) -> None:
    entries = rows(source_id, path)
    assert len(entries) == count
    for entry in entries:
        assert entry.title
        assert entry.summary
        assert entry.url.startswith("https://www.")
        read = read_date(entry.published)
        assert read is not None
        assert read[1] is precision
        assert entry.facts["date_from"] == "listing"


def test_a_row_that_leads_nowhere_is_found_on_its_page() -> None:
    alert, update = rows("uscis-policy-manual", "samples/uscis/policy-manual-updates.rows.html")
    assert alert.url.endswith("policy-manual-updates/20260713-AttorneysAndRepresentatives.pdf")
    assert update.url.startswith("https://www.uscis.gov/policy-manual/updates#!2026-02-03")
    [document] = clean(a_source(), [update], NOW)
    assert document.url == update.url


def test_the_supreme_courts_opinions_are_those_expected() -> None:
    entries = rows("scotus-slip", "samples/courts/scotus_slip_example.html")
    expected = json.loads(shared("samples/courts/scotus_slip_example.compare.json").read_text("utf-8"))
    said = {
        (entry.facts["docket"], straight(entry.title), entry.url, day(entry), entry.facts["citation"])
        for entry in entries
    }
    assert len(entries) == len(said) == len(expected) == 58
    assert said == {
        (one["docket_numbers"], one["case_names"], one["download_urls"], one["case_dates"], one["citations"])
        for one in expected
    }


def day(entry: Entry) -> str:
    read = read_date(entry.published)
    assert read is not None
    return read[0].date().isoformat()


def test_the_decisions_of_the_board_are_those_expected() -> None:
    entries = rows("eoir-ag-bia", "samples/courts/bia_example.html")
    expected = json.loads(shared("samples/courts/bia_example.compare.json").read_text("utf-8"))
    assert len(entries) == len(expected) == 90
    for entry, one in zip(entries, expected, strict=True):
        assert (entry.url, entry.facts["docket"]) == (one["download_urls"], one["docket_numbers"])
        assert entry.published == one["case_dates"][:4]  # the file makes up the rest
        decision = DECISION.fullmatch(entry.title)
        assert decision, entry.title
        # The file lowers the capitals of names, and leaves out the hyphen after the last initial.
        assert decision["name"].removesuffix("-").casefold() == one["case_names"].casefold()
        assert (decision["citation"], decision["year"]) == (one["citations"], entry.published)
        assert " ".join(straight(entry.summary).split()) == one["summaries"]


def test_of_a_decision_with_several_holdings_none_is_lost() -> None:
    entries = rows("eoir-ag-bia", "samples/courts/bia_example.html")
    several = [entry for entry in entries if entry.content != entry.summary]
    assert len(several) > 30
    assert all(entry.content.startswith(f"{entry.summary}\n\n") for entry in several)
    documents = clean(a_source(), several, NOW)
    for document, entry in zip(documents, several, strict=True):
        assert document.text.count("\n\n") == entry.content.count("\n\n") > 0


def test_without_selectors_dated_links_are_the_items() -> None:
    body = shared("samples/dhs/dhs-newsroom-index.html").read_bytes()
    entries = parse(body, "https://www.dhs.gov/news-releases").entries
    assert [entry.title for entry in entries] == [
        entry.title for entry in rows("dhs-news", "samples/dhs/dhs-newsroom-index.html")
    ]


PAGE = """<html><body><ul>{}</ul>{}</body></html>"""


def test_dates_stand_where_sites_put_them() -> None:
    for inner, published, origin in (
        ("<time datetime='2026-07-02'>x</time>", "2026-07-02", "listing"),
        ("<b>Posted July 2, 2026 by staff</b>", "2026-07-02", "text"),
        ("<b>7/2/26</b>", "2026-7-2", "text"),
        ("", "2026-07-01", "url"),
    ):
        body = PAGE.format(f"<li><a href='/n/2026-07-01/a'>A</a>{inner}</li>", "").encode()
        date = "b" if "<b>" in inner else "time@datetime"
        [entry] = parse(body, item="li", title="a", link="a@href", date=date).entries
        assert (entry.published, entry.facts["date_from"]) == (published, origin)


def test_a_made_up_date_is_left_alone_where_none_is_wanted() -> None:
    link = "/newsroom/national-media-release/2020-09-30/cbp-resumes"
    row = f"<div class='views-row'><time datetime='2020-09-30'>x</time><a href='{link}'>CBP resumes</a></div>"
    [entry] = parse(PAGE.format(row, "").encode(), **SOURCES["cbp-newsroom"]["select"]).entries
    assert (entry.title, entry.published, entry.facts) == ("CBP resumes", "", {})


def test_a_day_in_words_or_figures_is_read_out_of_an_address() -> None:
    for path, published in (
        ("/clips-july-17-2026", "july 17, 2026"),
        ("/updates/20260713-Attorneys.pdf", "2026-07-13"),
        ("/2026/13/45/x", ""),
        ("/foo-17-2026", ""),
    ):
        [entry] = parse(PAGE.format(f"<li><a href='{path}'>A</a></li>", "").encode(), item="li").entries
        assert entry.published == published


def test_further_pages_are_followed_on_the_same_host_only() -> None:
    row = "<li><a href='/a'>A</a></li>"
    for link, further in (
        ("<a rel='next' href='?page=1'>Next</a>", ("https://news.example/room?page=1",)),
        (
            "<a class='usa-pagination__link usa-pagination__next-page' href='?page=1'>Next</a>",
            ("https://news.example/room?page=1",),
        ),
        (
            "<a class='wp-block-query-pagination-next' href='/room/page/2/'>Next</a>",
            ("https://news.example/room/page/2/",),
        ),
        ("<a rel='next' href='https://evil.example/room?page=1'>Next</a>", ()),
        ("<a rel='next' href='/room'>Next</a>", ()),
        ("<a rel='next' href='javascript:x()'>Next</a>", ()),
    ):
        assert parse(PAGE.format(row, link).encode(), item="li").more_urls == further
    assert parse(PAGE.format(row, "<a id=m href='/2'>More</a>").encode(), item="li", next="#m").more_urls == (
        "https://news.example/2",
    )


def test_links_that_do_not_fit_are_no_items_and_none_at_all_is_a_failure() -> None:
    body = PAGE.format("<li><a href='/a'>A</a></li><li><a href='/news/b'>B</a></li>", "").encode()
    assert [entry.title for entry in parse(body, item="li", match="^/news/").entries] == ["B"]
    with pytest.raises(ParseError) as failed:
        parse(body, item="tr")
    assert failed.value.kind == "empty"
    assert "rebuilt" not in str(failed.value)


HEADINGS = "<tr><th>R-</th><th>Date</th><th>Docket</th><th>Name</th><th>J.</th><th>Citation</th></tr>"


@pytest.mark.parametrize(
    ("rows", "empty"),
    [
        (HEADINGS, True),
        (HEADINGS * 2, True),
        ("", False),  # no table is no list
        ("<tr></tr>", False),
        (f"{HEADINGS}<tr><td>1</td><td>10/5/26</td><td>25-1</td><td>A v. B</td></tr>", False),
        (f"{HEADINGS}<tr><td>1</td><td><a href='/opinions/26pdf/25-1.pdf'>A v. B</a></td></tr>", False),
    ],
)
def test_a_table_with_nothing_but_headings_is_empty_and_one_with_rows_that_do_not_fit_is_a_failure(
    rows: str, *, empty: bool
) -> None:
    body = f"<html><body><table class='table table-bordered'>{rows}</table></body></html>".encode()
    court = SOURCES["scotus-slip"]["select"]
    if empty:
        assert parse(body, **court) == Parsed(())
        return
    with pytest.raises(ParseError) as failed:
        parse(body, **court)
    assert failed.value.kind == "empty"
