"""The disk fills up while news comes in (R6): nothing is sent that is not written down, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.fakes.daemon import until
from tests.fakes.feeds import FeedServer
from tests.fakes.mounts import fill, small_disk
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import Town

pytestmark = pytest.mark.timeout(180)

KIBIBYTES = 3 * 1024
CHATS, ITEMS = 12, 4


async def test_a_full_disk_pauses_polling_and_alerts_and_they_go_on_without_a_restart(tmp_path: Path) -> None:
    async with FeedServer() as feeds, FakeTelegram() as telegram:
        with small_disk(tmp_path / "data", KIBIBYTES) as disk:
            town = Town(tmp_path, feeds, telegram, CHATS)
            try:
                await fill_up_and_make_room(town, disk)
            finally:
                code = await town.daemon.stop()
            assert code == 0
            figures = town.assert_promises()
            assert all(marks == [False] for marks in town.copies().values()), "the pause made a repeat of something"
            print(f"\nfull disk: {figures}")


async def fill_up_and_make_room(town: Town, disk: Path) -> None:
    ballast, said = disk / "ballast", town.daemon.output
    await town.settle_down()
    assert ballast.stat().st_size == KIBIBYTES * 1024 // 12 == 256 * 1024
    town.publish(1)
    await until(lambda: town.told() == CHATS)
    filler = fill(disk)
    town.publish(ITEMS)
    await until(lambda: b"disk.full" in said.read_bytes())
    assert not ballast.exists()
    fill(disk)  # whoever fills disks takes the ballast's room as well
    asked = town.feeds.count("/feed.xml")
    told = town.told()
    code, listed = await town.daemon.ask("outbox", "list", "--json")
    assert (code, listed[:1]) == (0, "[")
    code, answer = await town.daemon.ask("why", "https://uscis.example/news/bridge", "--chat", "telegram:701")
    assert code == 0, answer
    await asyncio.sleep(2)
    assert town.feeds.count("/feed.xml") <= asked + 1, "sources are asked for what cannot be kept"
    attempts = town.rows("select coalesce(sum(attempt), 0) from deliveries")
    assert attempts == [(town.told(),)], "something was sent that was not marked as being sent"
    assert town.told() - told <= CHATS
    assert await town.daemon.ready_says() == 503
    filler.unlink()
    began = time.monotonic()
    await until(lambda: town.told() > told and ballast.exists(), 60)
    print(f"\nwent on {time.monotonic() - began:.0f} s after there was room")
    await town.quiet()
