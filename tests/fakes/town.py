"""A feed that grows, a Telegram that is slow to answer, and a real daemon between them that dies again and again."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Self

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import Item, rss, tps_item
from tests.fakes.telegram import FakeTelegram

SHOWN = 120  # items that the feed shows at once
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
_NOTICE = re.compile(r"notice number (\d+)")
Pair = tuple[int, int]  # a chat and the number of a notice


class Town:
    """`chats` private chats that follow `tps`; every item but the first, which all find there, is an alert for all."""

    def __init__(self, folder: Path, feeds: FeedServer, telegram: FakeTelegram, chats: int) -> None:
        self.feeds = feeds
        self.telegram = telegram
        self.chats = [701 + number for number in range(chats)]
        self.items = [BRIDGE]
        self.show()
        self._environ = telegram.environ
        self.daemon = Daemon(folder, SETTINGS.format(url=feeds.url("/feed.xml")), self._environ)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.daemon.kill()  # where a test failed

    def publish(self, count: int) -> None:
        """Let new items appear on top of the feed. They bear no dates: several of long ago at once would be listed."""
        for _ in range(count):
            number = len(self.items)
            item, address = tps_item(number), f"https://uscis.example/news/{number:04}"  # undated ones go by address
            self.items.insert(0, replace(item, published=None, link=address))
        self.show()

    def show(self) -> None:
        self.feeds.publish("/feed.xml", rss("USCIS", self.items[:SHOWN]), etag=f'"{len(self.items)}"')

    async def settle_down(self) -> None:
        """Start the daemon, let it poll the baseline, and let everybody follow."""
        await self.daemon.start()
        await until(lambda: self.feeds.count("/feed.xml") > 1)
        for chat in self.chats:
            self.telegram.world.say(chat, chat, "/follow tps")
        await until(lambda: sum("Following" in m.text for m in self.telegram.accepted) == len(self.chats), 60)

    def let_telegram_in(self, *, yes: bool) -> None:
        """Say whether the daemon has the token from its next start on."""
        for name, value in self._environ.items():
            self.daemon.environ[name] = value if yes else ""

    @property
    def owed(self) -> int:
        """How many alerts the items published so far are."""
        return (len(self.items) - 1) * len(self.chats)

    def told(self) -> int:
        """How many messages with alerts Telegram took, copies too."""
        return len(self.telegram.accepted) - len(self.chats)

    def settled(self) -> int:
        """How many rows will not be sent any more."""
        return sum(count for state, count in self.states().items() if state not in {"pending", "sending"})

    async def quiet(self) -> None:
        """Wait until every item has a row for every chat and no row waits: a chat takes one message a second."""
        await until(self._is_quiet, 60 + 2 * len(self.items))

    def _is_quiet(self) -> bool:
        states = self.states()
        return sum(states.values()) == self.owed and not states.keys() & {"pending", "sending"}

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"file:{self.daemon.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def states(self) -> dict[str, int]:
        return {
            str(state): int(str(n)) for state, n in self.rows("select state, count(*) from deliveries group by state")
        }

    def pairs(self, where: str) -> set[Pair]:
        """Give chat and notice of the rows of which something holds."""
        found = self.rows(
            "select chat, title from deliveries join chats on chats.id = chat_id "
            f"join documents on documents.id = document_id where {where}"
        )
        return {(int(str(chat)), int(_NOTICE.findall(str(title))[0])) for chat, title in found}

    def copies(self) -> dict[Pair, list[bool]]:
        """For each chat and notice, in the order of acceptance: whether each copy was marked as a possible repeat."""
        copies = defaultdict(list)
        for message in self.telegram.accepted:
            first_line, _, rest = message.text.partition("\n")
            # a list of late alerts marks each of them by itself
            for part in rest.split("\n• ") if first_line.endswith("late alerts") else [message.text]:
                for notice in sorted({int(number) for number in _NOTICE.findall(part)}):
                    copies[message.chat, notice].append("may repeat" in part)
        return copies

    def assert_promises(self) -> str:
        """Hold what was accepted against what is promised; return the figures in words."""
        copies, maybe, flagged = self.copies(), self.pairs("state = 'maybe'"), self.pairs("unsure")
        wanted = {(chat, number) for chat in self.chats for number in range(1, len(self.items))}
        assert self.pairs("true") == wanted
        assert set(self.rows("select count(*) from deliveries")) == {(self.owed,)}
        assert copies.keys() <= wanted
        lost = wanted - copies.keys() - maybe
        assert lost == set(), "silently lost"
        doubled = {pair for pair, marks in copies.items() if len(marks) > 1}
        assert all(len(marks) <= 2 for marks in copies.values())
        assert all(copies[pair] == [False, True] for pair in doubled)
        assert doubled <= flagged
        for chat in self.chats:
            order = [notice for to, notice in copies if to == chat]
            assert order == sorted(order)
        assert self.rows("pragma integrity_check") == [("ok",)]
        assert self.rows("select count(*), count(distinct title) from documents") == [(len(self.items),) * 2]
        assert self.telegram.problems() == []
        return (
            f"{len(wanted)} deliveries, {len(self.chats)} chats: silently lost {len(lost)}, "
            f"copies at most {max(map(len, copies.values()))}, repeated {len(doubled)}, all marked, "
            f"flagged rows {len(flagged)}, unconfirmed {len(maybe)}, order kept, integrity_check ok"
        )
