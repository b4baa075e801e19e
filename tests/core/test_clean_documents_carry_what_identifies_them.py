"""Entry → Document: honest text, stable keys and ids, a digest that sees only what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clean import canonical_url, clean, keys_of, number_key, title_key
from bot.core.intake import Entry, SourceSpec
from bot.core.model import Precision
from tests.builders import NOW, a_source, an_entry

PARAGRAPH = "The Secretary has determined that conditions in the country permit the safe return of its nationals. "


def one(source: SourceSpec | None = None, **changes):
    documents = clean(source or a_source(), (replace(an_entry(), **changes),), NOW)
    assert len(documents) == 1
    return documents[0]


def kinds(document) -> list[str]:
    return [key.partition(":")[0] for key in document.keys]


def key(document, kind: str) -> str:
    return next(key for key in document.keys if key.startswith(f"{kind}:"))


def test_a_document_says_who_spoke_when_and_where():
    document = one()
    assert (document.source_id, document.outlet, document.agency) == ("source-1", "Newsroom 1", "DHS")
    assert (document.url, document.seen_at) == ("https://newsroom-1.example/news/1", NOW)
    assert (document.claimed_at, document.precision) == (NOW - timedelta(minutes=30), Precision.TIME)
    assert kinds(document) == ["url", "guid", "title"]


def test_entries_that_say_nothing_are_left_out():
    assert clean(a_source(), (Entry(guid="7"), Entry(title="\u200b "), Entry(url="javascript:x")), NOW) == ()


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"title": " A\n title\u202e\x00 "}, "A title"),
        ({"title": "", "summary": "The first words of the text serve."}, "The first words of the text serve."),
        ({"title": "", "summary": "word " * 60}, "word " * 23 + "word…"),
        ({"title": "", "summary": "", "url": "https://www.uscis.gov/x"}, "Untitled item at www.uscis.gov"),
        ({"title": "Court halts rule - Newsroom 1"}, "Court halts rule"),
        ({"title": "Court halts rule - The Post", "facts": {"outlet": "The Post"}}, "Court halts rule"),
        ({"title": "Court halts rule - The Post"}, "Court halts rule - The Post"),
    ],
)
def test_every_document_has_a_title_in_one_line(changes, title):
    assert one(**changes).title == title


def test_text_keeps_its_paragraphs_and_loses_other_white_space():
    text = one(content="One\u00a0 two\t three \n\n\n \n four\r\nfive \n", summary="short").text
    assert text == "One two three\n\nfour\nfive"


def test_the_longer_of_summary_and_content_is_the_text():
    assert one(summary="the long summary of it", content="short").text == "the long summary of it"


def test_an_id_that_is_an_address_serves_as_link():
    assert one(url="", guid="https://a.example/1?utm_source=x").url == "https://a.example/1"
    assert one(url="", guid="tag:a.example,2023:1").url == ""


def test_facts_are_kept_in_one_line_and_empty_ones_dropped():
    assert one(facts={"type": " Final\nrule ", "action": " "}).facts == {"type": "Final rule"}


def test_the_register_names_its_agencies_and_a_newsroom_is_its_own():
    named = {"agencies": "Homeland Security Department; Coast Guard"}
    assert one(a_source(agency=""), facts=named).agency == "Homeland Security Department; Coast Guard"
    assert one(facts=named).agency == "DHS"


def test_future_register_days_stand_and_others_do_not():
    ahead = "2023-11-20"
    assert one(a_source(kind="federal_register"), published=ahead).date_note == ""
    assert one(published=ahead).claimed_at is None


# --- keys ---------------------------------------------------------------------------------------------------------


def test_numbers_come_from_the_publisher_or_from_a_register_address():
    assert one(facts={"document_number": "2023-22176"}).number == "2023-22176"
    register = "https://www.federalregister.gov/documents/2023/10/05/2023-22176/a-title"
    for url in (register, "https://www.federalregister.gov/d/2023-22176", f"{register}?utm_campaign=x"):
        assert key(one(url=url), "number") == "number:2023-22176"
    assert one(url="https://notfederalregister.example/d/2023-22176").number == ""
    assert one(url="https://www.federalregister.gov/agencies/2023-22176").number == ""


def test_numbers_agree_however_they_are_padded():
    assert number_key("2023-02217") == number_key("2023-2217")
    assert number_key("c1-2023-19312") == "C1-2023-19312"


def test_a_front_page_identifies_nothing():
    assert "url" not in kinds(one(url="https://newsroom-1.example/?utm_source=rss"))
    assert "url" in kinds(one(url="https://newsroom-1.example/?p=7"))


def test_ids_hold_within_their_source_and_survive_https_and_escaping():
    keys = {key(one(guid=guid), "guid") for guid in ("http://a.example/?p=1&q=2", "https://a.example/?p=1&amp;q=2")}
    assert keys == {"guid:source-1:https://a.example/?p=1&q=2"}
    assert key(one(a_source(2), guid="x"), "guid") != key(one(guid="x"), "guid")
    assert len(key(one(guid="x" * 5000), "guid")) < 60
    assert "guid" not in kinds(one(guid=" "))


def test_titles_are_compared_by_words_outlet_and_day():
    title = "U.S. “resumes” removals to Venezuela"
    base = key(one(title=title), "title")
    assert key(one(title='U.S. "Resumes" Removals – to Venezuela', url="https://b.example/x"), "title") == base
    assert key(one(title=title, published="Thu, 05 Oct 2023 01:00:00 GMT"), "title") == base
    assert key(one(title=title, published="Wed, 04 Oct 2023 11:30:00 GMT"), "title") != base
    assert key(one(title=title, published=""), "title") != base
    assert key(one(title=title, facts={"outlet": "Another"}), "title") != base
    assert title_key("!!!") == "!!!"


def test_a_date_that_was_not_believed_names_no_day():
    ahead = one(published="Sat, 07 Oct 2023 01:00:00 GMT")
    assert ahead.claimed_at == NOW
    assert key(ahead, "title") == key(one(published=""), "title")


def test_only_a_long_text_identifies_and_a_shorter_one_with_title_and_day():
    assert "text" not in kinds(one(summary=PARAGRAPH))
    shorter = one(summary=PARAGRAPH * 3)
    assert key(shorter, "text") == key(one(summary=PARAGRAPH.upper() * 3, url="https://b.example/2", guid="b"), "text")
    assert key(shorter, "text") != key(one(summary=PARAGRAPH * 3, title="Another title"), "text")
    longer = one(summary=PARAGRAPH * 13)
    assert key(longer, "text") == key(one(summary=PARAGRAPH * 13, title="Another title", published=""), "text")


def test_addresses_and_ids_that_stand_on_several_items_identify_none():
    index_page = [replace(an_entry(n), url="https://a.example/updates", guid="always") for n in range(3)]
    documents = clean(a_source(), index_page, NOW)
    assert [kinds(document) for document in documents] == [["title"]] * 3
    assert len({document.id for document in documents}) == 3
    twice = clean(a_source(), [an_entry(), an_entry()], NOW)
    assert kinds(twice[0]) == ["url", "guid", "title"]
    assert twice[0] == twice[1]


def test_keys_of_gathers_them_all():
    documents = clean(a_source(), [an_entry(1), an_entry(2)], NOW)
    assert keys_of(documents) == frozenset(documents[0].keys) | frozenset(documents[1].keys)
    assert keys_of(()) == frozenset()


# --- ids and digests ----------------------------------------------------------------------------------------------

SAME = [
    {"title": "  Department announces   measure number 1 "},
    {"summary": "The department announced\nmeasure number 1\ttoday. "},
    {"url": "https://newsroom-1.example/news/1?utm_source=rss"},
    {"published": "Fri, 06 Oct 2023 11:30:00 GMT"},
    {"guid": "rebuilt", "authors": ("A",), "tags": ("b",)},
    {"facts": {"document_number": "2023-1", "citation": "88 FR 1", "outlet": "X"}},
]
CHANGED = [
    {"title": "Department withdraws measure number 1"},
    {"summary": "The department announced measure number 2 today."},
    {"facts": {"effective_on": "2023-11-01"}},
    {"facts": {"type": "Rule"}},
]


@pytest.mark.parametrize("changes", SAME)
def test_what_changes_nothing_that_is_said_is_no_revision(changes):
    assert one(**changes).digest == one().digest


@pytest.mark.parametrize("changes", CHANGED)
def test_what_changes_what_is_said_is_one(changes):
    assert one(**changes).digest != one().digest


def test_trackers_in_links_of_the_text_are_no_revision():
    link = "Read more: https://a.example/b?{}c=1 today"
    assert one(summary=link.format("utm_source=a&")).digest == one(summary=link.format("")).digest
    assert one(summary=link.format("d=1&")).digest != one(summary=link.format("")).digest


words = st.text(alphabet="ab \n.é\u200b\ud800&<", max_size=12)
entries = st.builds(
    Entry,
    guid=st.sampled_from(["", "1", "2", "http://a.example/1", "https://a.example/2"]) | words,
    url=st.sampled_from(["", "https://a.example/1", "https://a.example/2?utm_source=x", "https://a.example/"]) | words,
    title=words,
    summary=words,
    content=words | st.just(PARAGRAPH * 3),
    published=st.sampled_from(["", "2023-10-05", "Thu, 05 Oct 2023 11:30:00 GMT", "soon"]),
    facts=st.dictionaries(st.sampled_from(["document_number", "outlet", "type"]), words),
)


@given(st.lists(entries, max_size=6), st.randoms())
def test_whatever_a_list_holds_and_in_whatever_order_each_item_keeps_its_identity(listed, random):
    documents = clean(a_source(), listed, NOW)
    shuffled = clean(a_source(), random.sample(listed, len(listed)), NOW)
    assert sorted(map(repr, documents)) == sorted(map(repr, shuffled))
    for document in documents:
        assert document.keys
        assert document.title
        assert len(document.id) == len(document.digest) == 32
        assert canonical_url(document.url) == canonical_url(canonical_url(document.url))
        "".join(
            (document.title, document.text, *document.keys, *document.facts.values())
        ).encode()  # nothing is left that cannot be written
    by_id = {document.id: document.keys for document in documents}
    assert all(by_id[document.id] == document.keys for document in documents)


def test_an_articles_text_proves_nothing_without_its_title():
    """Two sites may answer two articles with one page that asks for consent."""
    here, there = one(article=PARAGRAPH * 20), one(a_source(2), article=PARAGRAPH * 20)
    other = one(a_source(2), article=PARAGRAPH * 20, title="Another headline altogether")
    assert key(here, "text") == key(there, "text")
    assert key(here, "text") != key(other, "text")
    listed, copied = one(content=PARAGRAPH * 20), one(content=PARAGRAPH * 20, title="Another", article=PARAGRAPH * 30)
    assert key(listed, "text") == key(copied, "text"), "what a list says at length is proof by itself"
    assert kinds(copied).count("text") == 2
