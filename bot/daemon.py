"""How the bot lives and stops: its workers and its front door.

Order of stopping: rooms stop listening, polling stops and messages under way end, all at once and in ten seconds at
most, then everything is closed. Rows that time did not suffice for stay in the outbox, and a room that does not end
is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clockwork import Clockwork
from bot.commands import Command, Desk, Who, answer, command_named
from bot.core.lateness import GIVE_UP_AFTER
from bot.core.model import Alert, Chat
from bot.core.plan import LONGEST_WISH
from bot.core.speech import Call, Reply, Span
from bot.core.throttle import COMMANDS_A_MINUTE, Hearing, Throttle
from bot.deliver import Lanes
from bot.errors import BotError, DiskFull, StoreError
from bot.poll import PollDesk, Polled, poll_due
from bot.ports import Clock, Store
from bot.rooms import Rooms
from bot.space import Space
from bot.tasks import end
from bot.watching.operators import Operators

log = structlog.get_logger()

DRAIN_SECONDS = 8.0  # of the ten that docs/operate.md promises; the rest is for closing
_HOPELESS_SECONDS = 1.0
TICK_OLD_AFTER = timedelta(seconds=60)  # then the bot is not ready


class FrontDoor:
    """What rooms may ask. Changes are made one at a time with deciding, so that an unfollow holds at once.

    `desk` is the one in force: a reload puts another in its place, so nobody keeps a copy of it. A chat that asks too
    often is told so once and then not heard for a while; operators always are. `heard` is told of each answer: the
    platform, the command, and how it went.
    """

    def __init__(
        self,
        desk: Desk,
        one_at_a_time: asyncio.Lock,
        wake_outbox: Callable[[], None],
        operators: Operators | None = None,
        heard: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        self.desk = desk
        self.space = Space()
        self._operators = operators or Operators()
        self._heard = heard
        # apart, so that somebody who floods a group cannot keep its administrators from the pause
        self._of_changers, self._of_others = Throttle(), Throttle()
        self._one_at_a_time = one_at_a_time
        self._wake_outbox = wake_outbox

    async def answer(self, call: Call) -> Reply:
        """Answer a line. A bug becomes a sentence with a reference that the log knows."""
        call = self._operators.recognized(call)
        if not call.is_operator and (unheard := self._over_limit(call)) is not None:
            return unheard
        command = command_named(call.verb)
        reply, outcome = await self._carried_out(call, command)
        self._heard(call.chat.platform, command.name if command else "unknown", outcome)
        await self._operators.audit(self.desk.store, call, outcome, self.desk.clock.now())
        return reply

    async def _carried_out(self, call: Call, command: Command | None) -> tuple[Reply, str]:
        """Answer, and say in a word how it went."""
        name = command.name if command else ""
        changes = command is not None and command.who_may(call.args) is not Who.EVERYBODY
        try:
            async with self._one_at_a_time if changes else contextlib.nullcontext():
                reply = await answer(self.desk, call)
        except BotError as error:
            log.warning("command.failed", verb=name, error=str(error))
            return Reply((Span(f"That did not work: {error}"),), ok=False), "failed"
        except Exception:
            ref = secrets.token_hex(2).upper()
            log.exception("command.crashed", verb=name, ref=ref)
            return Reply((Span(f"Something went wrong (ref {ref}). It has been logged."),), ok=False), "crashed"
        finally:
            if changes:
                self._wake_outbox()
        return reply, "done" if reply.ok else "refused"

    def _over_limit(self, call: Call) -> Reply | None:
        """Say what a chat hears that asks too often: a sentence once, then nothing. None: it does not."""
        now, chat = self.desk.clock.now(), call.chat
        throttle = self._of_changers if call.may_change else self._of_others
        match throttle.hear(chat, now):
            case Hearing.TAKEN:
                return None
            case Hearing.REFUSED:
                log.warning("chat.flooding", platform=chat.platform)
                wait = max(1, round(throttle.wait(chat, now).total_seconds()))
                return Reply(
                    (Span(f"That is more than {COMMANDS_A_MINUTE} commands a minute. Ask again in {wait} s."),),
                    ok=False,
                )
            case Hearing.IGNORED:
                return Reply((), ok=False)

    async def moved(self, chat: Chat, to: Chat) -> None:
        await self._note(lambda: self.desk.store.move(chat, to, self.desk.clock.now()))

    async def left(self, chat: Chat, why: str) -> None:
        await self._note(lambda: self.desk.store.part(chat, why, self.desk.clock.now()))

    async def returned(self, chat: Chat) -> None:
        await self._note(lambda: self.desk.store.wake(chat))

    async def _note(self, change: Callable[[], Awaitable[object]]) -> None:
        """Write down what a platform told and will not tell again: where the disk is full, once there is room."""

        async def in_turn() -> None:
            async with self._one_at_a_time:
                await change()

        await self.space.lasting(in_turn)

    async def history(self, chat: Chat, limit: int) -> Sequence[Alert]:
        return tuple(delivery.alert for delivery in await self.desk.store.history(chat, limit))


def _lost_its_database(failures: Sequence[BaseException]) -> bool:
    return any(isinstance(failure, StoreError) for failure in failures)


def _no_backups() -> tuple[datetime | None, datetime | None]:
    """Say that none are made, and none was."""
    return None, None


async def _nothing(_why: str) -> None:
    """Say nothing to nobody."""


@dataclass(slots=True)
class Bot:
    """Everything that runs. `announce` speaks to whoever started it; `others` run for as long as the bot serves.

    `last_words` tells those who must know why the bot ends by itself; `expired` counts alerts given up for their age.
    `backups` says since when they are made, None where they are not, and when the last good one was.
    """

    clock: Clock
    store: Store
    polling: PollDesk
    lanes: Lanes
    rooms: Rooms
    clockwork: Clockwork
    door: FrontDoor
    announce: Callable[[Sequence[Polled]], Awaitable[None]]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    last_tick: datetime | None = None
    ticks: int = 0
    drain_seconds: float = DRAIN_SECONDS
    others: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    last_words: Callable[[str], Awaitable[None]] = _nothing
    backups: Callable[[], tuple[datetime | None, datetime | None]] = _no_backups
    expired: Callable[[int], None] = lambda _: None
    space: Space = field(default_factory=Space)

    async def begin(self) -> None:
        """Find what an earlier run left: sources, rows in flight, how much was sent in the last minute."""
        now = self.clock.now()
        await self.store.register(tuple(self.polling.sources.values()))
        await self.store.pull_back(now, LONGEST_WISH)
        if unsure := await self.store.recover(now, every_lease=True):
            log.warning("outbox.recovered", rows=unsure)
        # As if sent now: an answer that nobody waited for says nothing of when the platform counted its message.
        for chat in await self.store.attempted_since(now - timedelta(minutes=1)):
            if room := self.rooms.all.get(chat.platform):
                room.pace.recall(chat, now)

    async def run_once(self) -> None:
        """Poll every due source once, deliver what is due. Asked to stop, it leaves the rest for the next run."""
        stopping, work = asyncio.create_task(self.stop.wait()), asyncio.create_task(self._round())
        await asyncio.wait({stopping, work}, return_when=asyncio.FIRST_COMPLETED)
        await end({stopping})
        if not work.done():
            await self._wind_up({work}, self.drain_seconds)
        elif error := work.exception():
            raise error

    async def _round(self) -> None:
        await self.announce(await poll_due(self.polling))
        await self._tidy()
        await self.lanes.exhaust()

    async def serve(self) -> None:
        """Live until `stop` is set or a worker fails, then stop in order. A failed worker's error is raised."""
        stopping = asyncio.create_task(self.stop.wait())
        work = [self.clockwork.run(), self._poll(), self._wake_lanes(), self.lanes.run(), self._housekeep()]
        work += [self.rooms.keep(room, self.door) for room in self.rooms.all.values()]
        work += [worker() for worker in self.others]
        alive = {stopping, *(asyncio.create_task(worker) for worker in work)}
        failures: list[BaseException] = []
        while not self.stop.is_set() and not failures:
            ended, alive = await asyncio.wait(alive, return_when=asyncio.FIRST_COMPLETED)
            failures = [error for task in ended if not task.cancelled() and (error := task.exception())]
        log.info("daemon.stopping")
        parting = asyncio.create_task(self._part(failures))
        try:
            # what comes of messages cannot be written down without a database: there is nothing to wait for
            await self._wind_up(alive, _HOPELESS_SECONDS if _lost_its_database(failures) else self.drain_seconds)
        finally:
            await parting
        if failures:
            raise failures[0]

    async def _part(self, failures: Sequence[BaseException]) -> None:
        """Say why the bot ends by itself, if it does."""
        for failure in failures[:1]:
            await self.last_words(str(failure) if isinstance(failure, BotError) else "A part of it broke.")

    async def _wind_up(self, workers: Collection[asyncio.Task[Any]], seconds: float) -> None:
        """End workers and messages under way. What a failing database did not write down of these is its error."""
        await asyncio.gather(end(workers, seconds), self.lanes.drain(seconds))
        if self.lanes.failure is not None:
            raise self.lanes.failure

    async def ready(self) -> tuple[str, ...]:
        """Return why the bot is not ready: polling ticks, the database can be written, every room is on."""
        reasons = []
        if self.last_tick is None or self.clock.now() - self.last_tick > TICK_OLD_AFTER:
            reasons.append("polling has not ticked for a minute")
        if self.space.is_full:
            reasons.append("the disk is full: polling and alerts wait for room")
        try:
            await self.store.claim(self.clock.now(), limit=0, platforms=(), lease=timedelta(0))
        except StoreError as error:
            reasons.append(str(error))
        return (*reasons, *(f"{name} is {state}" for name, state in self.rooms.in_words().items() if state != "on"))

    async def _poll(self) -> None:
        while True:
            await self.clockwork.beat("tick")
            self.last_tick = self.clock.now()
            self.ticks += 1
            results = await self._poll_if_there_is_room()
            self.last_tick = self.clock.now()
            if results:
                await self.announce(results)

    async def _poll_if_there_is_room(self) -> Sequence[Polled]:
        """Poll what is due. Without room nothing is asked: what could not be kept would be asked for again."""
        if not self.space.is_full:
            with contextlib.suppress(DiskFull):  # the next poll sees all of it anew
                return await poll_due(self.polling)
        return ()

    async def _wake_lanes(self) -> None:
        while True:
            await self.clockwork.beat("outbox")
            self.lanes.wake()

    async def _housekeep(self) -> None:
        while True:
            await self.clockwork.beat("housekeeping")
            with contextlib.suppress(DiskFull):  # it comes again in a minute
                await self._tidy()

    async def _tidy(self) -> None:
        await self.lanes.mind_the_clock()  # first: a clock that was set makes nothing old
        now = self.clock.now()
        recovered = await self.store.recover(now)
        expired = await self.store.expire(now - GIVE_UP_AFTER)
        if recovered or expired:
            log.warning("outbox.tidied", recovered=recovered, expired=expired)
            self.expired(expired)
        for room in self.rooms.all.values():
            room.pace.tidy(now)
