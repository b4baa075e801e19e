"""What is done once a day: a backup, then what its age takes away, from rows and from backups alike.

What is old goes whatever became of the backup: a copy that stays keeps what somebody asked to be forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import structlog

from bot.core.backups import is_due, name_at, newest, outdated
from bot.core.retention import Ages, Cutoffs, Pruned, cutoffs
from bot.errors import DiskFull, StoreError
from bot.ports import Clock, Store

log = structlog.get_logger()

LOOK_SECONDS = 60.0
AGAIN_AFTER = timedelta(hours=1)  # a backup that failed
PRUNE_ROWS = 200  # of each kind in one transaction: some 10 ms, for which others wait
_PAUSE_SECONDS = 0.02  # between two of them
_USUAL_TURN = time(3, 30)  # of the day's pruning where backups are off
_LEFT_OVER_AFTER = timedelta(days=1)  # no backup takes so long


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings say. `backup_at` is a time of day in `zone`, None where no backups are wanted."""

    zone: str
    backup_at: time | None
    keep: int
    directory: Path
    ages: Ages


class Upkeep:
    """Looks once a minute whether the day's work is due. `plan` is asked each time, so a reload holds at once."""

    def __init__(self, store: Store, clock: Clock, plan: Callable[[], Plan], data_dir: Path) -> None:
        self._store, self._clock, self._plan, self._data_dir = store, clock, plan, data_dir
        self._since = clock.now()
        self._last_backup: datetime | None = None
        self._last_clearing: datetime | None = None
        self._last_pruning: datetime | None = None
        self._not_before = self._since

    def backups(self) -> tuple[datetime | None, datetime | None]:
        """Say since when backups are made, None where they are not, and when the last good one was."""
        return (self._since if self._plan().backup_at is not None else None), self._last_backup

    async def keep(self) -> None:
        """Do each day's work until cancelled. What fails is logged and tried again; only `StoreError` of rows ends."""
        self._last_backup = await asyncio.to_thread(_newest_in, self._plan().directory)
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Do what is due now. The backup comes first: what is pruned is then in it for a few days more."""
        plan, now = self._plan(), self._clock.now()
        if plan.backup_at is not None and self._backup_is_due(plan.backup_at, plan.zone, now):
            await self._back_up(plan, now)
        if is_due(now, self._last_clearing, plan.backup_at or _USUAL_TURN, plan.zone) and (
            gone := await self._clear(plan, now)
        ):
            log.info("backup.old_ones_removed", removed=gone)
        if is_due(now, self._last_pruning, plan.backup_at or _USUAL_TURN, plan.zone):
            await self._prune(plan, now)

    def _backup_is_due(self, at: time, zone: str, now: datetime) -> bool:
        return now >= self._not_before and is_due(now, self._last_backup, at, zone)

    async def _back_up(self, plan: Plan, now: datetime) -> None:
        file = plan.directory / name_at(now)
        try:
            await self._store.backup(file)
        except StoreError as error:
            self._not_before = now + AGAIN_AFTER
            log.error("backup.failed", error=str(error))  # noqa: TRY400 - the sentence says all that a trace would
            return
        self._last_backup = now
        log.info("backup.done", file=file.name, removed=await self._clear(plan, now))

    async def _clear(self, plan: Plan, now: datetime) -> int:
        """Remove what is too old, and say how many files went; what cannot be removed is tried again tomorrow."""
        self._last_clearing = now
        try:
            return await asyncio.to_thread(_clear, plan, self._data_dir, now)
        except OSError as error:
            log.warning("backup.old_ones_stay", error=str(error))
            return 0

    async def _prune(self, plan: Plan, now: datetime) -> None:
        try:
            pruned = await prune_all(self._store, cutoffs(now, plan.ages))
        except DiskFull as error:  # tried again at the next look
            log.warning("retention.put_off", error=str(error))
            return
        self._last_pruning = now
        if pruned.anything:
            log.info("retention.done", **in_numbers(pruned))


async def prune_all(store: Store, old: Cutoffs) -> Pruned:
    """Prune in small steps until nothing is left to take, so that nobody waits long."""
    total = Pruned()
    while (went := await store.prune(old, PRUNE_ROWS)).anything:
        total += went
        await asyncio.sleep(_PAUSE_SECONDS)
    return total


def in_numbers(pruned: Pruned) -> dict[str, int]:
    """Name what went, without what did not."""
    numbers = {
        "items": pruned.items,
        "texts": pruned.texts,
        "deliveries": pruned.deliveries,
        "chats": pruned.chats,
        "audit": pruned.audit,
    }
    return {what: number for what, number in numbers.items() if number}


def _newest_in(directory: Path) -> datetime | None:
    """Read when the newest backup was made; of a directory that cannot be read, the next backup will tell."""
    with contextlib.suppress(OSError):
        return newest(file.name for file in _files(directory))
    return None


def _clear(plan: Plan, data_dir: Path, now: datetime) -> int:
    """Remove backups that are too old, databases that a restore put aside, and what killed backups left."""
    places = {plan.directory, data_dir, data_dir / "backups"}  # the last has those from before changes of the schema
    files = {file: _changed(file) for place in places for file in _files(place)}
    old = outdated({file.name: at for file, at in files.items()}, now, plan.keep)
    left = {file for file, at in files.items() if file.name.startswith(".policybell-") and now - at > _LEFT_OVER_AFTER}
    gone = left | {file for file in files if file.name in old}
    for file in gone:
        file.unlink(missing_ok=True)
    return len(gone)


def _files(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        yield from (file for file in directory.iterdir() if file.is_file())


def _changed(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
