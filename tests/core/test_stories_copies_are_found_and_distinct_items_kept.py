"""The same thing again is recognized, and two things are never taken for one."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clean import clean
from bot.core.intake import Entry, SourceSpec
from bot.core.model import Document, Fingerprint, State
from bot.core.stories import place
from tests.builders import NOW, a_source, an_entry, at

FEEDS = Path(__file__).parents[2].parent / "shared/data/samples/raw-feeds"
LONG = "The Secretary has determined that conditions in the country permit the safe return of its nationals. "
RELEASE = an_entry(title="Secretary announces resumption of removals to Venezuela", summary=LONG * 2)


def document(source: SourceSpec | None = None, entry: Entry = RELEASE, **changes) -> Document:
    return clean(source or a_source(), (replace(entry, **changes),), NOW)[0]


def known(document: Document, story: int = 1) -> Fingerprint:
    name = f"{document.id}{document.digest}"
    return Fingerprint(name, document.source_id, story, document.number, document.digest, document.keys)


def state(document: Document, *earlier: Document) -> State:
    return place(document, [known(one, story) for story, one in enumerate(earlier, 1)]).state


OTHER = a_source(2)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {}),
        ({}, {"url": "http://newsroom-1.example/news/1/?utm_source=x", "summary": f"  {LONG * 2}\n"}),
        ({}, {"published": ""}),
        ({}, {"published": "Fri, 06 Oct 2023 00:00:01 GMT"}),  # stamped anew
        ({}, {"guid": "rebuilt"}),
        ({}, {"guid": "rebuilt", "published": "Fri, 06 Oct 2023 00:00:01 GMT"}),
        ({}, {"guid": "https://elsewhere.example/1", "url": "https://elsewhere.example/news/1"}),  # moved
        ({"guid": "", "url": ""}, {"guid": "", "url": ""}),
        ({"url": ""}, {"url": "", "guid": "rebuilt"}),
        ({"guid": ""}, {}),
        ({"url": ""}, {}),
        ({"published": ""}, {"published": "", "guid": "rebuilt"}),
        (
            {"summary": LONG * 2, "url": "https://a.example/opa/1", "guid": "1"},
            {"guid": "2", "url": "https://a.example/usao/1"},
        ),
    ],
)
def test_an_item_of_the_same_source_is_recognized_unchanged(earlier, later):
    assert state(document(**later), document(**earlier)) is State.SEEN


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {"summary": LONG * 3}),
        ({}, {"title": "Secretary corrects resumption of removals"}),
        ({}, {"title": "Secretary corrects resumption of removals", "url": "https://moved.example/news/1"}),
        ({}, {"guid": "rebuilt", "summary": LONG}),
        ({"url": ""}, {"url": "", "title": "Secretary corrects resumption of removals"}),
        ({"guid": ""}, {"guid": "", "title": "Secretary corrects resumption of removals"}),
        ({"guid": "", "url": ""}, {"guid": "", "url": "", "summary": LONG}),
        (
            {"facts": {"document_number": "2023-1234"}},
            {"facts": {"document_number": "2023-01234"}, "title": "X", "guid": "y"},
        ),
    ],
)
def test_an_edited_item_of_the_same_source_is_a_revision(earlier, later):
    found = place(document(**later), [known(document(**earlier), 7)])
    assert found.state is State.REVISION
    assert found.known is not None
    assert found.known.story == 7


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        # one title on one day, on two pages: job offers, meetings, waivers
        ({"summary": ""}, {"summary": "", "guid": "2", "url": "https://newsroom-1.example/news/2"}),
        ({"summary": "A"}, {"summary": "B", "guid": "2", "url": "https://newsroom-1.example/news/2"}),
        ({"url": "", "summary": "A"}, {"url": "", "summary": "B", "guid": "2"}),
        # an agency's paragraph under another title
        (
            {"summary": LONG * 15},
            {"summary": LONG * 15, "title": "Form N-400", "guid": "2", "url": "https://a.example/2"},
        ),
        # an address that always stands for the newest item, an id that is used again
        ({}, {"guid": "2", "title": "Another measure", "summary": "Another text"}),
        ({}, {"url": "https://newsroom-1.example/news/2", "title": "Another measure", "summary": "Another text"}),
        ({}, {"guid": "2", "url": "https://newsroom-1.example/news/2", "published": "Wed, 04 Oct 2023 11:30:00 GMT"}),
        ({"facts": {"document_number": "2023-1"}}, {"facts": {"document_number": "2023-2"}}),
    ],
)
def test_distinct_items_of_one_source_stay_apart(earlier, later):
    assert state(document(**later), document(**earlier)) is State.NEW
    assert state(document(**earlier), document(**later)) is State.NEW


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {"guid": "b"}),
        ({}, {"guid": "b", "title": "Removals resume", "summary": "Other words"}),
        ({}, {"guid": "b", "url": "https://news.example/opaque", "summary": "", "facts": {"outlet": "Newsroom 1"}}),
        ({}, {"guid": "b", "url": "https://copy.example/1"}),
        ({"summary": LONG * 15}, {"guid": "b", "url": "https://copy.example/1", "title": "Wire", "summary": LONG * 15}),
        (
            {"facts": {"document_number": "2023-22176"}},
            {"url": "https://www.federalregister.gov/d/2023-22176", "title": "X", "summary": "Y"},
        ),
    ],
)
def test_an_exact_copy_in_another_source_adds_to_the_story(earlier, later):
    found = place(document(OTHER, **later), [known(document(**earlier), 7)])
    assert found.state is State.ADDITION
    assert found.known is not None
    assert found.known.story == 7
    assert "exact copy of what source-1 told in #7: same " in found.because


@pytest.mark.parametrize(
    "later",
    [
        {"url": "https://copy.example/1", "summary": "Another text of the same day"},  # another outlet's words
        {"url": "https://copy.example/1", "summary": LONG * 2, "published": "Mon, 02 Oct 2023 11:30:00 GMT"},
        {"url": "https://copy.example/1", "summary": LONG * 2, "title": "Another title"},
        {"facts": {"document_number": "2023-2"}},  # never across document numbers, even at one address
    ],
)
def test_what_another_source_says_in_its_own_words_is_new(later):
    earlier = document(facts={"document_number": "2023-1"}) if "facts" in later else document()
    assert state(document(OTHER, **later), earlier) is State.NEW


def test_a_title_that_says_little_identifies_nothing_elsewhere():
    outlet = {"outlet": "Newsroom 1"}
    assert (
        state(
            document(OTHER, title="Live updates", url="https://n.example/2", facts=outlet, summary=""),
            document(title="Live updates"),
        )
        is State.NEW
    )


def test_the_item_itself_counts_before_copies_of_it_and_the_unchanged_one_first():
    copy, mine, edited = document(OTHER, guid="b"), document(), document(summary=LONG)
    memories = [known(copy, 1), known(edited, 2), known(mine, 3)]
    for order in (memories, memories[::-1]):
        assert place(document(), order).state is State.SEEN
        assert place(document(summary="third version"), order).known == known(edited, 2)


def test_nothing_in_common_is_new_and_says_so():
    found = place(document(), [])
    assert (found.state, found.known) == (State.NEW, None)
    assert found.because == "nothing that we know has its number, link, id, title or text"


entries = st.builds(
    Entry,
    guid=st.sampled_from(["", "1", "2"]),
    url=st.sampled_from(["", "https://a.example/1", "https://a.example/2", "https://b.example/1"]),
    title=st.sampled_from(["Removals to Venezuela will resume", "Opinion", "Another title of five words"]),
    summary=st.sampled_from(["", "short", LONG * 2, LONG * 15]),
    published=st.sampled_from(["", "2023-10-05", "2023-10-04"]),
    facts=st.sampled_from([{}, {"document_number": "2023-1"}, {"document_number": "2023-2"}]),
)


@given(st.lists(st.tuples(st.sampled_from([a_source(), OTHER]), entries), min_size=1, max_size=5), st.randoms())
def test_the_order_of_memories_never_matters_and_what_is_known_is_seen(items, random):
    documents = [document(source, entry) for source, entry in items]
    memories = [known(one, story) for story, one in enumerate(documents, 1)]
    for one in documents:
        found = place(one, memories)
        assert found == place(one, random.sample(memories, len(memories)))
        assert found.state is State.SEEN
        assert found.because


@given(st.tuples(st.sampled_from([a_source(), OTHER]), entries), entries)
def test_different_numbers_are_never_one_thing(first, second):
    source, entry = first
    earlier = document(source, replace(entry, facts={"document_number": "2023-1"}))
    later = document(a_source(), replace(second, facts={"document_number": "2023-2"}))
    assert state(later, earlier) is State.NEW


# --- real feeds ---------------------------------------------------------------------------------------------------


def escaped(entry: Entry) -> Entry:
    return replace(entry, guid=entry.guid.replace("&", "&amp;"), url=entry.url.replace("&", "&amp;"))


def moved(entry: Entry) -> Entry:
    return replace(entry, guid=MOVE.sub(r"\1moved.example", entry.guid), url=MOVE.sub(r"\1moved.example", entry.url))


MOVE = re.compile(r"(https?://)[^/]+")
CHURN = {
    "https": lambda entry: replace(entry, guid=entry.guid.replace("https:", "http:")),
    "escaped": escaped,
    "rebuilt": lambda entry: replace(entry, guid=f"item-{crc32(entry.guid.encode())}"),
    "moved": moved,
}
REAL = [
    "al-monitor_duplicate-titles_2026-02-17",
    "aljazeera-all_2026-02-18",
    "bbc-world_2026-02-18",
    "cbsnews-world_2026-02-17",
    "dw-world_rdf_2026-02-18",
    "elpais-english_2026-02-18",
    "mercopress_2026-02-18",
    "nyt-world_2026-02-18",
]


def real_entries(name: str) -> list[Entry]:
    path = FEEDS / f"{name}.xml"
    if not path.exists():
        pytest.skip("needs ../shared/data, which is not here")
    items = (element for element in ET.fromstring(path.read_bytes().strip()).iter() if element.tag.endswith("item"))
    return [an_item({child.tag.rpartition("}")[2]: child.text for child in item if child.text}) for item in items]


def an_item(said: dict[str, str]) -> Entry:
    entry = Entry(said.get("guid", ""), said.get("link", ""), said["title"], said.get("description", ""))
    return replace(entry, published=said.get("pubDate") or said.get("date", ""))


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("churn", CHURN)
def test_real_feeds_survive_new_ids_without_a_duplicate_or_a_merge(name, churn):
    listed = real_entries(name)
    seen_at = at(days=900)
    before = clean(a_source(), listed, seen_at)
    memories = {one.id: known(one, story) for story, one in enumerate(before, 1)}
    assert len(memories) == len({entry.url for entry in listed})
    after = clean(a_source(), [CHURN[churn](entry) for entry in listed], seen_at)
    places = [place(one, memories.values()) for one in after]
    assert {found.state for found in places} == {State.SEEN}
    assert [found.known.document_id for found in places] == [known(one).document_id for one in before]
