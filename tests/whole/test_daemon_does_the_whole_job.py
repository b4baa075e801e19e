"""The real daemon, the real client libraries, real sockets: from `follow` in a chat to the alert in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import Item, rss, tps_item
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

ANA = 501_884_223
LISTENING = "0A"  # the state in /proc/net/tcp
NOISE = Item("Drawbridge removal on the Elm River begins", "https://uscis.example/news/bridge", "A bridge is removed.")


def toml(server: FeedServer) -> str:
    return f"""
[fetch]
tick = "200ms"
jitter = "0%"
per_host_delay = "0s"
[catalogue]
enabled = []
[bot]
contact = "https://example.org/contact"
log_level = "debug"
[[sources]]
id = "uscis"
name = "USCIS news"
kind = "feed"
url = "{server.url("/uscis.xml")}"
standing = "official"
every = "1s"
[[sources]]
id = "wire"
name = "Sample wire"
kind = "feed"
url = "{server.url("/wire.xml")}"
every = "1s"
"""


@pytest.fixture
async def feeds() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/uscis.xml", rss("USCIS", [tps_item(0)]), etag='"0"')
        server.publish("/wire.xml", rss("Wire", [NOISE]), etag='"0"')
        yield server
        assert server.violations == []


async def test_alerts_follow_a_command_in_order_on_both_platforms(tmp_path: Path, feeds: FeedServer) -> None:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        group = telegram.world.add_group(admins=[ANA])
        daemon = Daemon(tmp_path, toml(feeds), {**telegram.environ, **slack.environ})
        try:
            await daemon.start()
            await until(lambda: feeds.count("/uscis.xml") > 1)
            telegram.world.say(ANA, ANA, "/follow tps")
            telegram.world.say(group, ANA, f"/follow@{telegram.username} tps")
            await slack.slash("C0NEWS", "U0ANA", "follow tps")
            await until(lambda: len([m for m in telegram.accepted if "Following" in m.text]) == 2)
            await until(lambda: slack.accepted)

            feeds.publish("/uscis.xml", rss("USCIS", [tps_item(2), tps_item(1), tps_item(0)]), etag='"1"')
            copy = Item(tps_item(1).title, tps_item(1).link + "?utm_source=wire", tps_item(1).summary)
            feeds.publish("/wire.xml", rss("Wire", [NOISE, copy]), etag='"1"')
            code, text = await daemon.ask("follow", "--chat", f"telegram:{ANA}", "asylum")
            assert code == 0, text
            await until(lambda: len(alerts(telegram, ANA)) >= 2)
            await until(lambda: len(alerts(telegram, group)) >= 2)
            await until(lambda: len([p for p in slack.accepted if "notice number" in p.said]) >= 2)
            code, text = await daemon.ask("outbox", "list")
            assert code == 0, text
        finally:
            code = await daemon.stop()
        assert code == 0, daemon.output.read_text()
        for chat in (ANA, group):
            assert alerts(telegram, chat) == ["notice number 1", "notice number 2"]
        posted = [post.said for post in slack.accepted if "notice number" in post.said]
        assert ["number 1" in said for said in posted] == [True, False]
        assert telegram.problems() == []
        assert slack.violations == []
    output = daemon.output.read_text()
    assert "Traceback" not in output
    for secret in (telegram.token, telegram.token.partition(":")[2], slack.bot_token, slack.app_token, str(group)):
        assert secret not in output
    assert str(ANA) not in output.replace(str(daemon.port), "")


def alerts(telegram: FakeTelegram, chat: int) -> list[str]:
    """The numbers of the notices that a chat was alerted of, in the order in which they came."""
    messages = [m.text for m in telegram.accepted if m.chat == chat and "Why you got this" in m.text]
    return [f"notice number {text.partition('notice number ')[2].split()[0].rstrip('.')}" for text in messages]


async def test_a_second_daemon_says_that_one_is_running(tmp_path: Path, feeds: FeedServer) -> None:
    daemon = Daemon(tmp_path, toml(feeds))
    try:
        await daemon.start()
        code, text = await daemon.ask("run")
        assert (code, "already running" in text) == (5, True)
    finally:
        assert await daemon.stop() == 0


async def test_no_port_is_open_without_the_web(tmp_path: Path, feeds: FeedServer) -> None:
    daemon = Daemon(tmp_path, toml(feeds))
    try:
        await daemon.start("--no-web", ready=False)
        await until(lambda: feeds.count("/uscis.xml") > 0)
        assert daemon.process is not None
        process = Path(f"/proc/{daemon.process.pid}")
        rows = [line.split() for line in (process / "net/tcp").read_text().splitlines()[1:]]
        own = {str(link.readlink()) for link in (process / "fd").iterdir()}
        states = [row[3] for row in rows if f"socket:[{row[9]}]" in own]
        assert LISTENING not in states
    finally:
        assert await daemon.stop() == 0
