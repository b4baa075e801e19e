"""The real daemon reads its settings anew: whole or not at all, with nothing sent twice and no poll missed."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import Item, rss, tps_item
from tests.fakes.systemd import FakeSystemd, systemd
from tests.fakes.telegram import FakeTelegram

ANA = 501_884_223

HEAD = """
[fetch]
tick = "100ms"
jitter = "0%"
per_host_delay = "0s"
[catalogue]
enabled = []
[bot]
contact = "https://example.org/contact"
"""
SOURCE = """
[[sources]]
id = "{id}"
name = "Source {id}"
kind = "feed"
url = "{url}"
every = "1s"
"""
TOPIC = """
[[topics]]
id = "river"
name.en = "River"
query = "{query}"
"""


@dataclass
class Town:
    """Two feeds, one reader, and a daemon whose settings change under it."""

    daemon: Daemon
    feeds: FeedServer
    telegram: FakeTelegram
    manager: FakeSystemd
    items: dict[str, list[Item]] = field(default_factory=lambda: {"a": [], "b": []})

    def publish(self, feed: str, *items: Item) -> None:
        # without dates: what bears one of long ago, from a source that is not official, is recorded and not told
        self.items[feed][:0] = (replace(item, published=None) for item in items)
        self.feeds.publish(f"/{feed}.xml", rss(feed, self.items[feed]), etag=f'"{feed}{len(self.items[feed])}"')

    def write(self, *sources: str, query: str = "bridge", more: str = "") -> None:
        listed = "".join(SOURCE.format(id=name, url=self.feeds.url(f"/{name}.xml")) for name in sources)
        self.daemon.config.write_text(HEAD + more + listed + TOPIC.format(query=query), encoding="utf-8")

    async def hang_up(self, event: str) -> dict[str, object]:
        """Send SIGHUP and wait for what the log says of it."""
        assert self.daemon.process is not None
        before = len(self.events(event))
        self.daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: len(self.events(event)) > before)
        return self.events(event)[-1]

    def events(self, event: str) -> list[dict[str, object]]:
        lines = [line for line in self.daemon.output.read_text().splitlines() if line.startswith("{")]
        return [found for line in lines if (found := json.loads(line))["event"] == event]

    async def told(self, title: str) -> None:
        """Wait until the reader was told of a title."""
        await until(lambda: self.times_told(title) > 0)

    def times_told(self, title: str) -> int:
        return sum(title in m.text and "Why you got this" in m.text for m in self.telegram.accepted)

    async def polled(self, feed: str, times: int = 2) -> None:
        before = self.feeds.count(f"/{feed}.xml")
        await until(lambda: self.feeds.count(f"/{feed}.xml") >= before + times)

    async def follow(self, *topics: str) -> None:
        """Let a reader of its own follow each topic."""
        for number, topic in enumerate(topics):
            self.telegram.world.say(ANA + number, ANA + number, f"/follow {topic}")
        await until(lambda: sum("Following" in m.text for m in self.telegram.accepted) == len(topics))


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    with systemd(folder, watchdog_seconds=60) as manager:
        async with FeedServer() as feeds, FakeTelegram() as telegram:
            daemon = Daemon(folder, "", {**telegram.environ, **manager.environ})
            found = Town(daemon, feeds, telegram, manager)
            found.publish("a", tps_item(0))
            found.publish("b", tps_item(100))
            found.write("a")
            try:
                await found.daemon.start()
                yield found
            finally:
                code = await found.daemon.stop()
            assert code == 0
            assert telegram.problems() == []
            assert feeds.violations == []
            assert "Traceback" not in found.daemon.output.read_text()


def river_item(number: int, what: str) -> Item:
    return Item(f"{what} number {number} opens", f"https://river.example/{what}/{number}", f"The {what} of {number}.")


async def test_sources_and_topics_change_while_it_runs_and_nothing_is_told_twice_or_missed(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await here.polled("a")
        await here.follow("tps", "river")
        here.publish("a", tps_item(1), river_item(1, "Bridge"), river_item(1, "Ferry"))
        await here.told("notice number 1")
        await here.told("Bridge number 1")

        # a new source takes stock first; what is new in it after that is told
        here.write("a", "b")
        await here.hang_up("config.reloaded")
        await here.polled("b")
        here.publish("b", tps_item(101))
        await here.told("notice number 101")

        # settings that are wrong, or gone, change nothing
        good = here.daemon.config.read_text()
        here.daemon.config.write_text(good.replace('kind = "feed"', 'kind = "fede"'))
        assert "is not a kind" in str((await here.hang_up("config.rejected"))["problems"])
        here.daemon.config.unlink()
        assert "no such file" in str((await here.hang_up("config.rejected"))["problems"])
        await here.polled("a")
        await here.polled("b")

        # a topic's query is another now, for chats that follow it already
        here.write("a", "b", query="ferry")
        await here.hang_up("config.reloaded")
        here.publish("a", river_item(2, "Bridge"), river_item(2, "Ferry"))
        await here.told("Ferry number 2")

        # a source that is gone is not asked any more, and the other goes on
        here.write("b", query="ferry")
        await here.hang_up("config.reloaded")
        await here.polled("b", 1)
        asked = here.feeds.count("/a.xml")
        here.publish("b", tps_item(102))
        await here.told("notice number 102")
        assert here.feeds.count("/a.xml") == asked
        code, listed = await here.daemon.ask("sources", "list", "--json")
        assert (code, [one["id"] for one in json.loads(listed)]) == (0, ["b"])

        told = {
            title: here.times_told(title) for title in ("number 0 ", "number 100", "Ferry number 1", "Bridge number 2")
        }
        assert set(told.values()) == {0}
        for title in (
            "notice number 1 ",
            "notice number 101",
            "notice number 102",
            "Bridge number 1",
            "Ferry number 2",
        ):
            assert here.times_told(title.strip()) >= 1
        alerts = [m.text.splitlines()[0] for m in here.telegram.accepted if "Why you got this" in m.text]
        assert len(alerts) == len(set(alerts)) == 5


async def test_what_needs_a_restart_is_named_and_systemd_sees_the_reload_begin_and_end(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        here.write("a", "b", more='name = "Town crier"\n[slack]\ncommand = "/bell"\n')
        said = await here.hang_up("config.needs_restart")
        assert said["advice"] == "Only a restart changes bot.name, slack.command."
        await here.polled("b", 1)
        await until(lambda: here.manager.states == ["READY=1", "RELOADING=1", "READY=1"])
        await until(lambda: here.manager.pings > 0)
        assert "failing; telegram on; web on" in here.manager.status
        _, said = await here.daemon.ask("doctor", "--json")
        found = {one["what"]: one["verdict"] for one in json.loads(said)}
        assert {found[what] for what in ("bot", "page", "database", "data", "sources", "clock")} == {"ok"}, said
        assert (await here.daemon.ask("doctor", "--probe"))[0] == 0
        await here.daemon.stop()
        assert here.manager.states == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
