"""CourtListener, regulations.gov and Congress.gov: what is taken of their lists, and their traps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core.clean import clean
from bot.core.intake import Entry, Parsed
from bot.core.model import Document, Precision
from bot.errors import ParseError
from bot.sources import load
from tests.builders import NOW, a_response, a_source
from tests.shared_data import shared

SEARCH = "https://www.courtlistener.com/api/rest/v4/search/?q=x&type=o"
BILLS = "https://api.congress.gov/v3/bill/118?sort=updateDate+desc&format=json"


def parse(kind: str, answer: object, url: str = "https://api.example/list") -> Parsed:
    return load(kind).parse(a_response(json.dumps(answer).encode(), url=url))


def documents(kind: str, entries: tuple[Entry, ...]) -> tuple[Document, ...]:
    return clean(a_source(kind=kind), entries, NOW)


# --- CourtListener --------------------------------------------------------------------------------------------------

OPINION: dict[str, Any] = {
    "cluster_id": 7,
    "absolute_url": "/opinion/7/care-v-secretary/",
    "caseName": "Care &amp; Shelter v. Secretary",
    "court": "Court of Appeals for the D.C. Circuit",
    "court_citation_string": "D.C. Cir.",
    "docketNumber": "23-5222",
    "docket_id": 70,
    "dateFiled": "2023-10-05",
    "status": "Published",
    "judge": "Somebody",
    "opinions": [{"snippet": "The <mark>stay</mark> is granted."}],
}


def test_an_opinion_says_its_case_court_and_number() -> None:
    [entry] = parse("courtlistener", {"count": 1, "next": None, "results": [OPINION]}).entries
    assert entry == Entry(
        guid="opinion:7",
        url="https://www.courtlistener.com/opinion/7/care-v-secretary/",
        title="Care & Shelter v. Secretary (D.C. Cir., 23-5222)",
        summary="Court of Appeals for the D.C. Circuit\n\n23-5222\n\nThe stay is granted.",
        published="2023-10-05",
        facts={
            "type": "Opinion",
            "court": "Court of Appeals for the D.C. Circuit",
            "docket": "23-5222",
            "status": "Published",
        },
    )


def test_dockets_as_they_are_really_sent_are_taken_without_the_people_in_them() -> None:
    body = shared("samples/api-shapes/courtlistener_search.json").read_bytes()
    parsed = load("courtlistener").parse(a_response(body, url="https://www.courtlistener.com/api/rest/v4/search/?q=x"))
    listed = json.loads(body)["results"]
    assert [entry.guid for entry in parsed.entries] == [f"docket:{case['docket_id']}" for case in listed]
    assert {entry.facts["type"] for entry in parsed.entries} == {"Court case"}
    assert all(entry.url.startswith("https://www.courtlistener.com/docket/") for entry in parsed.entries)
    assert parsed.more_urls == (json.loads(body)["next"],)
    lawyers = {name for case in listed for name in case["attorney"]}
    assert lawyers
    assert not any(
        name in text for name in lawyers for entry in parsed.entries for text in (entry.title, entry.summary)
    )
    assert all(one.precision is Precision.DAY for one in documents("courtlistener", parsed.entries) if one.claimed_at)


def test_the_next_page_must_be_one_of_the_same_search() -> None:
    def further(url: str) -> tuple[str, ...]:
        return parse("courtlistener", {"count": 9, "next": url, "results": [OPINION]}, SEARCH).more_urls

    assert further("https://www.courtlistener.com/api/rest/v4/search/?cursor=abc")
    for wrong in ("https://evil.example/api/rest/v4/search/", "http://www.courtlistener.com/api/rest/v4/search/", "["):
        assert further(wrong) == ()


def test_results_that_are_neither_opinions_nor_cases_are_passed_over() -> None:
    odd = [{"caseName": "x"}, {"absolute_url": "/a/"}, {**OPINION, "cluster_id": None, "docket_id": None}]
    assert parse("courtlistener", {"count": 4, "results": [*odd, OPINION]}).entries[0].guid == "opinion:7"
    assert len(parse("courtlistener", {"count": 4, "results": [*odd, OPINION]}).entries) == 1


# --- regulations.gov ------------------------------------------------------------------------------------------------


def a_document(**attributes: Any) -> dict[str, Any]:
    usual = {"title": "Extension", "documentType": "Notice", "postedDate": "2023-10-05T04:00:00Z", "agencyId": "USCIS"}
    return {"type": "documents", "id": "USCIS-2023-0010-0001", "attributes": {**usual, **attributes}}


@pytest.mark.parametrize(
    ("posted", "day"),
    [
        ("2023-10-05T04:00:00Z", "2023-10-05"),  # midnight in summer
        ("2023-01-16T05:00:00Z", "2023-01-16"),  # and in winter
        ("2023-10-05T00:00:00-04:00", "2023-10-05"),
        ("2023-10-05T15:30:00Z", "2023-10-05T15:30:00Z"),  # a moment
        ("soon", "soon"),
    ],
)
def test_a_midnight_of_washington_is_a_day(posted: str, day: str) -> None:
    [entry] = parse("regulations", {"data": [a_document(postedDate=posted)]}).entries
    assert entry.published == day


@pytest.mark.parametrize(
    ("ends", "day"),
    [
        ("2023-10-05T03:59:59Z", "2023-10-04"),
        ("2023-12-05T04:59:59Z", "2023-12-04"),
        ("2023-10-05T04:00:00Z", "2023-10-05"),
        (None, ""),
        ("some day", ""),
    ],
)
def test_comments_end_on_the_day_that_it_is_there(ends: object, day: str) -> None:
    [entry] = parse("regulations", {"data": [a_document(commentEndDate=ends)]}).entries
    assert entry.facts.get("comments_close_on", "") == day


def test_the_number_of_the_federal_register_joins_the_two_and_a_withdrawal_is_said() -> None:
    [entry] = parse("regulations", {"data": [a_document(frDocNum="2023-02222", withdrawn=True)]}).entries
    [made] = documents("regulations", (entry,))
    assert "number:2023-2222" in made.keys
    assert made.facts["action"] == "Withdrawn"
    assert made.url == "https://www.regulations.gov/document/USCIS-2023-0010-0001"


def test_documents_as_they_are_really_sent() -> None:
    body = shared("samples/api-shapes/regulations_docs.json").read_bytes()
    entries = load("regulations").parse(a_response(body)).entries
    listed = json.loads(body)["data"]
    assert [entry.guid for entry in entries] == [one["id"] for one in listed]
    assert all(made.precision is Precision.DAY for made in clean(a_source(), entries, NOW) if not made.date_note)
    assert entries[0].facts["document_number"] == "2025-00863"
    assert entries[0].published == "2025-01-16"


# --- Congress.gov ---------------------------------------------------------------------------------------------------


def a_bill(updated: str = "2023-10-06", **changes: Any) -> dict[str, Any]:
    action = {"actionDate": "2023-10-05", "text": "Passed House."}
    bill = {"congress": 118, "type": "HR", "number": "2", "title": "An Act", "latestAction": action}
    return {**bill, "updateDate": updated, **changes}


def test_a_bill_is_dated_by_its_latest_action_and_each_action_is_news() -> None:
    [entry] = parse("congress", {"bills": [a_bill()]}, BILLS).entries
    assert (entry.title, entry.published, entry.summary) == ("H.R. 2: An Act", "2023-10-05", "Passed House.")
    assert entry.url == "https://www.congress.gov/bill/118th-congress/house-bill/2"
    later = {"actionDate": "2023-10-07", "text": "Became law."}
    [again, acted] = parse("congress", {"bills": [a_bill("2023-10-09"), a_bill(latestAction=later)]}, BILLS).entries
    assert again == entry
    assert acted.guid != entry.guid


@pytest.mark.parametrize(
    ("congress", "words"),
    [(101, "101st"), (111, "111th"), (112, "112th"), (119, "119th"), (122, "122nd"), (123, "123rd")],
)
def test_congresses_are_counted_as_the_site_counts_them(congress: int, words: str) -> None:
    [entry] = parse("congress", {"bills": [a_bill(congress=congress, type="sjres")]}, BILLS).entries
    assert entry.url == f"https://www.congress.gov/bill/{words}-congress/senate-joint-resolution/2"


def test_a_kind_of_bill_that_is_not_known_has_no_link_and_is_told_all_the_same() -> None:
    [entry] = parse("congress", {"bills": [a_bill(type="HX")]}, BILLS).entries
    assert (entry.title, entry.url) == ("HX 2: An Act", "")


def test_a_list_turned_round_is_refused_where_the_newest_were_asked_for_first() -> None:
    turned = {"bills": [a_bill("2023-10-01"), a_bill("2023-10-05"), a_bill("2023-10-06")]}
    with pytest.raises(ParseError) as refused:
        parse("congress", turned, BILLS)
    assert refused.value.kind == "broken"
    assert parse("congress", turned, "https://api.congress.gov/v3/bill/118?format=json").entries
    assert parse("congress", {"bills": turned["bills"][::-1]}, BILLS).entries
    assert parse("congress", {"bills": [a_bill(), a_bill()]}, BILLS).entries


def test_an_answer_in_xml_says_what_to_ask_for() -> None:
    with pytest.raises(ParseError, match="format=json"):
        load("congress").parse(a_response(b'<?xml version="1.0"?><api-root/>'))


def test_a_report_has_its_version_in_its_id() -> None:
    report = {"id": "R12345", "title": "Parole", "publishDate": "2023-10-05T04:00:00Z", "version": 3}
    [entry] = parse("congress", {"CRSReports": [{**report, "contentType": "Reports", "status": "Active"}]}).entries
    assert (entry.guid, entry.url) == ("R12345:3", "https://www.congress.gov/crs-product/R12345")
    assert entry.facts == {"type": "Reports", "status": "Active"}


def test_bills_as_they_are_really_sent() -> None:
    body = shared("samples/api-shapes/congress_bills.json").read_bytes()
    entries = load("congress").parse(a_response(body, url=BILLS)).entries
    assert [entry.title.partition(":")[0] for entry in entries] == ["H.R. 5005", "S. 2200", "H.R. 4400"]
    assert [entry.published for entry in entries] == ["2026-07-09", "2026-07-07", "2026-07-11"]
    assert entries[1].url == "https://www.congress.gov/bill/119th-congress/senate-bill/2200"


# --- all three ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("courtlistener", {"detail": "Authentication credentials were not provided."}),
        ("courtlistener", {"count": 3, "results": []}),
        ("courtlistener", {"count": 3, "results": {}}),
        ("regulations", {"errors": [{"status": "403", "title": "API_KEY_INVALID"}]}),
        ("regulations", {"data": {"id": "x"}}),
        ("regulations", {"data": [{"type": "dockets", "id": "x", "attributes": {}}]}),
        ("congress", {"error": {"code": "API_KEY_MISSING", "message": "No api_key was supplied."}}),
        ("congress", {"bills": {}}),
        ("congress", {"hearings": []}),
    ],
)
def test_what_is_not_their_list_is_a_named_failure(kind: str, answer: object) -> None:
    with pytest.raises(ParseError) as refused:
        parse(kind, answer)
    assert refused.value.kind in {"not_a_feed", "broken"}
