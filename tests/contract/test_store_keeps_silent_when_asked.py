"""Pauses and mutes: what is held back, until when, and that all of it is counted."""

from __future__ import annotations

import pytest

from bot.core.model import DeliveryState, Mute, Preferences, Reason, Voice
from bot.core.outcome import Later, Moved, Outcome, Sent, Unsure
from bot.ports import Store
from bot.store.rules import MUTED
from tests.builders import NOW, a_chat, a_delivery, a_story, an_alert, at, some_changes
from tests.storing import addressed, claim, claim_one, follow, publish, state_of

ANA, BEN = a_chat(1), a_chat(2)


async def test_a_pause_cancels_what_waits_at_once_and_in_this_chat_alone(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await publish(store, a_story(1))
    await publish(store, a_story(2))
    assert await store.mute(ANA, None, None, NOW)
    assert {row.chat for row in await claim(store)} == {BEN}
    missed = await store.missed(ANA, NOW, 9)
    assert [row.alert.story.number for row in missed.rows] == [2, 1]
    assert {(row.state, row.last_error) for row in missed.rows} == {(DeliveryState.CANCELLED, MUTED)}
    assert (await store.missed(BEN, NOW, 9)).total == 0


async def test_what_matches_during_a_pause_is_kept_as_missed_and_never_sent_by_itself(store: Store) -> None:
    await follow(store, ANA)
    await store.mute(ANA, None, None, NOW)
    for number in (1, 2, 3):
        await publish(store, a_story(number), due_at=at(minutes=number))
    assert await claim(store, at(hours=1)) == ()
    assert await store.unmute(ANA, None, at(hours=1)) == Mute(NOW)
    assert await claim(store, at(hours=1)) == ()
    missed = await store.missed(ANA, NOW, 2)
    assert (missed.total, [row.alert.story.number for row in missed.rows]) == (3, [3, 2])
    assert (await store.missed(ANA, at(minutes=2), 9)).total == 2
    (after,) = await publish(store, a_story(4), due_at=at(hours=2))
    assert (await claim_one(store, at(hours=2))).id == after.id


async def test_a_mute_ends_at_its_moment_by_itself(store: Store) -> None:
    await follow(store, ANA)
    await store.mute(ANA, None, at(hours=8), NOW)
    (held,) = await publish(store, a_story(1), due_at=at(hours=7.9))
    (told,) = await publish(store, a_story(2), due_at=at(hours=8))
    assert await state_of(store, held) == DeliveryState.CANCELLED
    assert await claim(store, at(hours=7.9)) == ()
    assert (await claim_one(store, at(hours=8))).id == told.id
    assert await store.unmute(ANA, None, at(hours=8)) is None


async def test_what_is_under_way_at_a_pause_may_arrive(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    row = await claim_one(store)
    await store.mute(ANA, None, None, NOW)
    assert await store.settle(row, Sent("r", NOW), NOW) is DeliveryState.SENT
    assert (await store.missed(ANA, NOW, 9)).total == 0


@pytest.mark.parametrize("outcome", [Later(at(hours=1), "slow down"), Unsure(at(hours=1), "no answer")])
@pytest.mark.parametrize("query", [None, "topic:tps"])
async def test_what_is_under_way_at_a_pause_is_not_repeated(store: Store, outcome: Outcome, query: str | None) -> None:
    await follow(store, ANA)
    await follow(store, ANA, "topic:asylum")
    await publish(store, a_story(1), "topic:tps")
    row = await claim_one(store)
    await store.mute(ANA, query, None, NOW)
    assert await store.settle(row, outcome, NOW) is DeliveryState.CANCELLED
    assert [one.id for one in (await store.missed(ANA, NOW, 9)).rows] == [row.id]
    await store.unmute(ANA, query, NOW)
    (other,) = await publish(store, a_story(2))
    assert await claim(store, at(minutes=59)) == ()  # the platform's wish holds, whatever became of the row
    assert (await claim_one(store, at(hours=1))).id == other.id


async def test_a_muted_subscription_holds_back_what_nothing_else_asked_for(store: Store) -> None:
    await follow(store, ANA, "topic:tps")
    await follow(store, ANA, "topic:asylum")
    (waiting,) = await publish(store, a_story(1), "topic:tps")
    assert await store.mute(ANA, "topic:tps", at(days=1), NOW)
    assert await state_of(store, waiting) == DeliveryState.CANCELLED
    (alone,) = await publish(store, a_story(2), "topic:tps")
    (both,) = await publish(store, a_story(3))
    assert await state_of(store, alone) == DeliveryState.CANCELLED
    claimed = await claim_one(store)
    assert (claimed.id, len(claimed.alert.why)) == (both.id, 2)
    await store.settle(claimed, Sent("r", NOW), NOW)
    await store.mute(ANA, "topic:asylum", None, NOW)
    assert await state_of(store, (await publish(store, a_story(4)))[0]) == DeliveryState.CANCELLED
    assert (await store.missed(ANA, NOW, 9)).total == 3
    (later,) = await publish(store, a_story(5), "topic:tps", due_at=at(days=1))
    assert (await claim_one(store, at(days=1))).id == later.id


async def test_the_silence_of_one_chat_is_no_other_chats(store: Store) -> None:
    for chat in (ANA, BEN):
        await follow(store, chat)
    await store.mute(ANA, "topic:tps", None, NOW)
    await publish(store, a_story(1))
    assert [row.chat for row in await claim(store)] == [BEN]


async def test_a_mute_shows_in_the_list_and_in_the_preferences(store: Store) -> None:
    assert await store.preferences(ANA) is None
    voice = Voice("en", "America/Chicago")
    await store.follow(ANA, voice, "topic:tps", "TPS", NOW)
    assert await store.preferences(ANA) == Preferences(voice)
    await store.mute(ANA, None, at(hours=1), NOW)
    await store.mute(ANA, "topic:tps", None, NOW)
    assert await store.preferences(ANA) == Preferences(voice, Mute(NOW, at(hours=1)))
    assert [line.mute for line in await store.subscriptions(ANA)] == [Mute(NOW)]
    assert await store.unmute(ANA, "topic:tps", at(1)) == Mute(NOW)
    assert await store.unmute(ANA, "topic:tps", at(1)) is None
    assert [line.mute for line in await store.subscriptions(ANA)] == [None]


async def test_a_second_mute_changes_the_end_and_keeps_the_beginning(store: Store) -> None:
    await follow(store, ANA)
    for query in (None, "topic:tps"):
        await store.mute(ANA, query, at(hours=1), NOW)
        await store.mute(ANA, query, None, at(minutes=30))
        assert await store.unmute(ANA, query, at(hours=9)) == Mute(NOW)
        await store.mute(ANA, query, at(hours=10), at(hours=9))
        await store.mute(ANA, query, at(hours=12), at(hours=11))  # the first had ended
        assert await store.unmute(ANA, query, at(hours=11.5)) == Mute(at(hours=11), at(hours=12))


async def test_nothing_can_be_muted_that_is_not_there(store: Store) -> None:
    assert not await store.mute(ANA, None, None, NOW)
    assert await store.unmute(ANA, None, NOW) is None
    assert (await store.missed(ANA, NOW, 9)).rows == ()
    await follow(store, ANA)
    assert not await store.mute(ANA, "topic:asylum", None, NOW)
    assert not await store.mute(BEN, "topic:tps", None, NOW)
    assert await store.unmute(ANA, "topic:asylum", NOW) is None


async def test_what_an_operator_puts_back_waits_until_the_pause_ends(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    await store.mute(ANA, None, at(hours=1), NOW)
    assert await store.retry(row.id, NOW)
    assert await claim(store, at(minutes=59)) == ()
    assert (await store.missed(ANA, NOW, 9)).total == 0
    assert (await claim_one(store, at(hours=1))).id == row.id


async def test_a_poll_under_way_while_somebody_pauses_does_not_write_to_them(store: Store) -> None:
    await follow(store, ANA)
    planned = await addressed(store, a_story(1), due_at=at(1))
    await store.mute(ANA, None, None, NOW)
    await store.commit((some_changes(a_story(1), deliveries=planned),))
    assert await claim(store, at(hours=1)) == ()
    assert (await store.missed(ANA, NOW, 9)).total == 1


async def test_committing_twice_misses_once(store: Store) -> None:
    await follow(store, ANA)
    await store.mute(ANA, None, None, NOW)
    planned = await addressed(store, a_story(1))
    for _ in range(2):
        await store.commit((some_changes(a_story(1), deliveries=planned),))
    assert (await store.missed(ANA, NOW, 9)).total == 1
    assert len(await store.outbox(list(DeliveryState), 9)) == 1


async def test_a_pause_moves_along_and_a_merged_chat_is_silent_for_as_long_as_either(store: Store) -> None:
    await follow(store, ANA)
    await store.mute(ANA, None, at(hours=2), NOW)
    await store.move(ANA, BEN, NOW)
    assert await store.preferences(BEN) == Preferences(Voice(), Mute(NOW, at(hours=2)))
    other = a_chat(3)
    await follow(store, other)
    await store.mute(other, None, at(hours=1), at(minutes=-1))
    await store.move(other, BEN, NOW)
    assert await store.preferences(other) == Preferences(Voice(), Mute(at(minutes=-1), at(hours=2)))
    last = a_chat(4)
    await follow(store, last)
    await store.mute(last, None, None, at(1))
    await store.move(BEN, last, NOW)
    assert await store.preferences(ANA) == Preferences(Voice(), Mute(at(minutes=-1)))
    unmuted = a_chat(5)
    await follow(store, unmuted)
    await store.move(last, unmuted, NOW)
    assert await store.preferences(unmuted) == Preferences(Voice(), Mute(at(minutes=-1)))


async def test_a_chat_that_chooses_a_voice_is_spoken_to_so(store: Store) -> None:
    pacific = Voice("en", "America/Los_Angeles")
    await store.set_voice(ANA, pacific, NOW)
    assert await store.preferences(ANA) == Preferences(pacific)
    await follow(store, ANA)  # keeps the voice it chose
    await publish(store, a_story(1))
    assert (await claim_one(store)).alert.voice == pacific
    await store.set_voice(ANA, Voice(), NOW)
    (row,) = await store.outbox(list(DeliveryState), 9)
    assert row.alert.voice == Voice()
    assert await store.preferences(BEN) is None


async def test_forgetting_forgets_a_pause_and_a_voice(store: Store) -> None:
    await store.set_voice(ANA, Voice("en", "UTC"), NOW)
    await follow(store, ANA)
    await store.mute(ANA, None, None, NOW)
    await publish(store, a_story(1))
    await store.forget(ANA)
    assert await store.preferences(ANA) is None
    assert (await store.missed(ANA, NOW, 9)).total == 0
    await follow(store, ANA)
    assert await store.preferences(ANA) == Preferences(Voice())


async def test_a_pause_silences_every_alert_and_a_muted_subscription_no_test(store: Store) -> None:
    await follow(store, ANA)
    await store.mute(ANA, "topic:tps", None, NOW)
    test = a_delivery(an_alert(a_story(1), ANA, reason=Reason.TEST, why=()), id="a test")
    await store.commit((some_changes(a_story(1), deliveries=(test,)),))
    assert (await claim_one(store)).id == test.id


async def test_a_topics_pause_ends_with_the_topic_and_does_not_silence_its_group(store: Store) -> None:
    group, topic = a_chat(1), a_chat(1, thread="7")
    await follow(store, group)
    await follow(store, topic, "topic:asylum")
    await store.mute(topic, None, None, NOW)
    await store.move(topic, group, NOW)
    assert await store.preferences(group) == await store.preferences(topic) == Preferences(Voice())
    await publish(store, a_story(1), "topic:asylum")
    assert (await claim_one(store)).chat == group


@pytest.mark.parametrize("query", [None, "topic:asylum"])
@pytest.mark.parametrize("under_way", [False, True])
async def test_what_moves_to_a_chat_that_wants_silence_is_missed_there(
    store: Store, query: str | None, under_way: bool
) -> None:
    group, topic = a_chat(1), a_chat(1, thread="7")
    await follow(store, group)
    await follow(store, topic, "topic:asylum")
    await follow(store, group, "topic:asylum")
    await store.unfollow(group, "topic:tps", NOW)
    await store.mute(group, query, None, NOW)
    rows = await publish(store, a_story(1), "topic:asylum")
    (row,) = await claim(store) if under_way else [row for row in rows if row.chat == topic]
    if under_way:
        assert await store.settle(row, Moved(group), at(1)) is DeliveryState.CANCELLED
    else:
        await store.move(topic, group, at(1))
    assert [one.alert.story.number for one in (await store.missed(group, at(1), 9)).rows] == [1]
    await store.unmute(group, query, at(2))
    assert await claim(store, at(2)) == ()


async def test_what_waits_for_a_chat_that_takes_over_a_pause_is_missed(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await store.mute(ANA, None, at(hours=1), NOW)
    await publish(store, a_story(1))
    await store.move(ANA, BEN, at(1))
    assert await claim(store, at(hours=1)) == ()
    assert (await store.missed(BEN, at(1), 9)).total == 1


async def test_threads_of_one_group_are_paused_each_for_itself(store: Store) -> None:
    group, topic = a_chat(1), a_chat(1, thread="7")
    for chat in (group, topic):
        await follow(store, chat)
    await store.mute(topic, None, None, NOW)
    await publish(store, a_story(1))
    assert [row.chat for row in await claim(store)] == [group]
    assert (await store.missed(topic, NOW, 9)).total == 1
    assert (await store.missed(group, NOW, 9)).total == 0
