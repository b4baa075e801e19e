"""A court's list of docket entries: only the cases that were asked for, and every entry of theirs by itself."""

from __future__ import annotations

from html import escape

import pytest

from bot.core.clean import clean
from bot.core.decide import judge
from bot.core.index import Index
from bot.core.intake import Entry, Hints
from bot.core.model import Fingerprint, Past, Precision, State
from bot.errors import ParseError
from bot.reading.wire import decode_request, encode_request
from bot.sources import load
from tests.builders import NOW, a_response, a_source

DOCKET = load("docket")
LINK = "https://ecf.dcd.uscourts.gov/cgi-bin/DktRpt.pl?123"
FOLLOWED = Hints(only={"1:23-cv-02222": "Care and Shelter v. Secretary"})


def document(number: int) -> str:
    return f'(<a href="https://ecf.dcd.uscourts.gov/doc1/0451{number}?caseid=123&de_seq_num={number}" >{number}</a>)'


def item(description: str, title: str = "1:23-cv-02222 CARE AND SHELTER et al v. SECRETARY") -> str:
    return (
        f"<item><title>{escape(title)}</title><link>{LINK}</link><description>{escape(description)}</description>"
        f'<guid isPermaLink="true">{LINK}</guid><pubDate>Thu, 05 Oct 2023 11:00:00 GMT</pubDate></item>'
    )


def entries(*items: str, hints: Hints = FOLLOWED) -> tuple[Entry, ...]:
    body = f"<?xml version='1.0' encoding='ISO-8859-1'?><rss version='2.0'><channel>{''.join(items)}</channel></rss>"
    return DOCKET.parse(a_response(body.encode("latin-1")), hints).entries


def test_an_entry_says_its_case_what_was_filed_and_where_it_can_be_read() -> None:
    [entry] = entries(item(f"[Order on Motion to Stay] {document(45)}"))
    assert entry.title == "Care and Shelter v. Secretary: Order on Motion to Stay (45)"
    assert entry.url.startswith("https://ecf.dcd.uscourts.gov/doc1/045145?caseid=123&de_seq_num=45#/")
    assert entry.summary == "[Order on Motion to Stay] (45)"
    assert entry.published == "Thu, 05 Oct 2023 11:00:00 GMT"
    assert entry.facts == {"type": "Docket entry", "docket": "1:23-cv-02222", "entry": "45"}
    [made] = clean(a_source(kind="docket"), (entry,), NOW)
    assert (made.precision, made.date_note, made.number) == (Precision.TIME, "", "")


def test_entries_of_other_cases_are_not_taken_over() -> None:
    others = (
        "1:23-cv-03333 SMITH v. JONES",
        "2:23-cv-02222 SMITH v. JONES",
        "1:23-cr-02222 USA v. SMITH",
        "1:23-mj-02222-1 USA v. SMITH",
        "1:24-cv-02222 SMITH v. JONES",
        "No number at all, as where a case is sealed",
        "",
    )
    assert entries(*(item("[Complaint]", title=other) for other in others)) == ()
    assert entries(item("[Complaint]"), hints=Hints()) == ()


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("1:23-cv-02222", "1:23-cv-02222-ABC CARE v. SECRETARY"),
        ("1:23-cv-2222", "1:23-cv-02222 CARE v. SECRETARY"),
        ("23-cv-02222", "6:23-CV-02222 CARE v. SECRETARY"),
        ("23-5222", "23-5222 CARE v. SECRETARY"),
        ("1:23-cv-02222", "1:23-cv-02222: CARE v. SECRETARY"),
        ("1:23-cv-02222", "1:23-cv-02222-ABC: CARE v. SECRETARY"),
        ("1:23-cv-02222", "1:2023cv02222 CARE v. SECRETARY"),
        ("1:23-cv-02222", "1:2023-cv-02222 CARE v. SECRETARY"),
        ("20-2023", "2020-2023 CARE v. SECRETARY"),
    ],
)
def test_a_number_may_be_written_in_several_ways(asked: str, listed: str) -> None:
    [entry] = entries(item("[Order]", title=listed), hints=Hints(only={asked: ""}))
    assert entry.title == "CARE v. SECRETARY: Order"


def test_an_entry_stays_the_same_when_its_judge_or_a_colon_is_added_and_needs_no_name() -> None:
    titles = ("1:23-cv-02222 CARE", "1:23-cv-02222-ABC CARE", "1:23-cv-02222: CARE", "1:23-cv-02222")
    first, *others = entries(*(item("[Order]", title=title) for title in titles))
    assert others == [first] * 3
    [bare] = entries(item("[Order]", title="1:23-cv-02222"), hints=Hints(only={"1:23-cv-02222": ""}))
    assert bare.title == "1:23-cv-02222: Order"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"[Order] {document(45)}", f"[Order] {document(46)}"),
        ("[Minute Order]", "[Minute Entry]"),
        ("[Minute Order] set for Monday", "[Minute Order] set for Tuesday"),
        (f"[Order on Motion to Stay] {document(45)}", f"[Order on Motion to Dismiss] {document(45)}"),
        (f"[Order] {document(45)}", "[Order]"),
    ],
)
@pytest.mark.parametrize("listed", ["in one list", "in two", "the first gone from the second"])
def test_two_entries_that_differ_in_the_description_alone_are_two_documents(one: str, other: str, listed: str) -> None:
    source = a_source(kind="docket")
    lists = {
        "in one list": [entries(item(other), item(one))],
        "in two": [entries(item(one)), entries(item(other), item(one))],
        "the first gone from the second": [entries(item(one)), entries(item(other))],
    }[listed]
    known: list[Fingerprint] = []
    new = []
    for read in lists:
        past = Past(tuple(known), len(known))
        for verdict in judge(clean(source, read, NOW), past, Index({}), baseline=False, now=NOW):
            made = verdict.document
            known.append(Fingerprint(made.id, source.id, verdict.story, made.number, made.digest, made.keys))
            new += [made.text] if verdict.state is State.NEW else []
    assert len(new) == len(set(new)) == 2


def test_an_entry_that_is_listed_again_is_known() -> None:
    documents = clean(a_source(kind="docket"), entries(item("[Minute Order]"), item("[Minute Order]")), NOW)
    verdicts = list(judge(documents, Past(), Index({}), baseline=False, now=NOW))
    assert [verdict.state for verdict in verdicts] == [State.NEW, State.SEEN]


def test_a_description_without_brackets_and_one_that_is_empty_have_a_title_all_the_same() -> None:
    plain, empty = entries(item("ORDER granting stay"), item(""))
    assert plain.title == "Care and Shelter v. Secretary: ORDER granting stay"
    assert empty.title == "Care and Shelter v. Secretary: new entry"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><body>Please log in</body></html>", "not_a_feed"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "not_a_feed"),
        (b"<rss version='2.0'><channel><item><title>1:23-cv-02222 CARE</title></item>", "broken"),
        (b"not XML at all", "not_a_feed"),
        (b"<rss version='2.0'><channel><title>Court</title></channel></rss>", "empty"),
        (b"<rss version='2.0'><channel><item><title>CARE, No. 23-2222</title></item></channel></rss>", "broken"),
        (b"<rss version='2.0'><channel><item><description>[Order]</description></item></channel></rss>", "broken"),
    ],
)
def test_what_is_no_list_of_entries_is_a_named_failure(body: bytes, kind: str) -> None:
    with pytest.raises(ParseError) as refused:
        DOCKET.parse(a_response(body), FOLLOWED)
    assert refused.value.kind == kind


def test_entities_of_its_own_are_left_as_they_stand() -> None:
    body = b"""<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "boom">]><rss><channel><item>
    <title>1:23-cv-02222 CARE v. SECRETARY</title><description>[Order] &a;&b;</description></item></channel></rss>"""
    [entry] = DOCKET.parse(a_response(body), FOLLOWED).entries
    assert "root:" not in entry.summary
    assert "boom" not in entry.summary


def test_the_cases_reach_the_child_process() -> None:
    line, _, _ = encode_request("docket", a_response(b""), FOLLOWED).partition(b"\n")
    assert decode_request(line, lambda _: b"")[2] == FOLLOWED
