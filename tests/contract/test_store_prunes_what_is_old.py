"""Retention (S44): what is too old goes, to the day; what recognizes a copy stays."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.model import Changes, Delivery, DeliveryState, State
from bot.core.outcome import Gone, Refused, Sent, Unsure
from bot.core.retention import Ages, Pruned, cutoffs
from bot.ports import Store
from bot.ports.oversight import Audited
from tests.builders import NOW, a_chat, a_cursor, a_document, a_story, a_verdict, at
from tests.storing import claim, claim_one, follow, publish, state_of

AGES = Ages()
A_DAY = timedelta(days=1)


async def prune(store: Store, now: datetime, limit: int = 500) -> Pruned:
    """Prune until nothing is left to take."""
    total, went = Pruned(), Pruned(items=1)
    while went.anything:
        went = await store.prune(cutoffs(now, AGES), limit)
        total += went
    return total


async def settled(store: Store, number: int, state: DeliveryState) -> Delivery:
    """Bring a row of a chat of its own into a state."""
    chat = a_chat(number)
    await follow(store, chat, f"topic:t{number}")
    await publish(store, a_story(number), f"topic:t{number}")
    row = await claim_one(store)
    match state:
        case DeliveryState.SENT:
            await store.settle(row, Sent("r", NOW), NOW)
        case DeliveryState.CANCELLED:
            await store.settle(row, Gone("left"), NOW)
            await store.wake(chat)
        case DeliveryState.MAYBE:
            await store.settle(row, Unsure(NOW, "x"), NOW)
            await store.settle(await claim_one(store), Unsure(NOW, "x"), NOW)
        case _:
            await store.settle(row, Refused(NOW, "x"), NOW)
            await store.settle(await claim_one(store), Refused(NOW, "x"), NOW)
    assert await state_of(store, row) is state
    return row


async def test_settled_rows_go_after_half_a_year_and_dead_letters_after_a_month(store: Store) -> None:
    states = (DeliveryState.SENT, DeliveryState.CANCELLED, DeliveryState.MAYBE, DeliveryState.DEAD)
    rows = [await settled(store, number, state) for number, state in enumerate(states, 1)]

    async def left() -> list[DeliveryState]:
        return [row_state for row in rows if (row_state := await state_of(store, row)) is not None]

    assert (await prune(store, at(days=30))).deliveries == 0
    assert (await prune(store, at(days=31))).deliveries == 2
    assert await left() == [DeliveryState.SENT, DeliveryState.CANCELLED]
    assert (await prune(store, at(days=180))).deliveries == 0
    assert (await prune(store, at(days=181))).deliveries == 2
    assert await left() == []


async def test_what_waits_or_is_under_way_stays_and_what_was_put_back_is_as_old_as_its_end(store: Store) -> None:
    await follow(store, a_chat(1))
    await follow(store, a_chat(2))
    await publish(store, a_story(1))
    first, second = await claim(store)
    await store.settle(first, Sent("r", at(days=170)), at(days=170))
    assert (await prune(store, at(days=181))).deliveries == 0
    assert (await prune(store, at(days=900))).deliveries == 1
    assert await state_of(store, second) is DeliveryState.SENDING


async def test_a_chat_that_was_out_of_reach_for_a_month_is_forgotten_and_one_that_came_back_is_not(
    store: Store,
) -> None:
    for number in (1, 2, 3):
        await follow(store, a_chat(number))
    for number in (1, 2):
        await store.part(a_chat(number), "kicked", NOW)
    await store.part(a_chat(1), "kicked still", at(days=29))
    await store.wake(a_chat(2))
    assert (await prune(store, at(days=30))).chats == 0
    assert (await prune(store, at(days=31))).chats == 1
    assert await store.preferences(a_chat(1)) is None
    assert len(await store.subscriptions(a_chat(2))) == len(await store.subscriptions(a_chat(3))) == 1


async def text_of(store: Store, story: int) -> str:
    found = await store.story(story)
    assert found is not None
    return found.lead.text


async def test_text_that_nobody_was_told_of_goes_after_sixty_days_and_the_rest_after_400(store: Store) -> None:
    await publish(store, a_story(1))  # nobody follows
    await follow(store, a_chat(1))
    row = (await publish(store, a_story(2)))[0]
    await store.settle(await claim_one(store), Sent("r", NOW), NOW)
    await prune(store, at(days=60))
    assert "" not in {await text_of(store, 1), await text_of(store, 2)}
    assert (await prune(store, at(days=61))).texts == 1
    assert await text_of(store, 1) == ""
    assert await text_of(store, 2) != ""
    await prune(store, at(days=300))
    assert await state_of(store, row) is None
    assert await text_of(store, 2) != "", "that it was told is not forgotten with the row"
    assert (await prune(store, at(days=401))).items == 2
    found = await store.story(2)
    assert found is not None
    assert (found.lead.text, dict(found.lead.facts), found.lead.title) == ("", {}, a_document(2).title)
    assert await store.decisions(2) == ()


async def test_an_old_item_that_comes_back_is_known(store: Store) -> None:
    document = a_document(1)
    await publish(store, a_story(1, document))
    before = await store.past(document.keys)
    await prune(store, at(days=2000))
    assert await store.past(document.keys) == before
    assert await store.story_with_key(document.keys[0]) is not None
    # a later version of it is recorded like any other, and prunes again
    newer = a_document(1, seen_at=at(days=2001), text="Other words.", digest="other")
    verdict = a_verdict(newer, 1, state=State.REVISION)
    await store.commit((Changes(a_cursor(1), (verdict,)),))
    assert await store.decisions(1) == ("nothing like it was seen before",)


async def test_it_takes_a_limited_number_at_a_time(store: Store) -> None:
    for number in range(1, 8):
        await publish(store, a_story(number))
    went = await store.prune(cutoffs(at(days=61), AGES), 3)
    assert went == Pruned(texts=3)
    assert (await prune(store, at(days=61), 3)).texts == 4


async def test_the_record_of_operators_goes_after_half_a_year(store: Store) -> None:
    for days in (0, 10):
        await store.note(Audited(NOW + days * A_DAY, "somebody", "outbox", "retry", "done"))
    assert (await prune(store, at(days=181))).audit == 1
    assert len(await store.audit(10)) == 1
