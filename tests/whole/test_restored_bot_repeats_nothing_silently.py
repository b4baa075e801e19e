"""The drill (R9): the disk is lost, a backup comes back, and the bot delivers. What it may repeat, it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.daemon import until
from tests.fakes.feeds import FeedServer
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import Town

pytestmark = pytest.mark.timeout(180)


async def test_news_between_backup_and_loss_comes_again_marked_and_what_follows_is_plain_news(tmp_path: Path) -> None:
    async with FeedServer() as feeds, FakeTelegram() as telegram:
        town = Town(tmp_path, feeds, telegram, 2)
        backup = tmp_path / "backup.gz"
        try:
            await town.settle_down()
            town.publish(1)
            await until(lambda: town.told() == 2)
            code, said = await town.daemon.ask("backup", str(backup))
            assert code == 0, said
            town.publish(1)
            await until(lambda: town.told() == 4)
            code, said = await town.daemon.ask("restore", str(backup))
            assert (code, "already running" in said) == (5, True)
            await town.daemon.kill()
            town.daemon.database.write_bytes(b"damaged" * 10_000)
            code, said = await town.daemon.ask("restore", str(backup))
            assert code == 0, said
            assert "cannot say who asked to be forgotten" in said
            await town.daemon.start()
            await until(lambda: town.told() == 6)
            town.publish(1)
            await until(lambda: town.told() == 8)
            await town.quiet()
        finally:
            assert await town.daemon.stop() == 0
        marks = {number: [town.copies()[chat, number] for chat in town.chats] for number in (1, 2, 3)}
        assert marks == {1: [[False]] * 2, 2: [[False, True]] * 2, 3: [[False]] * 2}
