"""How the bot lives: its front door, rooms that lose their token and regain it, and an orderly, timely stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bot.clockwork import Clockwork
from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, SourceSpec
from bot.core.model import Chat, Delivery, DeliveryState, Voice
from bot.core.query import parse
from bot.core.speech import Call, Reply
from bot.daemon import LISTENING_AFTER_SECONDS, RETRY_ROOM_SECONDS, Bot, FrontDoor, Rooms
from bot.deliver import DeliverDesk, Lanes
from bot.errors import FetchError, StoreError, TokenError
from bot.poll import LiveIndex, PollDesk, Polled
from bot.ports import Door, Platform, Store
from bot.store.memory import MemoryStore
from tests.builders import a_delivery, a_source, a_story, an_alert, some_changes
from tests.fakes.asker import TOPICS, a_desk, text_of
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.platform import FakePlatform

ANA = Chat("fake", "", "1")
SOON = {name: timedelta(milliseconds=10) for name in ("tick", "outbox", "housekeeping")}


class Room:
    """A fake platform with a `listen` that can be told what to do: raise these, in turn, then listen for ever."""

    def __init__(self, clock: FakeClock, *endings: BaseException | None, stubborn: bool = False) -> None:
        self.platform = FakePlatform(clock)
        self.name, self.pace = self.platform.name, self.platform.pace
        self.render, self.send, self.close = self.platform.render, self.platform.send, self.platform.close
        self.times = 0
        self.ended = 0
        self._endings = list(endings)
        self._stubborn = stubborn

    async def listen(self, _door: Door) -> None:
        self.times += 1
        if self._endings:
            ending = self._endings.pop(0)
            if ending is not None:
                raise ending
            return
        try:
            await asyncio.Event().wait()
        finally:
            if self._stubborn:
                await asyncio.sleep(3)  # as a library that waits for an answer before it ends
            self.ended += 1


class House:
    """A whole bot on a memory store, with fake time for rooms and quick beats."""

    def __init__(self, *rooms: Room, clock: FakeClock, store: Any = None, drain_seconds: float = 0.2) -> None:
        self.clock = clock
        self.store = cast("Store", store or MemoryStore())
        self.rooms = Rooms([cast("Platform", room) for room in rooms], clock)
        self.lanes = Lanes(DeliverDesk(self.store, self.rooms.open, clock, lambda: 1.0, self.rooms.stop))
        self.announced: list[Sequence[Polled]] = []
        polling = PollDesk(
            store=self.store,
            fetch=_unreachable,
            read=cast("Any", None),
            queries=LiveIndex(self.store, Index({topic.id: parse(topic.query) for topic in TOPICS})),
            sources={"source-1": a_source()},
            clock=clock,
            jitter=lambda: 0.0,
            limits=AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1)),
            wake_outbox=self.lanes.wake,
        )
        self.door = FrontDoor(a_desk(store=self.store, clock=clock), polling.one_at_a_time, self.lanes.wake)
        self.bot = Bot(
            clock=clock,
            store=self.store,
            polling=polling,
            lanes=self.lanes,
            rooms=self.rooms,
            clockwork=Clockwork(SOON),
            door=self.door,
            retry_for=timedelta(days=3),
            announce=self._announce,
            drain_seconds=drain_seconds,
        )

    async def _announce(self, results: Sequence[Polled]) -> None:
        self.announced.append(results)

    async def post(self, number: int = 1) -> Delivery:
        await self.store.follow(ANA, Voice(), "topic:tps", "TPS", self.clock.now())
        row = a_delivery(an_alert(a_story(number), ANA), due_at=self.clock.now())
        await self.store.commit((some_changes(a_story(number), deliveries=(row,)),))
        return row

    async def state(self, row: Delivery) -> DeliveryState:
        found = await self.store.delivery(row.id)
        assert found is not None
        return found.state

    async def stop(self, serving: asyncio.Task[None]) -> float:
        """Stop as SIGTERM does; return how many seconds it took."""
        began = asyncio.get_running_loop().time()
        self.bot.stop.set()
        await serving
        return asyncio.get_running_loop().time() - began


async def _unreachable(source: SourceSpec, url: str, cursor: Cursor) -> FetchError:
    return FetchError("no network here")


class Breaking:
    """A memory store of which one method breaks, once told to."""

    def __init__(self, method: str, error: Exception) -> None:
        self.inner = MemoryStore()
        self.breaks = False
        self._method, self._error = method, error

    def __getattr__(self, name: str) -> Any:
        return self._break if self.breaks and name == self._method else getattr(self.inner, name)

    async def _break(self, *_: object, **__: object) -> Any:
        raise self._error


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
    room = Room(clock, TokenError("revoked"), TokenError("revoked"))
    house = House(room, clock=clock)
    began = clock.now()
    keeping = asyncio.create_task(house.rooms.keep(cast("Platform", room), house.door))
    await until(lambda: house.rooms.open == {})
    assert house.rooms.in_words() == {"fake": "stopped: revoked"}
    row = await house.post()
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.PENDING
    await until(lambda: "fake" in house.rooms.open)
    assert clock.now() - began >= timedelta(seconds=2 * RETRY_ROOM_SECONDS + LISTENING_AFTER_SECONDS)
    assert room.times == 3
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
    await house.lanes.claim()
    await until(lambda: house.rooms.in_words() == {"fake": "stopped: not now"})
    await until(lambda: house.rooms.in_words() == {"fake": "on"})
    await house.lanes.exhaust()
    assert await house.state(row) is DeliveryState.SENT
    assert room.times == 1
    await _cancelled(keeping)


@pytest.mark.parametrize("ending", [ZeroDivisionError(), asyncio.CancelledError()])
async def test_a_bug_in_a_room_stops_that_room_and_it_starts_anew(clock: FakeClock, ending: BaseException) -> None:
    room = Room(clock, ending)
    house = House(room, clock=clock)
    keeping = asyncio.create_task(house.rooms.keep(cast("Platform", room), house.door))
    await until(lambda: room.times == 2 and house.rooms.in_words() == {"fake": "on"})
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


async def test_alerts_that_waited_too_long_expire_and_are_not_sent(clock: FakeClock) -> None:
    room = Room(clock, TokenError("revoked"))
    house = House(room, clock=clock)
    row = await house.post()
    clock.advance(timedelta(days=3, seconds=1))
    await house.bot.run_once()
    assert await house.state(row) is DeliveryState.EXPIRED
    assert room.platform.accepted == []


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
