"""The delivering loop: claim → send → settle.

A lane is a rule, not a task: the store gives out, for each chat, the oldest due row while none is being sent.
Nothing is retried in memory: what an attempt came to is written down, and the row is claimed again when its chat
has rested. Every row is found again after a crash, and one that may have arrived is repeated once, marked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.core.model import Chat, Delivery
from bot.core.outcome import Gone, Later, Moved, Outcome, Refused, Sent, Unsure
from bot.core.plan import next_attempt
from bot.core.speech import Message
from bot.errors import BadMessage, ChatGone, ChatMoved, MaybeSent, SendError, TokenError, TryLater
from bot.ports import Clock, Platform, Store
from bot.turn import StillWaitingError

log = structlog.get_logger()

LANES = 16  # messages of one platform under way at once: at 30/s and 200 ms an answer, 6 are busy
LEASE = timedelta(minutes=5)
SEND_SECONDS = 120.0  # far above a room's own time-outs; a send that hangs for longer counts as unsure
_LAST_SECONDS = 1.0  # to write down that a message was never begun
WAKE_WITHIN = timedelta(minutes=2)  # a rest that is longer waits for the clockwork's tick


@dataclass(frozen=True, slots=True)
class DeliverDesk:
    """What delivering needs. `rooms` holds the platforms that may be used now; `stop_room` takes one out."""

    store: Store
    rooms: MutableMapping[str, Platform]
    clock: Clock
    jitter: Callable[[], float]
    stop_room: Callable[[str, str], None]
    send_seconds: float = SEND_SECONDS


class Lanes:
    """The messages under way. One task per attempt; `wake` starts another round of claiming."""

    def __init__(self, desk: DeliverDesk) -> None:
        self._desk = desk
        self._wake = asyncio.Event()
        self._busy: dict[asyncio.Task[None], str] = {}
        self._timers: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._claiming: asyncio.Task[int] | None = None
        self.rounds = 0  # of claiming, since the start

    @property
    def under_way(self) -> frozenset[object]:
        """The attempts that are being made now."""
        return frozenset(self._busy)

    def wake(self) -> None:
        """Say that there may be something to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. What is under way then goes on: see `drain`. A database that failed ends it."""
        while True:
            self._wake.clear()
            self._claiming = asyncio.create_task(self.claim())
            await asyncio.shield(self._claiming)  # rows claimed as the program stops are under way too, not unsure
            self.rounds += 1
            await self._wake.wait()

    async def claim(self) -> int:
        """Start what can be started now; return how many."""
        if self._failure is not None:
            raise self._failure
        started = 0
        for name in list(self._desk.rooms):
            free = LANES - sum(platform == name for platform in self._busy.values())
            if free <= 0:
                continue
            claimed = await self._desk.store.claim(self._desk.clock.now(), limit=free, platforms=(name,), lease=LEASE)
            for delivery in claimed:
                task = asyncio.create_task(self._lane(delivery))
                self._busy[task] = name
                task.add_done_callback(self._ended)
            started += len(claimed)
        return started

    async def exhaust(self) -> None:
        """Deliver all that is due, with the rests that limits ask for, and return: for `run --once` and tests."""
        while await self.claim() or self._busy or self._timers:
            waiting = [*self._busy, *self._timers]
            if waiting:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    async def drain(self, seconds: float) -> None:
        """Let what is under way end, for at most so long; what does not is found again at the next start."""
        for timer in self._timers:
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
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        self._wake.set()

    async def _lane(self, delivery: Delivery) -> None:
        outcome = await attempt(self._desk, delivery)
        now = self._desk.clock.now()
        state = await self._desk.store.settle(delivery, outcome, now)
        log.info(
            "delivery.settled",
            delivery=delivery.id,
            platform=delivery.chat.platform,
            outcome=type(outcome).__name__.lower(),
            state=state.value,
            attempt=delivery.attempt,
        )
        rest = _rests_until(outcome)
        if rest is not None and now < rest <= now + WAKE_WITHIN:
            timer = asyncio.create_task(self._wake_at(rest - now))
            self._timers.add(timer)
            timer.add_done_callback(self._timers.discard)

    async def _wake_at(self, rest: timedelta) -> None:
        await self._desk.clock.sleep(rest.total_seconds())
        self._wake.set()


async def attempt(desk: DeliverDesk, delivery: Delivery) -> Outcome:
    """Render and send one delivery, once, and say what came of it."""
    room = desk.rooms.get(delivery.chat.platform)
    if room is None:
        return Later(desk.clock.now(), "the room was stopped", counted=False)
    try:
        message = room.render(delivery.alert, repeat=delivery.unsure, plain=delivery.plain)
    except Exception as error:  # a bug in a renderer harms one message: plain text once, then the dead-letter list
        log.exception("delivery.unrenderable", delivery=delivery.id)
        return Refused(desk.clock.now(), f"could not be rendered ({type(error).__name__})")
    try:
        receipt = await _send_in_time(room, delivery.chat, message, desk.send_seconds)
    except (TokenError, StillWaitingError) as error:  # neither is an attempt
        if isinstance(error, TokenError):
            desk.stop_room(room.name, str(error))
        return Later(desk.clock.now(), str(error), counted=False)
    except SendError as error:
        return settle_for(error, delivery.attempt, desk.clock.now(), desk.jitter())
    except Exception as error:  # a bug in a room, or a time-out: nobody knows whether the message left
        log.exception("delivery.broke", delivery=delivery.id)
        unknown = MaybeSent(f"the attempt broke ({type(error).__name__})")
        return settle_for(unknown, delivery.attempt, desk.clock.now(), desk.jitter())
    now = desk.clock.now()
    return Sent(receipt, now + room.pace.rest(delivery.chat, now))


async def _send_in_time(room: Platform, chat: Chat, message: Message, seconds: float) -> str:
    """Send within so many seconds. Whether the message had left when they were up decides what that means."""
    try:
        async with asyncio.timeout(seconds):
            return await room.send(chat, message)
    except TimeoutError as error:
        if isinstance(error.__cause__, StillWaitingError):
            raise error.__cause__ from None
        raise


def settle_for(error: SendError, attempt: int, now: datetime, jitter: float) -> Outcome:
    """Say what a failed attempt means for the delivery."""
    match error:
        case ChatMoved(to=to):
            return Moved(to)
        case ChatGone():
            return Gone(str(error))
        case TryLater(after=after):
            return Later(next_attempt(now, attempt, after, jitter), str(error))
        case BadMessage():
            return Refused(now, str(error))
        case _:
            return Unsure(next_attempt(now, attempt, None, jitter), str(error))


def _rests_until(outcome: Outcome) -> datetime | None:
    match outcome:
        case Sent(rest_until=at) | Later(at=at) | Unsure(at=at) | Refused(at=at):
            return at
        case _:
            return None
