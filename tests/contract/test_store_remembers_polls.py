from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.intake import Cursor, Doubt, Section, Standing, WatchedPage
from bot.core.model import Changes, Chat, DeliveryState, Past, State, Verdict, Voice
from bot.core.outcome import Later
from bot.core.retention import Ages, cutoffs
from bot.errors import StoreError
from bot.ports import Store
from tests.builders import (
    NOW,
    a_chat,
    a_cursor,
    a_delivery,
    a_document,
    a_source,
    a_story,
    a_verdict,
    an_alert,
    at,
    some_changes,
)
from tests.storing import claim_one, follow, publish


async def test_registered_sources_have_a_cursor_and_are_due_at_once(store: Store) -> None:
    await store.register((a_source(2), a_source(1)))
    assert await store.cursors() == (Cursor("source-1"), Cursor("source-2"))
    assert {cursor.source_id for cursor in await store.due(NOW)} == {"source-1", "source-2"}


async def test_a_cursor_comes_back_as_it_was_committed(store: Store) -> None:
    await store.register((a_source(1),))
    cursor = a_cursor(
        1,
        validator_url="https://newsroom-1.example/moved.xml",
        etag='W/"caf\udce9 \udcff"',
        last_modified="Thu, 05 Oct 2023 11:30:00 GMT",
        body_hash="0f",
        next_poll_at=at(minutes=15),
        failures=3,
        last_error="it answered 500",
        last_success_at=at(hours=-1),
        last_new_at=at(hours=-2),
    )
    await store.commit((some_changes(cursor=cursor),))
    assert await store.cursors() == (cursor,)


async def test_due_are_those_whose_time_has_come_the_longest_waiting_first(store: Store) -> None:
    await store.register([a_source(number) for number in range(1, 5)])
    times = {1: at(seconds=-10), 2: at(seconds=1), 3: at(seconds=-20)}
    await store.commit([some_changes(cursor=a_cursor(number, next_poll_at=when)) for number, when in times.items()])
    assert [cursor.source_id for cursor in await store.due(NOW)] == ["source-4", "source-3", "source-1"]
    assert [cursor.source_id for cursor in await store.due(at(seconds=1))][-1] == "source-2"


async def test_a_source_that_left_the_configuration_is_dormant_and_keeps_its_history(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    cursor = a_cursor(1, etag='"kept"')
    await store.commit((replace(some_changes(a_story(1)), cursor=cursor),))
    await store.register((a_source(2),))
    assert [cursor.source_id for cursor in await store.cursors()] == ["source-2"]
    assert [cursor.source_id for cursor in await store.due(at(days=9))] == ["source-2"]
    assert await store.story(1) == a_story(1)
    await store.register((a_source(1), a_source(2)))
    assert (await store.cursors())[0] == cursor


async def test_a_poll_of_a_source_nobody_registered_is_kept_and_never_due(store: Store) -> None:
    await store.commit((some_changes(a_story(1)),))
    assert await store.due(at(days=9)) == ()
    assert await store.story(1) == a_story(1)


async def test_the_past_is_found_by_any_key_and_says_the_highest_story_number(store: Store) -> None:
    first, second = a_document(1), a_document(2, seen_at=at(seconds=1))
    await store.commit((some_changes(a_story(7, first), a_story(8, second)),))
    for key in first.keys:
        past = await store.past((key, "url:unknown"))
        assert [fingerprint.document_id for fingerprint in past.fingerprints] == [first.id]
        assert past.last_story == 8
    both = await store.past({*first.keys, *second.keys})
    assert [fingerprint.story for fingerprint in both.fingerprints] == [7, 8]
    assert both.fingerprints[0].keys == first.keys
    assert both.fingerprints[0].digest == first.digest
    assert await store.past(()) == Past((), 8)


async def test_an_empty_store_has_no_past(store: Store) -> None:
    assert await store.past(("url:x",)) == Past()
    assert await store.stories(5) == ()
    assert await store.story(1) is None
    assert await store.story_with_key("url:x") is None
    assert await store.delivery("x") is None


async def test_an_addition_joins_its_story_and_brings_its_keys(store: Store) -> None:
    await store.commit((some_changes(a_story(1)),))
    copy = a_document(1, source=2, keys=("url:copy", "text:same"))
    verdict = a_verdict(copy, 1, state=State.ADDITION, because="same text as #1")
    await store.commit((replace(some_changes(), verdicts=(verdict,)),))
    (fingerprint,) = (await store.past(("text:same",))).fingerprints
    assert (fingerprint.document_id, fingerprint.story) == (copy.id, 1)
    assert await store.story(1) == a_story(1)
    assert await store.story_with_key("url:copy") == a_story(1)
    assert await store.decisions(1) == ("nothing like it was seen before", "same text as #1")


async def test_a_revision_is_remembered_and_alerts_go_on_quoting_the_first_version(store: Store) -> None:
    await follow(store, a_chat())
    document = a_document(1)
    (row,) = await publish(store, a_story(1, document))
    changed = a_document(1, title="Department corrects measure number 1", keys=(*document.keys, "text:new"))
    verdict = a_verdict(changed, 1, state=State.REVISION, because="its title changed")
    await store.commit((replace(some_changes(), verdicts=(verdict,)),))
    (fingerprint,) = (await store.past(("text:new",))).fingerprints
    assert (fingerprint.document_id, fingerprint.digest) == (document.id, changed.digest)
    kept = await store.delivery(row.id)
    assert kept is not None
    assert kept.alert.story.lead.title == document.title
    assert kept.alert.story.lead.digest == document.digest
    assert await store.decisions(1) == ("nothing like it was seen before", "its title changed")


async def test_a_change_and_its_return_are_both_noticed_by_the_next_poll(store: Store) -> None:
    first = a_document(1)
    second = a_document(1, title="Other words")
    await store.commit((some_changes(a_story(1, first)),))
    for version in (second, first, second):
        verdict = a_verdict(version, 1, state=State.REVISION, because="changed")
        await store.commit((replace(some_changes(), verdicts=(verdict,)),))
        (fingerprint,) = (await store.past(first.keys)).fingerprints
        assert fingerprint.digest == version.digest


async def test_committing_twice_changes_nothing(store: Store) -> None:
    await follow(store, a_chat())
    row = a_delivery(an_alert(a_story(1)))
    changes = some_changes(a_story(1), deliveries=[row])
    await store.commit((changes,))
    before = await store.delivery(row.id)
    await store.commit((changes, changes))
    assert await store.delivery(row.id) == before
    assert len(await store.decisions(1)) == 1
    assert (await store.census()).documents == 1


async def test_polls_committed_together_are_written_together_or_not_at_all(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    await store.commit((some_changes(a_story(1)),))
    taken = some_changes(a_story(1, a_document(9)), cursor=a_cursor(2, etag='"2"'))
    with pytest.raises(StoreError):
        await store.commit((some_changes(a_story(2), cursor=a_cursor(1, etag='"new"')), taken))
    assert await store.story(2) is None
    assert [cursor.etag for cursor in await store.cursors()] == ['"v1"', ""]
    await store.commit((some_changes(a_story(2)),))
    assert await store.story(2) == a_story(2)


async def test_a_delivery_of_an_unknown_story_is_refused_with_its_poll(store: Store) -> None:
    await follow(store, a_chat())
    with pytest.raises(StoreError):
        await store.commit((some_changes(deliveries=[a_delivery(an_alert(a_story(1)))]),))
    assert (await store.census()).oldest_pending_at is None


async def test_the_newest_stories_come_first(store: Store) -> None:
    await store.commit((some_changes(*(a_story(number) for number in range(1, 6))),))
    assert [story.number for story in await store.stories(3)] == [5, 4, 3]
    assert (await store.stories(1))[0] == a_story(5)


async def test_of_stories_with_one_key_the_newest_is_found(store: Store) -> None:
    shared = "url:https://newsroom-1.example/live"
    leads = [a_document(number, keys=(shared, f"guid:{number}")) for number in (1, 2)]
    await store.commit((some_changes(a_story(1, leads[0]), a_story(2, leads[1])),))
    found = await store.story_with_key(shared)
    assert found is not None
    assert found.number == 2


async def test_everything_of_a_document_comes_back(store: Store) -> None:
    document = a_document(
        1,
        title="Designación de “Venezuela” 🇻🇪\n",
        text="a\n\nb\x01c",
        number="2023-21777",
        claimed_at=None,
        date_note="the feed says 1926",
        facts={"type": "rule", "dates": "«effective»"},
    )
    await store.commit((some_changes(a_story(1, document)),))
    assert await store.story(1) == a_story(1, document)


@pytest.mark.parametrize("bad", ["\ud83d", "\0", "a\0b"])
async def test_what_is_no_text_harms_nobody(store: Store, bad: str) -> None:
    chat = Chat("telegram", bad, bad, bad)
    await store.follow(chat, Voice(bad, bad), f"word {bad}", bad, NOW)
    document = a_document(1, id=f"id {bad}", title=bad, text=bad, keys=(f"url:{bad}",), facts={bad: bad})
    (planned,) = await publish(store, a_story(1, document))
    row = await claim_one(store)
    assert row.id == planned.id
    assert await store.settle(row, Later(NOW, bad), NOW) is DeliveryState.PENDING
    assert len((await store.past(document.keys)).fingerprints) == 1
    assert await store.story_with_key(f"url:{bad}") is not None
    assert len(await store.unfollow(chat, f"word {bad}", NOW)) == 1


async def test_the_earliest_claim_is_that_of_the_source_itself(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    assert await store.earliest_claim("source-1") is None
    days = (NOW - timedelta(days=3), NOW - timedelta(days=40), None)
    documents = [a_document(number, claimed_at=day) for number, day in enumerate(days, 1)]
    documents.append(a_document(9, source=2, claimed_at=NOW - timedelta(days=80)))
    verdicts = tuple(Verdict(one, State.NEW, "new", number) for number, one in enumerate(documents, 1))
    await store.commit((Changes(a_cursor(1), verdicts),))
    assert await store.earliest_claim("source-1") == NOW - timedelta(days=40)


async def test_the_document_with_which_a_story_began_leads_it(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    first, copy = a_document(1), a_document(1, source=2, keys=("url:x",))
    verdicts = (Verdict(first, State.NEW, "new", 1), Verdict(copy, State.ADDITION, "a copy", 1))
    await store.commit((Changes(a_cursor(1), verdicts),))
    past = await store.past({"url:x", *first.keys})
    assert {one.document_id: one.leads for one in past.fingerprints} == {first.id: True, copy.id: False}


@pytest.mark.parametrize("standing", Standing)
async def test_a_story_is_untold_until_somebody_is_told_or_an_official_source_has_it(
    store: Store, standing: Standing
) -> None:
    await store.register((a_source(1), a_source(2)))
    first = a_document(1, standing=Standing.NEWS)
    await store.commit((Changes(a_cursor(1), (Verdict(first, State.NEW, "recorded", 1),)),))
    assert [one.untold for one in (await store.past(first.keys)).fingerprints] == [first.id]
    copy = a_document(1, source=2, keys=("url:x",), standing=standing)
    await store.commit((Changes(a_cursor(2), (Verdict(copy, State.ADDITION, "a copy", 1),)),))
    left = "" if standing is Standing.OFFICIAL else first.id
    past = await store.past({"url:x", *first.keys})
    assert [one.untold for one in past.fingerprints] == [left, left]


async def test_a_story_that_somebody_was_told_of_is_untold_no_more(store: Store) -> None:
    await follow(store, a_chat(1))
    first = a_document(1, standing=Standing.NEWS)
    await publish(store, a_story(1, first))
    assert [one.untold for one in (await store.past(first.keys)).fingerprints] == [""]


async def test_times_of_other_zones_are_the_same_moments(store: Store) -> None:
    await store.register((a_source(1),))
    eastern = NOW.astimezone(tz=ZoneInfo("America/New_York"))
    await store.commit((some_changes(cursor=a_cursor(1, next_poll_at=eastern + timedelta(seconds=1))),))
    assert await store.due(NOW) == ()
    assert len(await store.due(at(seconds=1))) == 1


async def test_a_clock_that_is_set_back_delays_no_poll_and_one_that_is_set_ahead_makes_all_due(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    await store.commit((Changes(a_cursor(1, next_poll_at=at(minutes=15))), Changes(a_cursor(2))))
    back = -timedelta(days=1)
    await store.clock_was_set(back, NOW + back, NOW + back)
    first, second = await store.cursors()
    assert (first.next_poll_at, second.next_poll_at) == (at(minutes=15) + back, None)
    await store.clock_was_set(timedelta(days=3650), NOW, at(days=3650))
    assert {cursor.source_id for cursor in await store.due(at(days=3650))} == {"source-1", "source-2"}
    assert (await store.cursors())[0] == first


async def test_at_start_no_source_waits_for_a_time_that_a_clock_showed_by_mistake(store: Store) -> None:
    await store.register((a_source(1), a_source(2)))
    await store.commit(
        (Changes(a_cursor(1, next_poll_at=at(days=3650))), Changes(a_cursor(2, next_poll_at=at(minutes=15))))
    )
    await store.pull_back(NOW, timedelta(days=2))
    assert [cursor.next_poll_at for cursor in await store.cursors()] == [at(days=2), at(minutes=15)]


PAGE = WatchedPage(
    "source-1",
    "asked so",
    (
        Section("Page › Part", "Part", "What it says\n\nand “more”.", "https://a.example/#part", 1),
        Section("b", "B", "c"),
    ),
    "2023-10-01",
    3,
    {"version": at(hours=-5)},
    Doubt("another", at(hours=-1), 2),
)


async def test_a_watched_page_comes_back_as_it_was_committed_and_the_last_word_counts(store: Store) -> None:
    await store.register((a_source(1),))
    assert await store.page("source-1") is None
    await store.commit((Changes(a_cursor(1), page=PAGE),))
    assert await store.page("source-1") == PAGE
    await store.commit((Changes(a_cursor(1, failures=1)),))
    assert await store.page("source-1") == PAGE
    later = replace(PAGE, sections=(), told={}, doubt=None)
    await store.commit((Changes(a_cursor(1), page=later),))
    assert await store.page("source-1") == later
    assert await store.page("source-2") is None


async def test_a_watched_page_goes_when_its_source_has_been_out_of_use_for_long(store: Store) -> None:
    await store.register((a_source(1),))
    await store.commit((Changes(a_cursor(1, last_success_at=NOW), page=PAGE),))
    for age, registered, is_kept in ((90, 1, True), (30, 2, True), (90, 2, False)):
        await store.register((a_source(registered),))
        await store.prune(cutoffs(at(days=age), Ages()), 100)
        assert (await store.page("source-1") == PAGE) is is_kept
