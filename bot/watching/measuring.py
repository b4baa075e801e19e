"""What is measured of the running bot, for alarms, for metrics, and for whoever asks how it is.

Nothing here needs the disk: where the database does not answer, that is a fact like others.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from bot.core.agenda import left_alone_since
from bot.core.alarms import Facts, SourceHealth
from bot.core.condition import UNWATCHABLE, Condition, find
from bot.core.floods import Flood
from bot.core.habit import Behavior
from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec, Standing
from bot.core.model import DeliveryState
from bot.core.silences import silences
from bot.core.turns import turns
from bot.errors import FetchError, StoreError
from bot.ports import Clock, Fetch, Store
from bot.ports.oversight import Vitals
from bot.watching.losses import Losses

ANSWER_SECONDS = 15.0  # for the database; half of the time between two looks

_SERVERS = 20  # whose clocks are remembered: the last that were asked
_SERVERS_LEAST = 3  # of which more than half must be wrong together to put our own clock in the wrong


@dataclass(frozen=True, slots=True)
class _Read:
    """What the database knows of one moment."""

    cursors: tuple[Cursor, ...]
    paused: Mapping[str, datetime]
    vitals: Vitals
    held: Mapping[str, datetime]
    floods: tuple[Flood, ...]
    habits: Mapping[str, Behavior]


async def _no_habits() -> Mapping[str, Behavior]:
    return {}


@dataclass(frozen=True, slots=True)
class Measured:
    """One moment: the facts for alarms, and the numbers behind them. `cursors` are those of sources in use."""

    facts: Facts
    vitals: Vitals = field(default_factory=Vitals)
    cursors: tuple[Cursor, ...] = ()
    paused: Mapping[str, datetime] = field(default_factory=dict)
    conditions: Mapping[str, Condition] = field(default_factory=dict)


@dataclass(slots=True)
class Instruments:
    """Where each fact comes from. What nobody measures is left out, and raises nothing.

    `stopped`, `unreachable`, `unheard`: by platform, as in `Facts`. `backups` gives since when they are
    made, None where they are not, and when the last good one was.
    """

    store: Store
    clock: Clock
    data_dir: Path
    sources: Callable[[], Mapping[str, SourceSpec]]
    stopped: Callable[[], Mapping[str, str]] = dict
    unreachable: Callable[[], Mapping[str, datetime]] = dict
    unheard: Callable[[], frozenset[str]] = frozenset
    ticked_at: Callable[[], datetime | None] = lambda: None
    disk_full: Callable[[], bool] = bool
    backups: Callable[[], tuple[datetime | None, datetime | None]] = lambda: (None, None)
    reload_failed: Callable[[], str] = str
    clock_ahead: Callable[[], timedelta | None] = lambda: None
    habits: Callable[[], Awaitable[Mapping[str, Behavior]]] = _no_habits
    losses: Losses = field(default_factory=Losses)
    patience: float = ANSWER_SECONDS
    _failing: dict[str, datetime] = field(default_factory=dict)
    _reading: asyncio.Task[_Read] | None = None

    async def measure(self) -> Measured:
        """Look at everything once. A database that is silent is not waited for, nor asked again before it answers."""
        reading = self._reading = self._reading or asyncio.create_task(self._read())
        await asyncio.wait({reading}, timeout=self.patience)
        now = self.clock.now()
        if not reading.done():
            silent = f"The database does not answer, for more than {self.patience:g} seconds."
            return Measured(self._facts(now, (), Vitals(), {}, silent))
        self._reading = None
        try:
            found = reading.result()
        except StoreError as error:
            return Measured(self._facts(now, (), Vitals(), {}, str(error)))
        read = tuple(cursor for cursor in found.cursors if cursor.source_id not in found.paused)
        told = turns(self.sources(), read, now) + silences(self.sources(), read, found.habits, now)
        told += self.losses.alarms(self.sources(), now)
        facts = replace(self._facts(now, read, found.vitals, found.held, ""), floods=found.floods, moves=told)
        return Measured(facts, found.vitals, found.cursors, found.paused, self._conditions(found, now))

    async def _read(self) -> _Read:
        cursors, paused = await self.store.cursors(), await self.store.paused_sources()
        vitals, held = await self.store.vitals(self.clock.now()), await self.store.held()
        return _Read(cursors, paused, vitals, held, await self.store.floods(), await self.habits())

    def _conditions(self, read: _Read, now: datetime) -> Mapping[str, Condition]:
        """Say in a word how each source is."""
        known, held = self.sources(), {flood.source_id: flood for flood in read.floods}
        return {
            cursor.source_id: find(
                known[cursor.source_id],
                cursor,
                now,
                habit=read.habits.get(cursor.source_id),
                paused_since=read.paused.get(cursor.source_id),
                held=held.get(cursor.source_id),
            ).condition
            for cursor in read.cursors
            if cursor.source_id in known
        }

    def _facts(
        self, now: datetime, cursors: tuple[Cursor, ...], vitals: Vitals, held: Mapping[str, datetime], database: str
    ) -> Facts:
        backups_since, backup_at = self.backups()
        return Facts(
            now,
            sources=self._sources(cursors, now),
            waiting=vitals.waiting,
            stopped=self.stopped(),
            unreachable=self.unreachable(),
            held=held,
            unheard=self.unheard(),
            unsure=vitals.rows.get(DeliveryState.MAYBE, 0),
            dead=vitals.rows.get(DeliveryState.DEAD, 0),
            untold=vitals.untold,
            database=database,
            ticked_at=self.ticked_at(),
            disk_free=_free(self.data_dir),
            disk_full=self.disk_full(),
            backups_since=backups_since,
            backup_at=backup_at,
            reload_failed=self.reload_failed(),
            clock_ahead=self.clock_ahead(),
        )

    def _sources(self, cursors: tuple[Cursor, ...], now: datetime) -> tuple[SourceHealth, ...]:
        """Say how sources are; one that was never read fails since we saw it fail."""
        known = self.sources()
        failing = {cursor.source_id for cursor in cursors if cursor.failures}
        self._failing = {one: self._failing.get(one, now) for one in failing}
        read = [cursor for cursor in cursors if cursor.source_id in known]
        alone = {one.source_id: left_alone_since(known[one.source_id], one, now) for one in read}
        found = {one.source_id: find(known[one.source_id], one, now) for one in read}
        worded = {one: finding for one, finding in found.items() if finding.condition in UNWATCHABLE or alone[one]}
        return tuple(
            SourceHealth(
                cursor.source_id,
                known[cursor.source_id].name,
                official=known[cursor.source_id].standing is Standing.OFFICIAL,
                failures=cursor.failures if cursor.retired_at is None else 0,  # which is told by itself
                error=worded[cursor.source_id].words if cursor.source_id in worded else cursor.last_error,
                next_step=worded[cursor.source_id].next_step if cursor.source_id in worded else "",
                failing_since=(cursor.last_success_at or self._failing[cursor.source_id]) if cursor.failures else None,
                left_alone_since=alone[cursor.source_id],
            )
            for cursor in read
        )


class WorldClock:
    """A `Fetch` that compares our clock with those of the servers that answer."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._ahead: OrderedDict[str, timedelta] = OrderedDict()

    async def __call__(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        """Fetch, and note by how much our clock was ahead of the answer's date."""
        got = await self._fetch(source, url, cursor)
        if not isinstance(got, FetchError) and (dated := _dated(got.headers)) is not None:
            self._ahead[source.id] = got.fetched_at - dated
            self._ahead.move_to_end(source.id)
            while len(self._ahead) > _SERVERS:
                self._ahead.popitem(last=False)
        return got

    @property
    def ahead(self) -> timedelta | None:
        """By how much our clock is ahead of the world's; None where too few servers were asked."""
        found = sorted(self._ahead.values())
        return found[len(found) // 2] if len(found) >= _SERVERS_LEAST else None


def _dated(headers: Mapping[str, str]) -> datetime | None:
    """Say when an answer was sent by its server's clock. What came from a cache was made `Age` seconds before."""
    try:
        at = parsedate_to_datetime(headers.get("date", ""))
        aged = timedelta(seconds=int(headers.get("age", "0") or 0))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) + aged
    except (ValueError, OverflowError):
        return None


def _free(directory: Path) -> int | None:
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None
