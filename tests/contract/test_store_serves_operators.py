"""Paused sources, numbers for alarms and metrics, and the record of what operators did."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.alarms import Waiting
from bot.core.intake import Cursor
from bot.core.lateness import Patience
from bot.core.model import Changes, DeliveryState
from bot.core.outcome import Gone, Later, Sent
from bot.ports import Store
from bot.ports.oversight import COUNTED, Audited, Vitals
from tests.builders import NOW, a_chat, a_source, a_story, at
from tests.storing import LEASE, claim, follow, publish

ANA, BEN, CARA = a_chat(1), a_chat(2), a_chat(3, platform="slack")


async def due(store: Store, now: float = 0) -> list[str]:
    return [cursor.source_id for cursor in await store.due(at(now))]


async def test_a_paused_source_is_not_due_until_it_is_resumed(store: Store) -> None:
    await store.register([a_source(1), a_source(2)])
    assert await store.pause_source("source-1", NOW)
    assert await due(store) == ["source-2"]
    assert await store.paused_sources() == {"source-1": NOW}
    assert {cursor.source_id for cursor in await store.cursors()} == {"source-1", "source-2"}
    assert await store.resume_source("source-1")
    assert await due(store) == ["source-1", "source-2"]
    assert await store.paused_sources() == {}


async def test_pausing_twice_keeps_the_first_moment_and_resuming_twice_says_so(store: Store) -> None:
    await store.register([a_source(1)])
    assert await store.pause_source("source-1", NOW)
    assert not await store.pause_source("source-1", at(hours=1))
    assert await store.paused_sources() == {"source-1": NOW}
    assert await store.resume_source("source-1")
    assert not await store.resume_source("source-1")


async def test_a_pause_outlives_registering_anew_and_a_poll_that_was_under_way(store: Store) -> None:
    await store.register([a_source(1)])
    await store.pause_source("source-1", NOW)
    await store.register([a_source(1, name="Renamed")])
    await store.commit((Changes(Cursor("source-1", next_poll_at=NOW)),))
    assert await due(store, 60) == []


async def test_what_is_unknown_or_dormant_is_neither_paused_nor_polled(store: Store) -> None:
    await store.register([a_source(1)])
    await store.register([a_source(2)])
    for source_id in ("source-1", "nowhere"):
        assert not await store.pause_source(source_id, NOW)
        assert not await store.resume_source(source_id)
        assert not await store.poll_next(source_id, NOW)
    assert await store.paused_sources() == {}


async def test_a_pause_of_a_source_that_left_is_not_shown_and_holds_when_it_is_back(store: Store) -> None:
    await store.register([a_source(1)])
    await store.pause_source("source-1", NOW)
    await store.register([])
    assert await store.paused_sources() == {}
    await store.register([a_source(1)])
    assert await store.paused_sources() == {"source-1": NOW}


async def test_a_poll_is_brought_forward_and_never_put_off(store: Store) -> None:
    await store.register([a_source(1)])
    assert await store.poll_next("source-1", at(60))  # never polled: due at once, and stays so
    assert await due(store) == ["source-1"]
    (cursor,) = await store.cursors()
    await store.commit((Changes(replace(cursor, next_poll_at=at(hours=1))),))
    assert await store.poll_next("source-1", at(60))
    assert await store.poll_next("source-1", at(90))
    assert (await due(store, 59), await due(store, 60)) == ([], ["source-1"])
    await store.pause_source("source-1", NOW)
    assert not await store.poll_next("source-1", NOW)


async def test_vitals_of_nothing_are_zeros(store: Store) -> None:
    vitals = await store.vitals(NOW)
    assert replace(vitals, size=0) == Vitals(rows=dict.fromkeys(COUNTED, 0))


async def test_vitals_are_by_platform_and_name_no_chat(store: Store) -> None:
    for chat in (ANA, BEN, CARA):
        await follow(store, chat)
    await follow(store, BEN, "topic:asylum")
    await publish(store, a_story(1), due_at=at(-5))
    await publish(store, a_story(2))
    for row in await claim(store, platforms=["slack"]):
        await store.settle(row, Gone("archived"), NOW)
    await claim(store, limit=1, platforms=["telegram"])
    await store.move(BEN, a_chat(9), NOW)
    vitals = await store.vitals(NOW)
    assert vitals.waiting == {"telegram": Waiting(3, at(-5))}
    assert vitals.chats == {("telegram", "active"): 2, ("slack", "gone"): 1}
    assert vitals.filters == {"telegram": 3, "slack": 1}
    assert vitals.rows[DeliveryState.PENDING] == 3
    assert vitals.rows[DeliveryState.SENDING] == 1
    assert sum(vitals.rows.values()) == 4  # what was sent or called off is not counted
    assert ANA.id not in repr(vitals)


async def oldest(store: Store, hours: float) -> dict[str, datetime | None]:
    vitals = await store.vitals(at(hours=hours))
    return {name: waiting.oldest_at for name, waiting in vitals.waiting.items()}


async def test_what_could_go_is_the_oldest_and_not_what_its_chat_is_bidden_to_wait_for(store: Store) -> None:
    for chat in (ANA, BEN):
        await follow(store, chat)
    await publish(store, a_story(1), due_at=at(-9))
    flooded, other = await claim(store)
    await store.settle(flooded, Later(at(hours=12), "flood"), NOW)
    await store.settle(other, Sent("r", NOW), NOW)
    assert await oldest(store, 11.9) == {"telegram": None}
    assert (await store.vitals(NOW)).waiting["telegram"].count == 1
    await publish(store, a_story(2), due_at=at(-5))
    assert await oldest(store, 11.9) == {"telegram": NOW}  # it may go since the rest after the last message
    await store.settle((await claim(store))[0], Sent("r", NOW), NOW)
    assert await oldest(store, 12) == {"telegram": at(hours=12)}


async def test_what_is_tried_over_and_over_is_stuck_though_its_chat_rests(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    for attempt in range(5):
        assert await oldest(store, attempt + 0.5) == {"telegram": at(hours=attempt) if attempt else NOW}
        await store.settle((await claim(store, at(hours=attempt)))[0], Later(at(hours=attempt + 1), "x"), NOW)
    assert await oldest(store, 4.5) == {"telegram": NOW}


async def test_what_waits_for_a_pause_or_is_not_due_is_not_the_oldest(store: Store) -> None:
    await follow(store, ANA)
    (row,) = await publish(store, a_story(1))
    await store.mute(ANA, None, at(hours=8), NOW)
    await store.retry(row.id, NOW)
    assert await oldest(store, 7) == {"telegram": None}
    assert await oldest(store, 8) == {"telegram": at(hours=8)}
    await follow(store, CARA)
    await publish(store, a_story(2), due_at=at(hours=9))
    assert (await oldest(store, 8.9))["slack"] is None
    assert (await oldest(store, 10))["slack"] == at(hours=9)


async def test_what_is_behind_a_message_under_way_is_not_the_oldest(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1), due_at=at(-9))
    await publish(store, a_story(2))
    await claim(store)
    assert await oldest(store, 1) == {"telegram": None}
    await store.recover(NOW, every_lease=True)
    assert await oldest(store, 1) == {"telegram": NOW}


async def test_what_was_given_up_untold_is_counted_apart_from_what_a_list_told(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1), due_at=at(hours=-80))
    (row,) = await store.claim(NOW, limit=9, platforms=["telegram"], lease=LEASE, patience=Patience())
    await store.settle(row, Sent("a list", NOW), NOW)
    (untold,) = await publish(store, a_story(2))
    await store.expire(at(days=30))
    vitals = await store.vitals(NOW)
    assert (vitals.rows[DeliveryState.EXPIRED], vitals.untold) == (2, 1)
    await store.discard(untold.id, NOW)
    assert (await store.vitals(NOW)).untold == 0


async def test_operator_commands_are_remembered_in_order(store: Store) -> None:
    entries = [Audited(at(number), "shell", "sources", f"pause s{number}", "done") for number in range(3)]
    for entry in entries:
        await store.note(entry)
    assert await store.audit(2) == (entries[2], entries[1])
    assert await store.audit(9) == tuple(reversed(entries))
