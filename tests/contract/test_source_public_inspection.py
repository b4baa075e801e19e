"""The public inspection desk: what is taken of a filing, and how it meets its published copy."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.card import card
from bot.core.clean import clean
from bot.core.intake import Entry, Parsed
from bot.core.model import Document, Precision
from bot.errors import ParseError
from bot.sources import load
from tests.builders import a_response, a_source, a_story, an_alert

DESK = load("public_inspection")
API = "https://www.federalregister.gov/api/v1/public-inspection-documents/current.json"
NOW = datetime(2023, 10, 2, 13, 0, tzinfo=UTC)

# Invented, in the exact shape of the API.
FILING: dict[str, Any] = {
    "document_number": "2023-02222",
    "type": "Notice",
    "title": "Extension and Redesignation of Venezuela for Temporary Protected Status",
    "filed_at": "2023-10-02T08:45:00.000-04:00",
    "filing_type": "special",
    "publication_date": "2023-10-03",
    "agencies": [{"name": "Homeland Security Department", "slug": "homeland-security-department"}],
    "docket_numbers": ["CIS No. 2752-23"],
    "html_url": "https://www.federalregister.gov/public-inspection/2023-02222/extension",
    "pdf_url": "https://public-inspection.federalregister.gov/2023-02222.pdf?1696250716",
    "page_views": {"count": 1234, "last_updated": "2023-10-02 12:00:00 -0400"},
    "editorial_note": "The planned day was moved at the request of the agency.",
    "toc_subject": "Temporary Protected Status",
    "toc_doc": "Venezuela",
    "subject_1": "Temporary Protected Status",
    "subject_2": None,
    "num_pages": 40,
}


def parse(*filings: object, **changes: Any) -> Parsed:
    answer = {
        "count": len(filings),
        "results": list(filings),
        "special_filings_updated_at": "2023-10-02T08:45:00.000-04:00",
        "regular_filings_updated_at": "2023-10-02T08:45:00.000-04:00",
        **changes,
    }
    return DESK.parse(a_response(json.dumps(answer).encode(), url=API))


def document(**changes: Any) -> Document:
    [one] = clean(a_source(kind="public_inspection", agency=""), parse({**FILING, **changes}).entries, NOW)
    return one


def test_a_filing_is_taken_with_all_its_facts_and_nothing_that_changes_by_itself() -> None:
    [entry] = parse(FILING).entries
    assert entry == Entry(
        guid="2023-02222",
        url="https://www.federalregister.gov/public-inspection/2023-02222/extension",
        title="Extension and Redesignation of Venezuela for Temporary Protected Status",
        summary="Temporary Protected Status\n\nVenezuela\n\nThe planned day was moved at the request of the agency.",
        published="2023-10-02T08:45:00.000-04:00",
        authors=("Homeland Security Department",),
        facts={
            "document_number": "2023-02222",
            "type": "Notice",
            "agencies": "Homeland Security Department",
            "docket": "CIS No. 2752-23",
            "filing": "special",
            "planned_for": "2023-10-03",
        },
    )
    later = {**FILING, "page_views": {"count": 9}, "pdf_url": "https://x.example/2023-02222.pdf?17", "num_pages": 41}
    assert parse(later).entries == (entry,)


def test_without_a_page_of_its_own_the_filing_stands_at_its_pdf_without_the_time_stamp() -> None:
    [entry] = parse({**FILING, "html_url": None}).entries
    assert entry.url == "https://public-inspection.federalregister.gov/2023-02222.pdf"


def test_it_is_dated_by_its_filing_and_the_planned_day_may_lie_ahead() -> None:
    filed = document()
    assert (filed.claimed_at, filed.precision) == (datetime(2023, 10, 2, 12, 45, tzinfo=UTC), Precision.TIME)
    planned = document(filed_at=None, publication_date="2023-10-20")
    assert (planned.claimed_at, planned.date_note) == (datetime(2023, 10, 20, tzinfo=UTC), "")


def test_the_alert_says_scheduled_and_how_it_was_filed() -> None:
    special = dict(card(an_alert(a_story(1, document()))).facts)
    assert special["Scheduled"].startswith("to be published on October 3, 2023 (special filing); until then it may be")
    assert special["Filed"].startswith("October 2, 2023")
    assert "Published" not in special
    assert "(special" not in dict(card(an_alert(a_story(1, document(filing_type="regular")))).facts)["Scheduled"]


def test_a_day_that_was_moved_and_a_note_of_the_editors_make_another_version() -> None:
    first = document()
    assert document().digest == first.digest
    assert document(publication_date="2023-10-09").digest != first.digest
    assert document(editorial_note="Withdrawn at the request of the agency.").digest != first.digest
    assert first.keys[0] == document(document_number="2023-2222").keys[0] == "number:2023-2222"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"count": 3, "total_pages": 1, "results": [FILING]}, "not_a_feed"),  # the list of published documents
        ({"count": 3, "results": []}, "broken"),
        ({"count": "3", "results": [FILING]}, "not_a_feed"),
        ({"count": 1, "results": {"2023-02222": FILING}}, "not_a_feed"),
        ([FILING], "not_a_feed"),
    ],
)
def test_what_is_not_the_desk_is_a_named_failure(answer: object, kind: str) -> None:
    with pytest.raises(ParseError) as refused:
        DESK.parse(a_response(json.dumps(answer).encode(), url=API))
    assert refused.value.kind == kind


def test_a_day_without_an_issue_is_an_empty_desk() -> None:
    assert DESK.parse(a_response(b'{"count": 0, "results": []}')) == Parsed(())
