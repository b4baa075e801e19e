"""How the bot lives: its front door, rooms that lose their token and regain it, and an orderly, timely stop."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import cast

import pytest
from structlog.testing import capture_logs

from bot.core.model import Chat, DeliveryState
from bot.core.speech import Call, Reply
from bot.errors import StoreError, TokenError, TryLater
from bot.ports import Platform
from bot.rooms import LISTENING_AFTER_SECONDS, RETRY_ROOM_SECONDS, Rooms
from tests.fakes.asker import text_of
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.house import ANA, Breaking, House, Room


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


# --- the front door -----------------------------------------------------------------------------------------------


async def ask(clock: FakeClock, verb: str, error: Exception) -> Reply:
    """Ask, when the database breaks just then."""
    store = Breaking("census" if verb == "status" else "follow", error)
    store.breaks = True
    house = House(clock=clock, store=store)
    return await house.door.answer(Call(verb, ("tps",) if verb == "follow" else (), ANA, may_change=True))


@pytest.mark.parametrize("verb", ["status", "follow"])
async def test_a_bug_in_a_command_is_answered_with_a_reference_that_the_log_knows(clock: FakeClock, verb: str) -> None:
    with capture_logs() as logs:
        reply = await ask(clock, verb, ZeroDivisionError("secret detail"))
    (crashed,) = [line for line in logs if line["event"] == "command.crashed"]
    assert not reply.ok
    assert f"ref {crashed['ref']}" in text_of(reply)
    assert "secret detail" not in text_of(reply)
    assert "ZeroDivision" not in text_of(reply)


async def test_trouble_with_the_database_is_answered_in_a_sentence(clock: FakeClock) -> None:
    reply = await ask(clock, "status", StoreError("The disk is full."))
    assert (reply.ok, text_of(reply)) == (False, "That did not work: The disk is full.")


async def test_changes_wait_for_the_poll_that_decides_and_questions_do_not(clock: FakeClock) -> None:
    house = House(clock=clock)
    async with house.bot.polling.one_at_a_time:
        change = asyncio.create_task(house.door.answer(Call("follow", ("tps",), ANA, may_change=True)))
        assert (await house.door.answer(Call("list", (), ANA))).ok
        await asyncio.sleep(0.01)
        assert not change.done()
    assert (await change).ok


async def test_a_chat_that_moved_takes_its_subscriptions_along(clock: FakeClock) -> None:
    house = House(clock=clock)
    new = Chat("fake", "", "2")
    await house.door.answer(Call("follow", ("tps",), ANA, may_change=True))
    await house.door.moved(ANA, new)
    assert [one.query for one in await house.store.subscriptions(new)] == ["topic:tps"]


# --- rooms --------------------------------------------------------------------------------------------------------


async def test_a_dead_token_stops_a_room_that_tries_again_each_minute_and_then_sends_what_waits(
    clock: FakeClock,
) -> None:
    room = Room(clock)
    room.refusal = TokenError("revoked")
    house = House(room, clock=clock)
    keeping = asyncio.create_task(house.rooms.keep(cast("Platform", room), house.door))
    await until(lambda: len(room.times) > 2)
    assert all(later - earlier >= timedelta(seconds=RETRY_ROOM_SECONDS) for earlier, later in pairwise(room.times))
    assert house.rooms.in_words() == {"fake": "stopped: revoked"}
    row = await house.post()
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.PENDING
    room.refusal = None
    await until(lambda: "fake" in house.rooms.open)
    assert clock.now() - room.times[-1] >= timedelta(seconds=LISTENING_AFTER_SECONDS)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    await _cancelled(keeping)
    assert room.ended == 1


async def test_a_room_that_refused_one_send_and_listens_on_sends_again_after_a_minute(clock: FakeClock) -> None:
    room = Room(clock)
    house = House(room, clock=clock)
    keeping = asyncio.create_task(house.rooms.keep(cast("Platform", room), house.door))
    clock.advance(timedelta(seconds=LISTENING_AFTER_SECONDS))
    await until(lambda: room.times)
    await asyncio.sleep(0.05)
    room.platform.fail_next(TokenError("not now"))
    row = await house.post()
    refused_at = clock.now()
    await house.lanes.claim()
    await until(lambda: room.platform.attempts)
    await until(lambda: house.rooms.in_words() == {"fake": "on"})
    assert clock.now() - refused_at >= timedelta(seconds=RETRY_ROOM_SECONDS)
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    assert len(room.times) == 1
    await _cancelled(keeping)


@pytest.mark.parametrize("ending", [ZeroDivisionError(), asyncio.CancelledError()])
async def test_a_bug_in_a_room_stops_that_room_and_it_starts_anew(clock: FakeClock, ending: BaseException) -> None:
    room = Room(clock, ending)
    house = House(room, clock=clock)
    keeping = asyncio.create_task(house.rooms.keep(cast("Platform", room), house.door))
    await until(lambda: len(room.times) == 2 and house.rooms.in_words() == {"fake": "on"})
    assert not keeping.done()
    await _cancelled(keeping)


async def test_a_room_that_has_nothing_more_to_hear_goes_on_sending(clock: FakeClock) -> None:
    room = Room(clock, None)
    house = House(room, clock=clock)
    await house.rooms.keep(cast("Platform", room), house.door)
    assert house.rooms.in_words() == {"fake": "on"}


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# --- living and stopping ------------------------------------------------------------------------------------------


async def test_it_polls_delivers_and_stops_without_leaving_anything_under_way(clock: FakeClock) -> None:
    room = Room(clock)
    house = House(room, clock=clock)
    await house.bot.begin()
    row = await house.post()
    serving = asyncio.create_task(house.bot.serve())
    await until(lambda: room.platform.accepted and house.announced)
    assert await house.bot.ready() == ()
    await house.stop(serving)
    assert await house.state(row) is DeliveryState.SENT
    assert house.announced[0][0].error == "no network here"
    assert room.ended == 1


async def test_a_stop_takes_its_time_limit_at_most_though_a_room_and_a_message_hang(clock: FakeClock) -> None:
    room = Room(clock, stubborn=True)
    house = House(room, clock=clock, drain_seconds=0.2)
    await house.bot.begin()
    room.platform.hangs = True
    row = await house.post()
    serving = asyncio.create_task(house.bot.serve())
    await until(lambda: room.platform.attempts and room.times)
    assert await house.stop(serving) < 2
    assert await house.state(row) is DeliveryState.SENDING
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


@pytest.mark.parametrize("method", ["due", "claim", "expire"])
async def test_a_database_that_fails_ends_the_daemon_with_its_error(clock: FakeClock, method: str) -> None:
    store = Breaking(method, StoreError("the disk is full"))
    room = Room(clock)
    house = House(room, clock=clock, store=store)
    await house.bot.begin()
    serving = asyncio.create_task(house.bot.serve())
    await until(lambda: house.announced and room.times)
    store.breaks = True
    with pytest.raises(StoreError, match="disk is full"):
        await asyncio.wait_for(serving, 5)
    assert room.ended == 1


async def test_what_an_earlier_run_left_is_found_at_the_start(clock: FakeClock) -> None:
    room = Room(clock)
    house = House(room, clock=clock)
    row = await house.post()
    await house.store.claim(clock.now(), limit=1, platforms=("fake",), lease=timedelta(minutes=5))
    await house.bot.begin()
    found = await house.store.delivery(row.id)
    assert found is not None
    assert (found.state, found.unsure) == (DeliveryState.PENDING, True)
    for _ in range(29):
        room.pace.begin(ANA)
    assert room.pace.wait(ANA, clock.now()) == timedelta(seconds=1), "the attempt of the earlier run counts"


async def test_alerts_that_could_not_be_told_for_thirty_days_expire_and_are_not_sent(clock: FakeClock) -> None:
    room = Room(clock, TokenError("revoked"))
    house = House(room, clock=clock)
    row = await house.post()
    clock.advance(timedelta(days=30, seconds=1))
    await house.bot.run_once()
    assert await house.state(row) is DeliveryState.EXPIRED
    assert room.platform.accepted == []


async def test_alerts_that_waited_for_three_days_are_told_in_a_list_and_count_as_expired(clock: FakeClock) -> None:
    room = Room(clock)
    house = House(room, clock=clock)
    row = await house.post()
    clock.advance(timedelta(days=3, seconds=1))
    await house.bot.run_once()
    found = await house.store.delivery(row.id)
    assert found is not None
    assert (found.state, found.receipt) == (DeliveryState.EXPIRED, "receipt-1")
    assert [message.text for _, _, message in room.platform.accepted] == ["late: #1"]


async def test_a_clock_that_was_set_ten_years_ahead_makes_no_alert_old(clock: FakeClock) -> None:
    room = Room(clock, TokenError("revoked"))
    house = House(room, clock=clock)
    row = await house.post()
    house.rooms.stop("fake", "revoked")
    clock.jump(timedelta(days=3650))
    await house.bot.run_once()
    assert await house.state(row) is DeliveryState.PENDING
    house.rooms.open["fake"] = house.rooms.all["fake"]
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    assert [message.text[:3] for _, _, message in room.platform.accepted] == ["#1 "]


async def test_a_clock_that_was_set_back_while_the_bot_was_off_holds_no_alert_and_no_chat_for_ever(
    clock: FakeClock,
) -> None:
    room = Room(clock)
    house = House(room, clock=clock)
    room.platform.fail_next(TryLater("flood", after=timedelta(hours=12)))
    row = await house.post()
    await house.lanes.exhaust()
    clock.jump(timedelta(days=-3650))
    later = House(room, clock=clock, store=house.store)
    await later.bot.begin()
    await later.lanes.exhaust()
    assert await later.state(row) is DeliveryState.PENDING  # a rest may be real: nothing goes early
    clock.advance(timedelta(days=2))
    await later.lanes.exhaust()
    assert await later.state(row) is DeliveryState.SENT


async def test_a_database_that_fails_while_messages_under_way_end_is_not_passed_over(clock: FakeClock) -> None:
    store = Breaking("settle", StoreError("the disk is full"))
    room = Room(clock)
    house = House(room, clock=clock, store=store)
    room.platform.hangs = True
    await house.bot.begin()
    await house.post()
    serving = asyncio.create_task(house.bot.serve())
    await until(lambda: room.platform.attempts and room.times)
    store.breaks = True
    room.platform.release()
    house.bot.stop.set()
    with capture_logs() as logs, pytest.raises(StoreError, match="disk is full"):
        await asyncio.wait_for(serving, 5)
    assert "delivery.not_noted" in {line["event"] for line in logs}


async def test_a_platform_that_cannot_be_reached_is_said_and_makes_the_bot_unready(clock: FakeClock) -> None:
    room = Room(clock)
    since = clock.now() - timedelta(minutes=7)
    rooms = Rooms([cast("Platform", room)], clock, lambda: {"fake": since})
    assert rooms.in_words() == {"fake": "not reachable for 7 min; its alerts wait until it answers"}
    rooms.stop("fake", "revoked")
    assert rooms.in_words() == {"fake": "stopped: revoked"}


async def test_it_is_not_ready_before_its_first_tick_with_a_stopped_room_or_a_broken_database(
    clock: FakeClock,
) -> None:
    store = Breaking("claim", StoreError("the disk is full"))
    house = House(Room(clock), clock=clock, store=store)
    house.rooms.stop("fake", "revoked")
    store.breaks = True
    assert await house.bot.ready() == (
        "polling has not ticked for a minute",
        "the disk is full",
        "fake is stopped: revoked",
    )


async def test_a_single_round_can_be_stopped_too(clock: FakeClock) -> None:
    room = Room(clock)
    house = House(room, clock=clock)
    room.platform.hangs = True
    row = await house.post()
    running = asyncio.create_task(house.bot.run_once())
    await until(lambda: room.platform.attempts)
    assert await house.stop(running) < 2
    assert await house.state(row) is DeliveryState.SENDING


async def test_a_single_round_ends_with_the_error_of_a_database_that_fails(clock: FakeClock) -> None:
    store = Breaking("claim", StoreError("the disk is full"))
    store.breaks = True
    with pytest.raises(StoreError, match="disk is full"):
        await House(Room(clock), clock=clock, store=store).bot.run_once()
