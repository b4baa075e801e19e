"""The Federal Register's documents API: what is taken, and its silent traps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core.intake import Entry, Parsed
from bot.errors import ParseError
from bot.sources import load
from tests.builders import a_response

REGISTER = load("federal_register")
API = "https://www.federalregister.gov/api/v1/documents.json?order=newest"

# Invented, in the exact shape of the API.
NOTICE: dict[str, Any] = {
    "document_number": "2023-22222",
    "type": "Notice",
    "title": "Extension and Redesignation of Venezuela for Temporary Protected Status",
    "abstract": "Through this notice, the Secretary extends the designation. NO<INF>X</INF> &amp; more.",
    "action": "Notice of Temporary Protected Status (TPS) extension and redesignation.",
    "dates": "Extension of Designation of Venezuela for TPS begins on March 11, 2024.",
    "effective_on": "2023-10-03",
    "comments_close_on": None,
    "citation": "88 FR 12345",
    "publication_date": "2023-10-03",
    "html_url": "https://www.federalregister.gov/documents/2023/10/03/2023-22222/x?a=1&copy=2",
    "agencies": [
        {"name": "Homeland Security Department", "raw_name": "DEPARTMENT OF HOMELAND SECURITY", "slug": "h"},
        {"raw_name": "Office of Something New"},
        "rubbish",
    ],
    "docket_ids": ["CIS No. 2752-23", "DHS Docket No. USCIS-2023-0010"],
    "cfr_references": [{"title": 8, "part": 244}, {"title": 8, "part": None}, {}],
    "topics": ["Immigration"],
    "page_views": {"count": 1234, "last_updated": "2023-10-05 12:00:00 -0400"},
    "public_inspection_pdf_url": "https://public-inspection.federalregister.gov/2023-22222.pdf?1696250716",
    "excerpts": "…<span class='match'>TPS</span>…",
}


def parse(answer: object, url: str = API) -> Parsed:
    return REGISTER.parse(a_response(json.dumps(answer).encode(), url=url))


def page(next_page_url: object, *, total_pages: object = 9, documents: int = 1) -> dict[str, Any]:
    results = [{**NOTICE, "document_number": f"2023-{number}"} for number in range(documents)]
    return {"count": 900, "total_pages": total_pages, "next_page_url": next_page_url, "results": results}


def test_a_document_is_taken_with_all_its_facts() -> None:
    [entry] = parse({"count": 1, "total_pages": 1, "results": [NOTICE]}).entries
    abstract = "Through this notice, the Secretary extends the designation. NOX & more."
    assert entry == Entry(
        guid="2023-22222",
        url="https://www.federalregister.gov/documents/2023/10/03/2023-22222/x?a=1&copy=2",
        title="Extension and Redesignation of Venezuela for Temporary Protected Status",
        summary=abstract,
        content=f"{abstract}\n\n{NOTICE['action']}\n\n{NOTICE['dates']}",
        published="2023-10-03",
        authors=("Homeland Security Department", "Office of Something New"),
        tags=("Immigration",),
        facts={
            "document_number": "2023-22222",
            "type": "Notice",
            "action": NOTICE["action"],
            "effective_on": "2023-10-03",
            "dates": NOTICE["dates"],
            "citation": "88 FR 12345",
            "agencies": "Homeland Security Department; Office of Something New",
            "docket": "CIS No. 2752-23; DHS Docket No. USCIS-2023-0010",
            "cfr": "8 CFR 244; 8 CFR",
        },
    )


# Invented too, and as the API answers for the order that stands behind `fr-presidential`: no abstract, no action.
ORDER: dict[str, Any] = {
    "document_number": "2025-02010",
    "type": "Presidential Document",
    "title": "Protecting the Work of the Offices",
    "abstract": None,
    "action": None,
    "dates": None,
    "effective_on": None,
    "comments_close_on": None,
    "citation": "90 FR 8443",
    "publication_date": "2025-01-29",
    "html_url": "https://www.federalregister.gov/documents/2025/01/29/2025-02010/protecting-the-work-of-the-offices",
    "raw_text_url": "https://www.federalregister.gov/documents/full_text/text/2025/01/29/2025-02010.txt",
    "agencies": [{"name": "Executive Office of the President", "id": 538, "slug": "executive-office-of-the-president"}],
    "docket_ids": [],
    "cfr_references": [],
    "topics": [],
}


def test_a_presidential_document_names_its_own_text_and_a_notice_does_not() -> None:
    notice = {**NOTICE, "raw_text_url": "https://www.federalregister.gov/documents/full_text/text/2023/10/03/x.txt"}
    told, order = parse({"count": 2, "total_pages": 1, "results": [notice, ORDER]}).entries
    assert order.facts["full_text"] == ORDER["raw_text_url"]
    assert "full_text" not in told.facts


@pytest.mark.parametrize("odd", [None, "", 7, ["https://www.federalregister.gov/x"]])
def test_a_text_that_has_no_address_is_none(odd: object) -> None:
    [order] = parse({"count": 1, "results": [{**ORDER, "raw_text_url": odd}]}).entries
    assert "full_text" not in order.facts


def test_what_changes_by_itself_changes_nothing() -> None:
    later = {
        **NOTICE,
        "page_views": {"count": 9999},
        "public_inspection_pdf_url": "https://x.example/?2",
        "excerpts": "",
    }
    assert parse({"count": 1, "results": [NOTICE]}) == parse({"count": 1, "results": [later]})


def test_a_document_without_an_abstract_still_has_a_text() -> None:
    [entry] = parse({"count": 1, "results": [{**NOTICE, "abstract": None}]}).entries
    assert entry.summary == ""
    assert entry.content.startswith("Notice of Temporary Protected Status")


@pytest.mark.parametrize("empty", [{"count": 0}, {"count": 0, "results": []}, {"count": 0, "description": "x"}])
def test_nothing_found_is_an_empty_day(empty: object) -> None:
    assert parse(empty) == Parsed(())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html><head><title>Request Access</title></head></html>", "not_a_feed"),
        ('{"errors": {"conditions": "unknown"}}', "not_a_feed"),
        ('{"count": 3}', "broken"),
        ('{"count": 3, "results": null}', "broken"),
        ('{"count": 1, "results": [{"title": "cut', "not_a_feed"),
    ],
)
def test_an_answer_that_is_no_list_is_no_empty_day(body: str, kind: str) -> None:
    with pytest.raises(ParseError) as caught:
        REGISTER.parse(a_response(body.encode(), url=API))
    assert caught.value.kind == kind


def test_the_next_page_is_followed_as_given() -> None:
    there = API + "&page=2&per_page=1&search_after_cursor=WzE3ODkzNDQwMDAwMDAsIjIwMjYtMTg3MjAiXQ"
    assert parse(page(there)).more_urls == (there,)
    further = there.replace("page=2", "page=3")
    assert parse(page(further), url=there).more_urls == (further,)


@pytest.mark.parametrize(
    "there",
    [
        None,
        7,
        "",
        "/api/v1/documents.json?page=2",
        "http://www.federalregister.gov/api/v1/documents.json?page=2",
        "https://evil.example/api/v1/documents.json?page=2",
        "https://www.federalregister.gov:8443/api/v1/documents.json?page=2",
        "https://www.federalregister.gov@evil.example/?page=2",
        API,
        API + "&page=1",
        API + "&page=3",
        API + "&page=-2",
        API + "&page=２",
        API + "&page=2&page=3",
        API + "&page=" + "2" * 5000,
        "https://[::1/?page=2",
    ],
)
def test_any_other_place_is_not_a_next_page(there: object) -> None:
    assert parse(page(there)).more_urls == ()


def test_paging_ends_where_it_would_begin_anew() -> None:
    def leads_on(number: int, **changes: Any) -> bool:
        here, there = (f"{API}&page={n}" for n in (number - 1, number))
        return bool(parse(page(there, **changes), url=here).more_urls)

    assert leads_on(50, total_pages=50)
    assert not leads_on(51, total_pages=60)
    assert not leads_on(3, total_pages=2)
    assert not leads_on(2, total_pages=None)
    assert not leads_on(2, total_pages="9")
    assert leads_on(10, documents=1000, total_pages=20)
    assert not leads_on(11, documents=1000, total_pages=20)
    assert not leads_on(2, documents=0)


def test_following_every_link_of_a_liar_comes_to_an_end() -> None:
    here, pages = API, 0
    while here and pages < 100:
        pages += 1
        parsed = parse(page(f"{API}&page={pages + 1}", total_pages=10**9), url=here)
        here = parsed.more_urls[0] if parsed.more_urls else ""
    assert pages == 50
