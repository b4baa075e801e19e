"""What the flood guard holds is kept until it is let go or discarded, and who is told of it is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core.delays import Delay
from bot.core.floods import HELD_FOR, Flood, discarded
from bot.core.lateness import Patience
from bot.core.model import Changes, Delivery, DeliveryState, Lateness, State, Verdict
from bot.core.outcome import Refused, Sent
from bot.ports import Store
from tests.builders import NOW, a_chat, a_cursor, a_document, a_source, a_story, a_verdict, at
from tests.storing import EVERYWHERE, LEASE, addressed, follow

ANA, BEN = a_chat(1), a_chat(2)
ALL = list(DeliveryState)


def held(*numbers: int, source: int = 1) -> tuple[Verdict, ...]:
    return tuple(
        a_verdict(a_document(number, source=source), number, matches=(), held=True, because="new, but held back")
        for number in numbers
    )


async def hold(store: Store, *numbers: int, source: int = 1) -> None:
    await store.register([a_source(1), a_source(2)])
    cursor = a_cursor(source, last_success_at=NOW)
    await store.commit([Changes(cursor, held(*numbers, source=source))])


async def alerts(store: Store, verdicts: Sequence[Verdict]) -> list[Delivery]:
    """The rows of everybody who follows anything, each to be told in a list."""
    rows = [row for one in verdicts for row in await addressed(store, a_story(one.story, one.document))]
    return [replace(row, alert=replace(row.alert, delay=Delay.HELD)) for row in rows]


async def let_go(store: Store, source_id: str = "source-1") -> None:
    verdicts = [replace(one, because=f"{one.because}; let go") for one in await store.held_of(source_id)]
    await store.end_flood(verdicts, await alerts(store, verdicts))


async def states(store: Store) -> list[DeliveryState]:
    return [row.state for row in await store.outbox(ALL, 99)]


async def claimed(store: Store) -> Delivery:
    (row,) = await store.claim(NOW, limit=1, platforms=EVERYWHERE, lease=LEASE, patience=Patience())
    return row


async def test_what_is_held_is_named_by_source_with_a_sample_and_its_time(store: Store) -> None:
    await hold(store, *range(1, 12))
    await hold(store, 21, source=2)
    first, second = await store.floods()
    titles = [a_document(number).title for number in (1, 6, 11)]
    assert first == Flood("source-1", NOW, NOW + HELD_FOR, 11, tuple(titles))
    assert (second.source_id, second.items) == ("source-2", 1)
    assert [one.story for one in await store.held_of("source-1")] == list(range(1, 12))
    kept = (await store.held_of("source-2"))[0]
    assert (kept.document, kept.held, kept.because) == (
        a_document(21, source=2),
        True,
        "new, but held back",
    )


async def test_a_held_copy_comes_back_as_a_copy_that_is_told_as_the_first(store: Store) -> None:
    await store.register([a_source(1), a_source(2)])
    first = a_verdict(a_document(1), 1, matches=())
    copy = replace(held(1, source=2)[0], state=State.ADDITION, told_as=first.document.id)
    await store.commit([Changes(a_cursor(1), (first,)), Changes(a_cursor(2), (copy,))])
    assert await store.held_of("source-2") == (copy,)


async def test_a_held_document_is_known_and_nobody_is_told_of_it(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, 1)
    assert (await store.past(a_document(1).keys)).fingerprints[0].story == 1
    assert (await store.decisions(1), await states(store)) == (("new, but held back",), [])


async def test_holding_twice_holds_once_and_since_the_first_time(store: Store) -> None:
    await hold(store, 1)
    await hold(store, 1)
    (flood,) = await store.floods()
    assert (flood.items, flood.since) == (1, NOW)


async def test_an_operators_word_brings_the_end_nearer_and_never_puts_it_off(store: Store) -> None:
    await hold(store, 1, 2)
    assert await store.release_flood("source-1", at(5)) == 2
    assert await store.release_flood("source-1", at(30)) == 2
    (flood,) = await store.floods()
    assert flood.until == at(5)
    assert await store.release_flood("source-2", NOW) == 0


async def test_what_is_let_go_is_told_once_whatever_is_said_again(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, 1, 2)
    verdicts = await store.held_of("source-1")
    rows = await alerts(store, verdicts)
    await let_go(store)
    await store.end_flood(verdicts, rows)
    assert await store.floods() == ()
    assert await states(store) == [DeliveryState.PENDING] * 2
    assert await store.decisions(2) == ("new, but held back; let go",)


async def test_what_was_discarded_is_kept_and_told_to_nobody_also_by_who_had_begun_to(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, 1, 2)
    verdicts = await store.held_of("source-1")
    rows = await alerts(store, verdicts)
    assert await store.discard_flood("source-1") == 2
    await store.end_flood(verdicts, rows)
    assert (await store.floods(), await states(store)) == ((), [])
    assert await store.decisions(1) == (discarded("new, but held back"),)
    assert await store.discard_flood("source-1") == 0


async def test_only_those_who_still_follow_are_told(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, 1)
    verdicts = await store.held_of("source-1")
    rows = await alerts(store, verdicts)
    await store.unfollow(ANA, None, NOW)
    await store.end_flood(verdicts, rows)
    assert await states(store) == []


async def test_what_is_let_go_is_one_message_for_each_chat_and_other_news_another(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, *range(1, 31))
    await let_go(store)
    row = await claimed(store)
    assert [one.alert.story.number for one in (row, *row.also)] == list(range(1, 31))
    assert {one.late for one in (row, *row.also)} == {Lateness.LATE}
    assert {one.alert.delay for one in (row, *row.also)} == {Delay.HELD}
    await store.settle(row, Sent("message 1", NOW), NOW)
    assert set(await states(store)) == {DeliveryState.SENT}


async def test_what_else_is_late_is_told_by_tens_so_that_each_is_named(store: Store) -> None:
    await follow(store, ANA)
    rows = [row for number in range(1, 13) for row in await addressed(store, a_story(number))]
    missed = [replace(row, alert=replace(row.alert, delay=Delay.MISSED)) for row in rows]
    told = tuple(a_verdict(a_document(number), number) for number in range(1, 13))
    await store.register([a_source(1)])
    await store.commit([Changes(a_cursor(1), told, tuple(missed))])
    for names in (list(range(1, 11)), [11, 12]):
        row = await claimed(store)
        assert [one.alert.story.number for one in (row, *row.also)] == names
        await store.settle(row, Sent("message", NOW), NOW)


async def test_a_list_that_was_refused_goes_row_by_row(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, 1, 2, 3)
    await let_go(store)
    await store.settle(await claimed(store), Refused(NOW, "bad"), NOW)
    assert (await claimed(store)).also == ()


async def test_a_list_that_waited_long_is_told_all_the_same(store: Store) -> None:
    await follow(store, ANA)
    await hold(store, 1, 2)
    await let_go(store)
    late = NOW + timedelta(days=4)
    (row,) = await store.claim(late, limit=1, platforms=EVERYWHERE, lease=LEASE, patience=Patience())
    assert [one.late for one in (row, *row.also)] == [Lateness.OVERDUE] * 2
