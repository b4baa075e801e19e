"""Kill the daemon while it delivers and polls: nothing is silently lost, no third copy, no unmarked second one.

`make test` kills a few times from a fixed seed; `make soak` many times.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import Item, rss, tps_item
from tests.fakes.telegram import FakeTelegram

pytestmark = pytest.mark.soak
KILLS = 60 if os.environ.get("POLICYBELL_SOAK") else 4
CHATS = [701 + number for number in range(6)]
BRIDGE = Item("Drawbridge removal begins", "https://uscis.example/news/bridge", "A bridge is removed.")

SETTINGS = """
[fetch]
tick = "100ms"
jitter = "0%"
per_host_delay = "0s"
[bot]
contact = "https://example.org/contact"
[catalogue]
enabled = []
[[sources]]
id = "uscis"
name = "USCIS news"
kind = "feed"
url = "{url}"
standing = "official"
every = "1s"
"""


class Town:
    """A feed that grows, a Telegram that is slow to answer, and a daemon between them that dies again and again."""

    def __init__(self, folder: Path, feeds: FeedServer, telegram: FakeTelegram) -> None:
        self.feeds = feeds
        self.telegram = telegram
        self.items = [BRIDGE]
        self.show()
        environ = {"POLICYBELL_TELEGRAM__TOKEN": telegram.token, "POLICYBELL_TELEGRAM__API_URL": telegram.api_url}
        self.daemon = Daemon(folder, SETTINGS.format(url=feeds.url("/feed.xml")), environ)

    def publish(self, count: int) -> None:
        """Let new items appear on top of the feed."""
        for _ in range(count):
            self.items.insert(0, tps_item(len(self.items)))
        self.show()

    def show(self) -> None:
        self.feeds.publish("/feed.xml", rss("USCIS", self.items[:60]), etag=f'"{len(self.items)}"')

    async def settle_down(self) -> None:
        """Start the daemon, let it poll the baseline, and let everybody follow."""
        await self.daemon.start()
        await until(lambda: self.feeds.count("/feed.xml") > 1)
        for chat in CHATS:
            self.telegram.world.say(chat, chat, "/follow tps")
        await until(lambda: len([m for m in self.telegram.accepted if "Following" in m.text]) == len(CHATS))

    async def quiet(self) -> None:
        """Wait until every item has a row for every chat and no row waits: a chat takes one message a second."""
        await until(self._is_quiet, 60 + 2 * len(self.items))

    def _is_quiet(self) -> bool:
        states = self.states()
        return sum(states.values()) == (len(self.items) - 1) * len(CHATS) and not states.keys() & {"pending", "sending"}

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self.daemon.database}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def states(self) -> dict[str, int]:
        return {
            str(state): int(str(n)) for state, n in self.rows("select state, count(*) from deliveries group by state")
        }

    def copies(self) -> dict[tuple[int, int], list[bool]]:
        """For each chat and notice, in the order of acceptance: whether each copy was marked as a possible repeat."""
        copies = defaultdict(list)
        for message in self.telegram.accepted:
            if "Why you got this" in message.text:
                notice = int(message.text.partition("notice number ")[2].split()[0])
                copies[message.chat, notice].append("may repeat" in message.text)
        return copies

    def assert_promises(self) -> None:
        copies = self.copies()
        maybe = self.states().get("maybe", 0)
        wanted = {(chat, number) for chat in CHATS for number in range(1, len(self.items))}
        lost = wanted - copies.keys()
        assert len(lost) <= maybe, f"silently lost: {lost}"
        assert all(len(marks) <= 2 for marks in copies.values())
        assert all(marks[1] for marks in copies.values() if len(marks) == 2)
        for chat in CHATS:
            order = list(dict.fromkeys(notice for to, notice in copies if to == chat))
            assert order == sorted(order)
        assert self.rows("pragma integrity_check") == [("ok",)]
        numbers = self.rows("select count(*), count(distinct title) from documents")
        assert numbers == [(len(self.items), len(self.items))]
        assert self.telegram.problems() == []


@pytest.mark.timeout(3600 if KILLS > 10 else 180)
async def test_kills_in_delivery_and_polling(tmp_path: Path) -> None:
    chance = random.Random(20231005)
    async with FeedServer() as feeds, FakeTelegram(latency=0.1) as telegram:
        town = Town(tmp_path, feeds, telegram)
        try:
            await town.settle_down()
            for kill in range(KILLS):
                town.publish(2)
                if kill % 2:  # in delivery: Telegram took a message and has not said so yet, or just did
                    before = len(telegram.accepted)
                    await until(lambda: len(telegram.accepted) > before)  # noqa: B023
                    await asyncio.sleep(chance.uniform(0, 0.06))
                else:  # in polling
                    await asyncio.sleep(chance.uniform(0, 0.3))
                await town.daemon.kill()
                await town.daemon.start(ready=False)
            await town.daemon.wait_until_ready()
            await town.quiet()
        finally:
            code = await town.daemon.stop()
        assert code == 0
        town.assert_promises()
        copies = town.copies()
        doubled = sum(len(marks) - 1 for marks in copies.values())
        print(f"\nkills {KILLS}: {len(copies)} alerts, {doubled} repeated and marked, states {town.states()}")


async def test_orderly_stops_double_nothing(tmp_path: Path) -> None:
    async with FeedServer() as feeds, FakeTelegram(latency=0.1) as telegram:
        town = Town(tmp_path, feeds, telegram)
        await town.settle_down()
        for _ in range(max(2, KILLS // 2)):
            town.publish(2)
            before = len(telegram.accepted)
            await until(lambda: len(telegram.accepted) > before)  # noqa: B023
            assert await town.daemon.stop(15) == 0
            await town.daemon.start(ready=False)
        try:
            await town.daemon.wait_until_ready()
            await town.quiet()
        finally:
            assert await town.daemon.stop() == 0
        town.assert_promises()
        assert all(marks == [False] for marks in town.copies().values())
        assert town.states().keys() == {"sent"}
