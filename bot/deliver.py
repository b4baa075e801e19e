"""The delivering loop: claim → send → settle.

A lane is a rule, not a task: the store gives out, for each chat, the oldest due row while none is being sent,
and lets no workspace take the lanes of others.
Nothing is retried in memory: what an attempt came to is written down, and the row is claimed again when its chat
has rested. Every row is found again after a crash, and one that may have arrived is repeated once, marked.
A platform that cannot be reached at all is probed, and no row is tried meanwhile (`bot.core.breaker`); what has waited
too long is told in lists (`bot.core.lateness`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from structlog.contextvars import bound_contextvars

from bot.attempting import DeliverDesk, attempt, probed
from bot.core.model import Delivery, DeliveryState
from bot.core.outcome import Later, Outcome, Refused, Sent, Unsure
from bot.errors import DiskFull
from bot.ports import Platform

log = structlog.get_logger()

LANES = 16  # messages of one platform under way at once: at 30/s and 200 ms an answer, 6 are busy
LEASE = timedelta(minutes=5)
_LAST_SECONDS = 1.0  # to write down that a message was never begun
WAKE_WITHIN = timedelta(minutes=2)  # a rest that is longer waits for the clockwork's tick
CLOCK_SLACK = timedelta(seconds=2)  # a clock that goes a little fast or slow is not one that was set


class Lanes:
    """The messages under way. One task per attempt; `wake` starts another round of claiming."""

    def __init__(self, desk: DeliverDesk) -> None:
        self._desk = desk
        self._wake = asyncio.Event()
        self._busy: dict[asyncio.Task[None], str] = {}
        self._timers: set[asyncio.Task[None]] = set()
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._clock_read = (desk.clock.now(), desk.clock.monotonic())
        self._minding = asyncio.Lock()
        self.failure: BaseException | None = None  # of a database that failed in a lane: nothing is delivered any more
        self._claiming: asyncio.Task[int] | None = None
        self.rounds = 0  # of claiming, since the start

    @property
    def under_way(self) -> frozenset[object]:
        """The attempts that are being made now."""
        return frozenset(self._busy)

    @property
    def down_since(self) -> Mapping[str, datetime]:
        """The platforms that cannot be reached, and since when."""
        return self._desk.breakers.open_since

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. What is under way then goes on: see `drain`. A database that failed ends it."""
        while True:
            self._wake.clear()
            with contextlib.suppress(DiskFull):  # then nothing was claimed, so nothing is sent
                await self._claim_whole()
            self.rounds += 1
            await self._wake.wait()

    async def claim(self) -> int:
        """Start what can be started now; return how many."""
        if self.failure is not None:
            raise self.failure
        if self._desk.space.is_full:
            return 0
        await self.mind_the_clock()
        started = 0
        for name, room in list(self._desk.rooms.items()):
            self._keep_probing(room)
            now = self._desk.clock.now()
            busy = sum(platform == name for platform in self._busy.values())
            free = self._desk.breakers.room(name, now, busy, LANES)
            if free <= 0:
                continue
            claimed = await self._desk.store.claim(
                now, limit=free, platforms=(name,), lease=LEASE, patience=self._desk.patience()
            )
            for delivery in claimed:
                task = asyncio.create_task(self._lane(delivery))
                self._busy[task] = name
                task.add_done_callback(self._ended)
            started += len(claimed)
        return started

    async def mind_the_clock(self) -> None:
        """Notice a clock that was set, and move with it what waits: nothing goes early for that, nor much too late.

        What could not be written, for a full disk, is noticed again.
        """
        async with self._minding:
            then, counted_then = self._clock_read
            now, counted = self._desk.clock.now(), self._desk.clock.monotonic()
            passed = timedelta(seconds=counted - counted_then)
            by = now - then - passed
            if abs(by) > CLOCK_SLACK:
                await self._desk.store.clock_was_set(by, now - passed, now)
                for room in self._desk.rooms.values():
                    room.pace.clock_was_set(by)
                log.warning("clock.was_set", by_seconds=round(by.total_seconds()))
            self._clock_read = now, counted

    async def _claim_whole(self) -> int:
        """Claim to the end, even if cancelled: rows claimed as the program stops are under way too, not unsure."""
        self._claiming = asyncio.create_task(self.claim())
        return await asyncio.shield(self._claiming)

    async def exhaust(self) -> None:
        """Deliver all that is due, with the rests that limits ask for, and return: for `run --once` and tests."""
        going = True
        while await self._claim_whole() or going:
            waiting = [*self._busy, *self._timers]
            going = bool(waiting)  # a rest that ends during a claim is too late for it: then there is one more
            if waiting:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    async def drain(self, seconds: float) -> None:
        """Let what is under way end, for at most so long; what does not is found again at the next start."""
        for timer in (*self._timers, *self._probes.values()):
            timer.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if self._claiming is not None:
                    await asyncio.wait({self._claiming})
                while self._busy:
                    await asyncio.wait(list(self._busy))
        late = list(self._busy)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_LAST_SECONDS)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._busy[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("delivery.not_noted", error=str(error))
            self.failure = self.failure or error
        self._wake.set()

    async def _lane(self, delivery: Delivery) -> None:
        chat = delivery.chat
        with bound_contextvars(chat=chat, platform=chat.platform, story=delivery.alert.story.number):
            await self._attempt(delivery)

    async def _attempt(self, delivery: Delivery) -> None:
        outcome = await attempt(self._desk, delivery)
        await self._desk.space.lasting(self.mind_the_clock)  # a rest is written by the time that others are written by
        now = self._desk.clock.now()
        state = await self._settled(delivery, outcome, now)
        log.info(
            "delivery.settled",
            delivery=delivery.id,
            platform=delivery.chat.platform,
            outcome=type(outcome).__name__.lower(),
            state=state.value,
            attempt=delivery.attempt,
            alerts=1 + len(delivery.also),
        )
        self._desk.settled(delivery, state, now)
        rest = _rests_until(outcome)
        if rest is not None and now < rest <= now + WAKE_WITHIN:
            timer = asyncio.create_task(self._wake_at(rest - now))
            self._timers.add(timer)
            timer.add_done_callback(self._timers.discard)

    async def _settled(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        """Write down what came of an attempt, as soon as there is room for it: unwritten, it would be repeated."""
        while True:
            try:
                return await self._desk.store.settle(delivery, outcome, now)
            except DiskFull:
                self._desk.space.give()
                await self._desk.space.room()

    async def _wake_at(self, rest: timedelta) -> None:
        await self._desk.clock.sleep(rest.total_seconds())
        self._wake.set()

    def _keep_probing(self, room: Platform) -> None:
        """Have somebody ask a platform that could not be reached, in time and again, until it answers."""
        known = self._probes.get(room.name)
        if self._desk.breakers.probe_at(room.name) is not None and (known is None or known.done()):
            self._probes[room.name] = asyncio.create_task(self._probe(room))

    async def _probe(self, room: Platform) -> None:
        breakers, clock = self._desk.breakers, self._desk.clock
        while (at := breakers.probe_at(room.name)) is not None:
            if breakers.take_probe(room.name, clock.now()):
                breakers.note_probe(room.name, await probed(self._desk, room), clock.now())
            else:
                await clock.sleep((at - clock.now()).total_seconds())
        self._wake.set()


def _rests_until(outcome: Outcome) -> datetime | None:
    match outcome:
        case Sent(rest_until=at) | Later(at=at) | Unsure(at=at) | Refused(at=at):
            return at
        case _:
            return None
