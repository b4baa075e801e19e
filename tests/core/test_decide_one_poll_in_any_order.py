"""The pure heart: one poll is judged the same in any order and only once, and only what is new is matched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from bot.core.clean import clean
from bot.core.decide import judge, matched
from bot.core.index import Index
from bot.core.intake import Entry
from bot.core.model import Fingerprint, Past, Reader, State, Verdict, Voice
from bot.core.plan import plan
from tests.builders import NOW, a_chat, a_cursor, a_source, an_entry

LONG = "The Secretary has determined that conditions in the country permit the safe return of its nationals. "


def an_index(*queries: str) -> Index:
    index = Index({})
    for query_id, text in enumerate(queries, 1):
        index.add(query_id, text)
    return index


def verdicts_on(documents, past: Past | None = None, *, baseline=False, index: Index | None = None) -> list[Verdict]:
    return list(judge(documents, past or Past(), index or an_index("removals"), baseline=baseline, now=NOW))


def remembered(past: Past, verdicts: list[Verdict]) -> Past:
    """What a store would answer after it wrote these verdicts."""
    prints = {one.document_id: one for one in past.fingerprints}
    for verdict in verdicts:
        if verdict.state is not State.SEEN:
            one = verdict.document
            prints[one.id] = Fingerprint(one.id, one.source_id, verdict.story, one.number, one.digest, one.keys)
    return Past(tuple(prints.values()), max([past.last_story, *(verdict.story for verdict in verdicts)]))


def entry(number: int = 1, hour: int = 10, **changes) -> Entry:
    day = f"Thu, 05 Oct 2023 {hour:02}:30:00 GMT"
    made = an_entry(number, title=f"Measure number {number} on removals is announced", published=day)
    return replace(made, **changes)


def test_only_new_documents_are_matched_and_each_verdict_says_why():
    first = clean(a_source(), [entry(1), entry(2), entry(3, title="Weather report for the whole coast")], NOW)
    before = verdicts_on(first)
    assert [verdict.state for verdict in before] == [State.NEW] * 3
    assert [len(verdict.matches) for verdict in before] == [1, 1, 0]
    assert before[0].because.startswith("new: nothing that we know")
    assert before[2].because.startswith("new, but no query matches: ")
    assert matched(before) == {1}

    past = remembered(Past(), before)
    again = clean(a_source(), [entry(1), entry(2, summary="Changed"), entry(4)], NOW)
    copy = clean(a_source(2), [entry(1, guid="copy")], NOW)
    after = verdicts_on([*again, *copy], past)
    assert {
        verdict.document.title[:16]: verdict.state for verdict in after if verdict.document.source_id == "source-1"
    } == {
        "Measure number 1": State.SEEN,
        "Measure number 2": State.REVISION,
        "Measure number 4": State.NEW,
    }
    assert [(verdict.state, verdict.story) for verdict in after if verdict.document.source_id == "source-2"] == [
        (State.ADDITION, 1)
    ]
    assert all(bool(verdict.matches) == (verdict.state is State.NEW) for verdict in after)
    assert all(verdict.because for verdict in after)


def test_a_first_poll_is_a_baseline_all_new_and_nothing_matched():
    verdicts = verdicts_on(clean(a_source(), [entry(n) for n in range(500)], NOW), baseline=True)
    assert {verdict.state for verdict in verdicts} == {State.NEW}
    assert matched(verdicts) == frozenset()
    assert {verdict.because for verdict in verdicts} == {"new on the first poll of its source: recorded, not sent"}


def test_stories_are_numbered_in_order_of_publication_after_the_last_one():
    documents = clean(a_source(), [entry(1, 11), entry(2, 9), entry(3, published=""), entry(4, 10)], NOW)
    verdicts = verdicts_on(documents, Past((), 41))
    assert [(verdict.document.title[:16], verdict.story) for verdict in verdicts] == [
        ("Measure number 2", 42),
        ("Measure number 4", 43),
        ("Measure number 1", 44),
        ("Measure number 3", 45),
    ]


def test_two_copies_in_one_poll_are_one_story_and_two_sources_of_it_one_alert():
    twice = clean(a_source(), [entry(1), entry(1)], NOW)
    assert [verdict.state for verdict in verdicts_on(twice)] == [State.NEW, State.SEEN]
    both = [*clean(a_source(), [entry(1)], NOW), *clean(a_source(2), [entry(1)], NOW)]
    assert sorted(verdict.state for verdict in verdicts_on(both)) == ["addition", "new"]
    assert {verdict.story for verdict in verdicts_on(both)} == {1}


def test_two_versions_in_one_list_do_not_take_turns_as_revisions():
    versions = [entry(1), entry(1, summary="The department corrected measure number 1 today.")]
    past = Past()
    for poll in range(3):
        verdicts = verdicts_on(clean(a_source(), versions[:: 1 if poll % 2 else -1], NOW), past)
        assert [verdict.state for verdict in verdicts] == [State.SEEN if poll else State.NEW, State.SEEN]
        past = remembered(past, verdicts)
    assert verdicts[1].because.startswith("another version of it counts: ")


def test_a_revision_takes_the_id_of_what_it_revises_and_keeps_the_keys_by_which_it_was_known():
    past = remembered(Past(), verdicts_on(clean(a_source(), [entry(1)], NOW)))
    (edited,) = verdicts_on(clean(a_source(), [entry(1, title="Measure number 1 is withdrawn")], NOW), past)
    assert edited.state is State.REVISION
    assert edited.document.id == past.fingerprints[0].document_id
    assert set(edited.document.keys) > set(past.fingerprints[0].keys) - {edited.document.keys[0]}
    later = remembered(past, [edited])
    assert len(later.fingerprints) == 1
    (back,) = verdicts_on(clean(a_source(), [entry(1)], NOW), later)
    assert back.state is State.REVISION  # taken back is a change too


def test_an_edit_and_the_old_version_in_one_list_are_judged_the_same_at_every_poll():
    past = remembered(Past(), verdicts_on(clean(a_source(), [entry(1)], NOW)))
    both = clean(a_source(), [entry(1, summary="Changed"), entry(1)], NOW)
    first = verdicts_on(both, past)
    second = verdicts_on(both, remembered(past, first))
    assert [verdict.state for verdict in second] == [State.SEEN, State.SEEN]


def test_an_edit_does_not_count_at_the_next_poll_because_the_original_is_a_copy_of_something_else_too():
    both = partial(an_entry, 0, url="", title="Opinion", published="2023-10-05")
    past = remembered(Past(), verdicts_on(clean(a_source(), [both(guid="", summary="One")], NOW)))
    listed = clean(
        a_source(),
        [
            both(guid="", summary="Two"),
            both(guid="1", summary="One", published=""),
            both(guid="1", summary="One"),
        ],
        NOW,
    )
    assert [verdict.state for verdict in verdicts_on(listed, past)] == [State.SEEN, State.SEEN, State.NEW]
    past = remembered(past, verdicts_on(listed, past))
    assert [verdict.state for verdict in verdicts_on(listed, past)] == [State.SEEN] * 3


def test_of_very_many_documents_with_one_key_the_same_are_compared_in_any_order():
    alike = tuple(Fingerprint(f"d{n}", "source-1", n, "", f"digest {n}", ("title:x",)) for n in range(1, 100))
    document = replace(clean(a_source(), [entry(1)], NOW)[0], keys=("title:x",), digest="digest 99")
    (first,) = verdicts_on([document], Past(alike, 99))
    assert [first] == verdicts_on([document], Past(alike[::-1], 99))


items = st.builds(
    Entry,
    guid=st.sampled_from(["", "1", "2"]),
    url=st.sampled_from(["", "https://a.example/1", "https://a.example/2", "https://b.example/1"]),
    title=st.sampled_from(["Removals to Venezuela will resume", "Opinion", "Another title of five words"]),
    summary=st.sampled_from(["", "short", LONG * 2, LONG * 15]),
    published=st.sampled_from(["", "2023-10-05", "Thu, 05 Oct 2023 10:00:00 GMT"]),
    facts=st.sampled_from([{}, {"document_number": "2023-1"}, {"document_number": "2023-2"}]),
)
polls = st.tuples(st.sampled_from([a_source(1), a_source(2)]), st.lists(items, max_size=5))


@given(st.lists(polls, min_size=1, max_size=3), st.randoms())
def test_polls_are_judged_the_same_in_any_order_of_items_and_memories_and_never_twice(listed, random):
    past = Past()
    for source, entries in listed:
        documents = clean(source, entries, NOW)
        verdicts = verdicts_on(documents, past)
        assert verdicts == verdicts_on(
            random.sample(documents, len(documents)),
            replace(past, fingerprints=tuple(random.sample(past.fingerprints, len(past.fingerprints)))),
        )
        past = remembered(past, verdicts)
        again = verdicts_on(documents, past)
        assert {verdict.state for verdict in again} <= {State.SEEN}
        told = [(one.story, two.story) for one, two in zip(verdicts, again, strict=True) if one.state is not State.SEEN]
        assert all(first == second for first, second in told)


@given(st.lists(polls, min_size=1, max_size=3))
def test_stories_get_one_new_document_each_and_deliveries_follow_publication(listed):
    past, new = Past(), []
    for source, entries in listed:
        verdicts = verdicts_on(clean(source, entries, NOW), past)
        new += [verdict for verdict in verdicts if verdict.state is State.NEW]
        past = remembered(past, verdicts)
        changes = plan(a_cursor(), verdicts, [Reader(a_chat(), Voice(), 1, "Removals")], NOW)
        claimed = [delivery.alert.story.lead.claimed_at or NOW for delivery in changes.deliveries]
        assert claimed == sorted(claimed)
    assert [verdict.story for verdict in new] == list(range(1, len(new) + 1))
