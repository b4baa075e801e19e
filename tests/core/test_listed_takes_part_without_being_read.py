"""Entries that were read before take part in judging by what is remembered of them, for a day, and without text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.intake import Entry
from bot.core.listed import UNREAD, WHOLE_EVERY, drafted, needs_whole
from bot.core.model import State, Verdict
from tests.builders import NOW, a_source, an_entry

SOURCE = a_source()
LATER = NOW + timedelta(hours=1)


def test_a_list_is_put_together_in_its_order_from_what_was_read_and_what_was_not() -> None:
    first = drafted(SOURCE, [an_entry(1), an_entry(2)], ("a", "b"), None, NOW)
    assert first.listed is not None
    second = drafted(SOURCE, [an_entry(3), an_entry(9)], ("a", "c", "b"), first.listed, LATER)
    whole = drafted(SOURCE, [an_entry(1), an_entry(3), an_entry(2), an_entry(9)], (), None, LATER)
    assert [one.title for one in second.documents] == [one.title for one in whole.documents]
    assert [one.text == UNREAD for one in second.documents] == [True, False, True, False]
    for ours, theirs in zip(second.documents, whole.documents, strict=True):
        same = replace(ours, text=theirs.text, facts=theirs.facts, seen_at=theirs.seen_at)
        assert same == theirs
    assert whole.listed is None
    assert second.listed is not None
    assert (set(second.listed.drafts), second.listed.read_at) == ({"a", "b", "c"}, NOW)


def test_an_entry_that_says_nothing_is_remembered_as_such() -> None:
    first = drafted(SOURCE, [Entry(), an_entry(1)], ("a", "b"), None, NOW)
    second = drafted(SOURCE, [], ("a", "b"), first.listed, LATER)
    assert len(first.documents) == len(second.documents) == 1


@pytest.mark.parametrize(
    ("published", "remembered"),
    [
        ("Thu, 05 Oct 2000 10:30:00 GMT", True),
        ("", True),
        ((NOW + timedelta(days=1)).strftime("%Y-%m-%d"), False),
        ((NOW + timedelta(days=9)).strftime("%Y-%m-%d"), False),
        ((NOW + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ"), False),
        ("tomorrow", False),
    ],
)
def test_a_date_that_time_may_make_another_is_read_again(published: str, *, remembered: bool) -> None:
    entry = an_entry(1, published=published, updated="")
    made = drafted(SOURCE, [entry], ("a",), None, NOW)
    assert made.listed is not None
    assert ("a" in made.listed.drafts) == remembered


def test_a_list_stands_for_a_day_and_for_the_source_as_it_was() -> None:
    listed = drafted(SOURCE, [an_entry(1)], ("a",), None, NOW).listed
    assert listed is not None
    assert listed.holds(SOURCE, NOW)
    assert listed.holds(SOURCE, NOW + WHOLE_EVERY - timedelta(seconds=1))
    assert not listed.holds(SOURCE, NOW + WHOLE_EVERY)
    assert not listed.holds(SOURCE, NOW - timedelta(seconds=1))
    assert not listed.holds(replace(SOURCE, agency="Another"), NOW)


def test_fewer_entries_than_were_to_be_read_are_no_list() -> None:
    with pytest.raises(ValueError, match="2 entries should have been read, and 1 were"):
        drafted(SOURCE, [an_entry(1)], ("a", "b"), None, NOW)


def test_only_what_is_known_can_go_without_its_text() -> None:
    first = drafted(SOURCE, [an_entry(1)], ("a",), None, NOW)
    (read,), (unread,) = first.documents, drafted(SOURCE, [], ("a",), first.listed, LATER).documents
    for state in State:
        assert not needs_whole([Verdict(read, state, "", 1)])
        assert needs_whole([Verdict(unread, state, "", 1)]) == (state is not State.SEEN)


def test_an_entry_with_its_article_is_read_once_more_as_lists_have_it() -> None:
    made = drafted(SOURCE, [an_entry(1), an_entry(2, article="At length.")], ("a", "b"), None, NOW)
    assert made.listed is not None
    assert set(made.listed.drafts) == {"a"}
