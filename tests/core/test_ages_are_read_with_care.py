"""How old an item is by its address and its first line, and what is no date at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.ages import Dated, best_date, claimed_date, own_date
from bot.core.model import Precision
from tests.builders import NOW, a_document

MAY_7 = datetime(2019, 5, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "path",
    [
        "/news/2019/05/07/release",
        "/2019/5/7/",
        "/releases/2019-05-07-release.html",
        "/files/20190507_memo.pdf",
        "/2019/05/07/a/2018/01/01/b",  # the later one of two
    ],
)
def test_a_day_in_an_address(path: str) -> None:
    assert own_date(a_document(url=f"https://a.example{path}")) == Dated(
        "May 7, 2019", MAY_7, MAY_7 + DAY, "its address"
    )


def test_a_month_in_an_address_reaches_to_its_end() -> None:
    found = own_date(a_document(url="https://a.example/wp-content/uploads/2019/05/memo.pdf"))
    assert found == Dated("May 2019", datetime(2019, 5, 1, tzinfo=UTC), datetime(2019, 6, 1, tzinfo=UTC), "its address")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/news/1",
        "https://a.example/2019/release",  # a year alone leaves too much open
        "https://a.example/2019/13/45/release",
        "https://a.example/2019/13/release",
        "https://a.example/case/1920190507",
        "https://a.example/files/20191399.pdf",
        "https://a.example/1984/05/07/release",
        "https://a.example/2019-12345",
        "https://a.example/2031/05/07/release",  # still to come
        "https://2019-05-07.example/release",
        "",
    ],
)
def test_what_is_no_date_in_an_address(url: str) -> None:
    assert own_date(a_document(url=url)) is None


@pytest.mark.parametrize(
    "text",
    [
        "WASHINGTON, May 7, 2019 — The department announced a policy.",
        "WASHINGTON (May 7, 2019) – The department announced a policy.",
        "WASHINGTON — May 7, 2019 — The department announced a policy.",
        "EL PASO, Texas, May 7, 2019 - The department announced a policy.",
        "May 7, 2019\nThe department announced a policy.",
        "Release Date: May 7, 2019\n\nThe department announced a policy.",
        "FOR IMMEDIATE RELEASE\nMay 7, 2019 | The department announced a policy.",
        "May 7, 2019",
    ],
)
def test_a_dateline(text: str) -> None:
    found = own_date(a_document(url="https://a.example/news/1", text=text))
    assert found == Dated("May 7, 2019", MAY_7, MAY_7 + DAY, "its dateline")


@pytest.mark.parametrize(
    "text",
    [
        "On May 7, 2019 – the day of the hearing – nobody came.",
        "The rule of May 7, 2019 is withdrawn.",
        "May 7, 2019 was a Tuesday.",
        "WASHINGTON, May 32, 2019 — The department announced a policy.",
        "The department announced a policy. WASHINGTON, May 7, 2019 — More follows.",
        "",
    ],
)
def test_what_is_no_dateline(text: str) -> None:
    assert own_date(a_document(url="https://a.example/news/1", text=text)) is None


def test_months_may_be_short() -> None:
    found = own_date(a_document(text="WASHINGTON, Sept. 7, 2019 — The department announced a policy."))
    assert found is not None
    assert found.words == "September 7, 2019"


def test_of_address_and_dateline_the_later_one_counts() -> None:
    document = a_document(url="https://a.example/2019/05/07/x", text="WASHINGTON, May 9, 2019 — It was amended.")
    found = own_date(document)
    assert found is not None
    assert (found.words, found.where) == ("May 9, 2019", "its dateline")


@pytest.mark.parametrize(("precision", "length"), [(Precision.DAY, DAY), (Precision.TIME, timedelta(0))])
def test_a_claimed_day_is_not_over_before_its_end(precision: Precision, length: timedelta) -> None:
    found = claimed_date(a_document(claimed_at=NOW, precision=precision))
    assert found == Dated("October 5, 2023", NOW, NOW + length, "its source")


@pytest.mark.parametrize(
    ("date_from", "where"),
    [("listing", "its listing"), ("text", "its listing"), ("url", "its address"), ("x", "its source")],
)
def test_where_a_claim_was_found_is_said(date_from: str, where: str) -> None:
    found = claimed_date(a_document(facts={"date_from": date_from}))
    assert found is not None
    assert found.where == where


def test_what_an_item_says_of_itself_counts_more_than_a_claim() -> None:
    document = a_document(url="https://a.example/2019/05/07/x", claimed_at=NOW)
    assert best_date(document) == own_date(document)
    assert best_date(a_document(claimed_at=NOW)) == claimed_date(a_document(claimed_at=NOW))
    assert best_date(a_document(claimed_at=None)) is None
