"""A whole bot on a memory store: real workers, fake rooms, fake time, quick beats."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from bot.attempting import DeliverDesk
from bot.clockwork import Clockwork
from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import Cursor, SourceSpec
from bot.core.model import Chat, Delivery, DeliveryState, Voice
from bot.core.query import parse
from bot.daemon import Bot, FrontDoor
from bot.deliver import Lanes
from bot.errors import FetchError
from bot.poll import LiveIndex, PollDesk, Polled
from bot.ports import Door, Platform, Store
from bot.rooms import Rooms
from bot.store.memory import MemoryStore
from tests.builders import a_delivery, a_source, a_story, an_alert, some_changes
from tests.fakes.asker import TOPICS, a_desk
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform

ANA = Chat("fake", "", "1")
SOON = {name: timedelta(milliseconds=10) for name in ("tick", "outbox", "config", "housekeeping")}


class Room:
    """A fake platform with a `listen` that can be told what to do: raise these, in turn, then listen for ever."""

    def __init__(self, clock: FakeClock, *endings: BaseException | None, stubborn: bool = False) -> None:
        self.platform = FakePlatform(clock)
        self.name, self.pace = self.platform.name, self.platform.pace
        self.render, self.send, self.close = self.platform.render, self.platform.send, self.platform.close
        self.tell = self.platform.tell
        self.render_list, self.probe = self.platform.render_list, self.platform.probe
        self.times: list[datetime] = []
        self.ended = 0
        self.refusal: Exception | None = None
        self._clock = clock
        self._endings = list(endings)
        self._stubborn = stubborn

    async def listen(self, _door: Door) -> None:
        self.times.append(self._clock.now())
        if self.refusal is not None:
            raise self.refusal
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
