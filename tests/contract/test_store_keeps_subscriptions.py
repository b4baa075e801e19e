from __future__ import annotations

from bot.core.model import DeliveryState, Reader, Reason, Retried, StoredQuery, Voice, Why
from bot.core.outcome import Gone, Later, Sent
from bot.ports import QueryLog, Store
from tests.builders import NOW, a_chat, a_delivery, a_story, an_alert, at, some_changes
from tests.storing import addressed, claim, claim_one, follow, publish, query_ids, state_of

ANA, BEN = a_chat(1), a_chat(2)


async def test_following_adds_a_line_once(store: Store) -> None:
    assert await store.follow(ANA, Voice(), "topic:tps AND venezuela", "TPS, Venezuela", NOW)
    assert not await store.follow(ANA, Voice(), "topic:tps AND venezuela", "another label", NOW)
    (line,) = await store.subscriptions(ANA)
    assert (line.query, line.label) == ("topic:tps AND venezuela", "TPS, Venezuela")
    assert await store.subscriptions(BEN) == ()


async def test_equal_queries_of_many_chats_are_stored_once(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    await follow(store, BEN, "topic:asylum")
    assert [query.text for query in (await store.queries_since(0)).added] == ["topic:tps", "topic:asylum"]


async def test_subscribers_of_a_query_are_told_with_their_voice_and_label(store: Store) -> None:
    voice = Voice("es", "America/Los_Angeles")
    await store.follow(ANA, voice, "topic:tps", "TPS", NOW)
    await follow(store, BEN, "topic:asylum")
    await follow(store, ANA, "topic:asylum")
    ids = await query_ids(store)
    assert await store.subscribers([ids["topic:tps"]]) == (Reader(ANA, voice, ids["topic:tps"], "TPS"),)
    both = await store.subscribers(set(ids.values()))
    assert [(reader.chat, reader.query_id) for reader in both] == [
        (ANA, ids["topic:tps"]),
        (BEN, ids["topic:asylum"]),
        (ANA, ids["topic:asylum"]),
    ]
    assert await store.subscribers([]) == ()
    assert await store.subscribers([999]) == ()


async def test_a_known_chat_keeps_its_voice(store: Store) -> None:
    await store.follow(ANA, Voice("es", "UTC"), "topic:tps", "TPS", NOW)
    await store.follow(ANA, Voice("en", "UTC"), "topic:asylum", "Asylum", NOW)
    assert {reader.voice.language for reader in await store.subscribers((await query_ids(store)).values())} == {"es"}


async def test_the_log_of_queries_tells_what_came_and_went(store: Store) -> None:
    assert await store.queries_since(0) == QueryLog(0, (), ())
    await follow(store, ANA)
    first = await store.queries_since(0)
    ids = await query_ids(store)
    assert first.added == (StoredQuery(ids["topic:tps"], "topic:tps"),)
    await follow(store, BEN)
    assert (await store.queries_since(first.version)) == QueryLog(first.version, (), ())
    await follow(store, BEN, "topic:asylum")
    await store.unfollow(ANA, "topic:tps", NOW)
    then = await store.queries_since(first.version)
    assert [query.text for query in then.added] == ["topic:asylum"]
    assert then.removed == ()
    await store.unfollow(BEN, None, NOW)
    last = await store.queries_since(then.version)
    assert (last.added, set(last.removed)) == ((), {query.id for query in (*first.added, *then.added)})
    assert last.version > then.version > first.version
    assert (await store.queries_since(last.version)) == QueryLog(last.version, (), ())
    assert (await store.queries_since(0)) == QueryLog(last.version, (), ())


async def test_a_query_that_came_and_went_unseen_is_not_mentioned(store: Store) -> None:
    await follow(store, ANA)
    before = (await store.queries_since(0)).version
    await follow(store, ANA, "topic:asylum")
    await store.unfollow(ANA, "topic:asylum", NOW)
    log = await store.queries_since(before)
    assert (log.added, log.removed) == ((), ())


async def test_the_id_of_a_dropped_query_is_never_given_again(store: Store) -> None:
    await follow(store, ANA)
    (dropped,) = await store.unfollow(ANA, None, NOW)
    await follow(store, ANA, "topic:asylum")
    await follow(store, ANA)
    assert dropped.query_id not in (await query_ids(store)).values()


async def test_unfollowing_says_what_was_dropped(store: Store) -> None:
    for query in ("topic:tps", "topic:asylum", "topic:daca"):
        await follow(store, ANA, query)
    lines = await store.subscriptions(ANA)
    assert await store.unfollow(ANA, "topic:asylum", NOW) == (lines[1],)
    assert await store.unfollow(ANA, "topic:asylum", NOW) == ()
    assert await store.unfollow(ANA, None, NOW) == (lines[0], lines[2])
    assert await store.unfollow(BEN, None, NOW) == ()


async def test_unfollowing_stops_what_waits_for_no_other_reason(store: Store) -> None:
    await follow(store, ANA, "topic:tps")
    await follow(store, ANA, "topic:asylum")
    (both,) = await publish(store, a_story(1))
    (one,) = await publish(store, a_story(2), "topic:tps")
    assert len(both.alert.why) == 2
    await store.unfollow(ANA, "topic:tps", NOW)
    assert await state_of(store, one) == DeliveryState.CANCELLED
    kept = await store.delivery(both.id)
    assert kept is not None
    assert [why.label for why in kept.alert.why] == ["ASYLUM"]
    await store.unfollow(ANA, "topic:asylum", NOW)
    assert await state_of(store, both) == DeliveryState.CANCELLED
    assert await claim(store) == ()


async def test_unfollowing_stops_the_repeat_of_what_is_under_way(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    await publish(store, a_story(2))
    claimed = await claim_one(store)
    await store.unfollow(ANA, None, NOW)
    assert await store.settle(claimed, Later(NOW, "slow down"), NOW) is DeliveryState.CANCELLED
    assert await claim(store) == ()


async def test_what_is_under_way_while_unfollowing_may_still_arrive(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    claimed = await claim_one(store)
    await store.unfollow(ANA, None, NOW)
    assert await store.settle(claimed, Sent("r", NOW), NOW) is DeliveryState.SENT


async def test_unfollowing_leaves_the_past_and_other_chats_alone(store: Store) -> None:
    await follow(store, ANA)
    await follow(store, BEN)
    sent, other = await publish(store, a_story(1))
    await store.settle((await claim(store, limit=1))[0], Sent("r", NOW), NOW)
    await store.unfollow(ANA, None, NOW)
    assert await state_of(store, sent) == DeliveryState.SENT
    assert await state_of(store, other) == DeliveryState.PENDING


async def test_a_poll_under_way_while_somebody_unfollows_does_not_write_to_them(store: Store) -> None:
    await follow(store, ANA, "topic:tps")
    await follow(store, ANA, "topic:asylum")
    await follow(store, BEN, "topic:tps")
    planned = await addressed(store, a_story(1))
    await store.unfollow(ANA, "topic:tps", NOW)
    await store.unfollow(BEN, None, NOW)
    await store.commit((some_changes(a_story(1), deliveries=planned),))
    (row,) = await store.outbox(list(DeliveryState), 9)
    assert (row.chat, [why.label for why in row.alert.why]) == (ANA, ["ASYLUM"])


async def test_a_test_message_needs_no_subscription_but_a_chat_that_is_known(store: Store) -> None:
    await follow(store, ANA)
    await store.unfollow(ANA, None, NOW)
    rows = [
        a_delivery(an_alert(a_story(1), chat, reason=Reason.TEST, why=()), id=f"test {number} {chat}")
        for chat in (ANA, BEN)
        for number in (1, 2)
    ]
    await store.commit((some_changes(a_story(1), deliveries=rows),))
    assert [row.id for row in await store.outbox([DeliveryState.PENDING], 9)] == [rows[0].id, rows[1].id]


async def test_one_chat_gets_one_row_a_story_whatever_ids_are_planned(store: Store) -> None:
    await follow(store, ANA)
    rows = [a_delivery(an_alert(a_story(1), ANA), id=name) for name in ("first", "second")]
    await store.commit((some_changes(a_story(1), deliveries=rows),))
    assert [row.id for row in await store.outbox(list(DeliveryState), 9)] == ["first"]


async def test_every_reason_comes_back_with_its_words(store: Store) -> None:
    await follow(store, ANA, "topic:tps")
    await follow(store, ANA, "topic:asylum")
    (row,) = await publish(store, a_story(1))
    stored = await store.delivery(row.id)
    assert stored is not None
    assert stored.alert.why == row.alert.why
    assert all(isinstance(why, Why) and why.hits for why in stored.alert.why)


async def test_a_chat_that_is_gone_has_no_subscribers_until_it_wakes(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    await store.settle(await claim_one(store), Gone("kicked"), NOW)
    assert await addressed(store, a_story(2)) == ()
    assert await store.wake(ANA)
    assert not await store.wake(ANA)
    assert not await store.wake(BEN)
    assert [row.chat for row in await addressed(store, a_story(2))] == [ANA]


async def test_following_wakes_a_chat_and_lets_its_new_rows_go(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    await store.settle(await claim_one(store), Gone("kicked"), NOW)
    assert not await follow(store, ANA)
    (row,) = await publish(store, a_story(2))
    assert (await claim_one(store, at(seconds=1))).id == row.id


async def test_a_row_of_a_chat_that_is_gone_is_not_put_back_until_it_wakes(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    await store.settle(await claim_one(store), Gone("kicked"), NOW)
    assert await store.retry(row.id, NOW) is Retried.GONE
    assert await state_of(store, row) == DeliveryState.CANCELLED
    await store.wake(ANA)
    assert await store.retry(row.id, NOW) is Retried.DONE
    assert (await claim_one(store)).id == row.id


async def test_a_row_is_not_put_back_for_a_chat_that_follows_nothing_of_it_any_more(store: Store) -> None:
    await follow(store, ANA, "topic:tps")
    (row,) = await publish(store, a_story(1))
    await store.unfollow(ANA, None, NOW)
    await follow(store, ANA, "topic:asylum")
    assert await store.retry(row.id, NOW) is Retried.UNFOLLOWED
    assert await state_of(store, row) == DeliveryState.CANCELLED
    assert await claim(store) == ()


async def test_a_row_that_is_put_back_keeps_the_reasons_that_are_left(store: Store) -> None:
    await follow(store, ANA, "topic:tps")
    await follow(store, ANA, "topic:asylum")
    (row,) = await publish(store, a_story(1))
    await store.discard(row.id, NOW)
    await store.unfollow(ANA, "topic:tps", NOW)
    assert await store.retry(row.id, NOW) is Retried.DONE
    assert [why.label for why in (await claim_one(store)).alert.why] == ["ASYLUM"]


async def test_a_test_message_is_put_back_without_a_subscription(store: Store) -> None:
    await follow(store, ANA)
    await store.unfollow(ANA, None, NOW)
    test = a_delivery(an_alert(a_story(1), ANA, reason=Reason.TEST, why=()))
    await store.commit((some_changes(a_story(1), deliveries=[test]),))
    await store.discard(test.id, NOW)
    assert await store.retry(test.id, NOW) is Retried.DONE
