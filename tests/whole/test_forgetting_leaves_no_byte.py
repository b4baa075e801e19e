"""`/forget` on the running bot (S42): no byte of the chat's number is left a minute later, whoever reads meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from isal import igzip

from tests.fakes.daemon import until
from tests.fakes.feeds import FeedServer
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import Town

HER = 7_788_990_011
NAME = str(HER).encode()
READS_SECONDS = 1.0


def hits(town: Town) -> dict[str, int]:
    """Count her number in the raw bytes of everything that the bot keeps: the database, its log, log lines."""
    found = {}
    for file in (town.daemon.output, *town.daemon.database.parent.rglob("*")):
        with contextlib.suppress(FileNotFoundError, OSError):  # a socket; a file that went
            found[file.name] = file.read_bytes().count(NAME)
    return {name: count for name, count in found.items() if count}


async def test_no_byte_is_left_though_another_program_reads_and_a_backup_is_made(tmp_path: Path) -> None:
    async with FeedServer() as feeds, FakeTelegram() as telegram:
        town = Town(tmp_path, feeds, telegram, 2)
        try:
            await town.settle_down()
            telegram.world.say(HER, HER, "/follow tps")
            telegram.world.say(HER, HER, "/follow wordsthatonlyshewouldwrite")
            await until(lambda: len(telegram.accepted) >= 4)
            town.publish(2)
            await until(lambda: sum(message.chat == HER for message in telegram.accepted) >= 4)
            assert hits(town).keys() & {"policybell.db", "policybell.db-wal"}
            with closing(sqlite3.connect(f"file:{town.daemon.database}?mode=ro", uri=True)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM chats").fetchone()
                backing_up = asyncio.create_task(town.daemon.ask("backup", str(tmp_path / "copy.gz")))
                telegram.world.say(HER, HER, "/forget yes")
                began = time.monotonic()
                await until(lambda: (0,) in town.rows(f"select count(*) from chats where chat = '{HER}'"))
                gone = time.monotonic() - began
                await asyncio.sleep(READS_SECONDS)
                assert "policybell.db-wal" in hits(town), "the reader kept nobody from anything"
            await until(lambda: hits(town) == {}, 60)
            print(f"\nrows gone after {gone:.1f} s, every byte after {time.monotonic() - began:.1f} s")
            assert gone <= 5
            assert b"store.log_kept" in town.daemon.output.read_bytes()
            assert (await backing_up)[0] == 0
            town.publish(1)
            await until(lambda: len([m for m in telegram.accepted if "notice number 3" in m.text]) == 2)
            assert hits(town) == {}
        finally:
            assert await town.daemon.stop() == 0
        assert hits(town) == {}
        later = tmp_path / "later.gz"
        assert (await town.daemon.ask("backup", str(later)))[0] == 0
        with igzip.open(later, "rb") as packed:
            assert NAME not in packed.read()
