from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.core.backups import name_at
from bot.core.retention import Ages
from bot.errors import DiskFull, StoreError
from bot.store.memory import MemoryStore
from bot.upkeep import AGAIN_AFTER, Plan, Upkeep
from tests.builders import NOW, a_chat, a_story, at
from tests.fakes.clock import FakeClock
from tests.storing import follow, publish


class Disk(MemoryStore):
    """A store whose backups are files with nothing in them, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = ""
        self.made: list[str] = []

    async def backup(self, file: Path) -> None:
        if self.failing:
            raise StoreError(self.failing)
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
        self.made.append(file.name)


@dataclass
class House:
    directory: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    store: Disk = field(default_factory=Disk)

    def __post_init__(self) -> None:
        self.plan = Plan("UTC", time(3, 30), 7, self.directory / "backups", Ages())
        self.upkeep = self.open()

    def open(self) -> Upkeep:
        return Upkeep(self.store, self.clock, lambda: self.plan, self.directory)

    async def wait(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))
        await self.upkeep.look()

    def files(self) -> Iterator[str]:
        return (file.name for file in sorted(self.plan.directory.iterdir()))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_the_first_backup_comes_at_once_and_then_one_a_night(house: House) -> None:
    for _ in range(3 * 24):
        await house.wait(hours=1)
    nights = [at(hours=1), at(hours=16), at(hours=40), at(hours=64)]
    assert house.store.made == [name_at(night) for night in nights]
    assert house.upkeep.backups() == (NOW, at(hours=64))


async def test_a_restart_knows_the_last_one_by_its_name(house: House) -> None:
    await house.wait(hours=1)
    house.upkeep = again = house.open()
    keeping = asyncio.create_task(again.keep())
    while again.backups()[1] is None:
        await asyncio.sleep(0)
    keeping.cancel()
    assert again.backups() == (at(hours=1), at(hours=1))
    await house.wait(hours=2)
    assert len(house.store.made) == 1


async def test_a_backup_that_fails_is_told_and_tried_again_in_an_hour(house: House) -> None:
    house.store.failing = "There is no room."
    with capture_logs() as logs:
        await house.wait(minutes=1)
        await house.wait(minutes=1)
    assert [(log["event"], log["error"]) for log in logs] == [("backup.failed", "There is no room.")]
    assert house.upkeep.backups() == (NOW, None)
    house.store.failing = ""
    await house.wait(seconds=AGAIN_AFTER.total_seconds())
    assert len(house.store.made) == 1


async def test_seven_are_kept_and_what_killed_backups_left_goes(house: House) -> None:
    await house.wait(hours=1)
    left, young, mine = (house.plan.directory / name for name in (".policybell-x.copy", ".policybell-y.part", "my.gz"))
    for file in (left, young, mine):
        file.touch()
    for file in (left, mine):
        os.utime(file, (0, 0))
    for _ in range(10 * 4):
        await house.wait(hours=6)
        os.utime(young, (house.clock.now().timestamp(), house.clock.now().timestamp()))
    assert list(house.files()) == [".policybell-y.part", "my.gz", *house.store.made[-7:]]


async def test_backups_that_are_off_are_not_made_and_old_rows_go_all_the_same(house: House) -> None:
    house.plan = replace(house.plan, backup_at=None)
    await publish(house.store, a_story(1))
    await house.wait(days=61)
    assert house.store.made == []
    assert house.upkeep.backups() == (None, None)
    story = await house.store.story(1)
    assert story is not None
    assert story.lead.text == ""


@pytest.mark.parametrize("trouble", ["off", "failing"])
async def test_what_restores_and_upgrades_left_goes_without_a_backup_too(house: House, trouble: str) -> None:
    if trouble == "off":
        house.plan = replace(house.plan, backup_at=None)
    house.store.failing = "There is no room."
    await house.wait(hours=1)
    house.plan.directory.mkdir()
    left = (
        house.directory / "policybell-replaced-2023-10-05T12-00-00Z.db",
        house.directory / "policybell-replaced-2023-10-05T12-00-00Z.db-wal",
        house.plan.directory / "policybell-before-m004_audit.db.gz",
        house.plan.directory / ".policybell-x.copy",
    )
    for file in left:
        file.touch()
        os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    await house.wait(days=6)
    assert all(file.exists() for file in left[:3])
    with capture_logs() as logs:
        await house.wait(days=2)
    assert not any(file.exists() for file in left)
    assert {"event": "backup.old_ones_removed", "removed": 3, "log_level": "info"} in logs


async def test_what_is_too_old_goes_once_a_day_after_the_backup(house: House) -> None:
    await follow(house.store, a_chat(1))
    await house.store.part(a_chat(1), "kicked", NOW)
    await house.wait(hours=1)
    with capture_logs() as logs:
        await house.wait(days=31)
        await house.wait(hours=1)
    assert [log["event"] for log in logs] == ["backup.done", "retention.done"]
    assert logs[1] == {"event": "retention.done", "chats": 1, "log_level": "info"}


async def test_a_full_disk_puts_pruning_off(house: House) -> None:
    full = [DiskFull("The disk is full.")]
    prune = house.store.prune

    async def tried(*args: object) -> object:
        if full:
            raise full.pop()
        return await prune(*args)

    house.store.prune = tried
    await publish(house.store, a_story(1))
    with capture_logs() as logs:
        await house.wait(days=61)
        await house.wait(minutes=1)
    assert [log["event"] for log in logs] == ["backup.done", "retention.put_off", "retention.done"]
