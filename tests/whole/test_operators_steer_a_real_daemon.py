"""An operator at a distance: commands in a private chat, figures, the dead-man switch; and no trace of who it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import rss, tps_item
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

OLGA, STRANGER = 501_884_223, 733_190_456
SAM, DIRECT = "U0SAM4WQ8", "D0SAM4WQ8"
PING = "/ping/0f9f5f2e-canary-4b1c"


def toml(server: FeedServer) -> str:
    return f"""
[fetch]
tick = "200ms"
jitter = "0%"
per_host_delay = "0s"
[catalogue]
enabled = []
[bot]
log_level = "debug"
[ops]
operators = ["telegram:{OLGA}", "slack:{SAM}"]
notify = ["telegram:{OLGA}"]
ping_url = "{server.url(PING)}"
[[sources]]
id = "uscis"
name = "USCIS news"
kind = "feed"
url = "{server.url("/uscis.xml")}"
standing = "official"
every = "1s"
"""


@pytest.fixture
async def feeds() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/uscis.xml", rss("USCIS", [tps_item(0)]), etag='"0"')
        server.publish(PING, b"ok")
        yield server


async def test_operators_are_obeyed_counted_and_recorded_without_a_name(tmp_path: Path, feeds: FeedServer) -> None:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        group = telegram.world.add_group(admins=[OLGA])
        daemon = Daemon(tmp_path, toml(feeds), {**telegram.environ, **slack.environ})

        def answered(chat: int, words: str) -> bool:
            return any(words in message.text for message in telegram.accepted if message.chat == chat)

        try:
            await daemon.start()
            await until(lambda: feeds.count("/uscis.xml") > 1)
            telegram.world.say(OLGA, OLGA, "/follow tps")
            telegram.world.say(OLGA, OLGA, "/sources pause uscis")
            await until(lambda: answered(OLGA, "USCIS news is paused"))
            polls = feeds.count("/uscis.xml")
            for chat, person in ((group, OLGA), (STRANGER, STRANGER)):
                telegram.world.say(chat, person, f"/sources@{telegram.username} resume uscis")
                await until(lambda chat=chat: answered(chat, "Only the operators of this bot may use"))
            told = await (await slack.slash(DIRECT, SAM, "outbox")).answer()
            assert "The outbox is empty" in json.dumps(told)
            refused = await (await slack.slash("C0NEWS", SAM, "outbox")).answer()
            assert "Only the operators" in json.dumps(refused)
            assert feeds.count("/uscis.xml") <= polls + 1  # one may have been under way
            assert (await daemon.ask("sources", "resume", "uscis"))[0] == 0
            await until(lambda: feeds.count("/uscis.xml") > polls + 1)
            feeds.publish("/uscis.xml", rss("USCIS", [tps_item(1), tps_item(0)]), etag='"1"')
            await until(lambda: answered(OLGA, "notice number 1"))
            await until(lambda: feeds.count(PING) == 1)
            assert await daemon.ask("alarms") == (0, "No alarm.\n")
            done = await daemon.ask("audit")
            assert [word in done[1] for word in ("pause uscis", "resume uscis", "shell")] == [True] * 3
            figures, health = await page(daemon, "/metrics"), await page(daemon, "/healthz")
        finally:
            code = await daemon.stop()
        assert code == 0, daemon.output.read_text()
    assert 'policybell_commands_total{command="sources",outcome="done",platform="telegram"} 1.0' in figures
    assert 'policybell_commands_total{command="sources",outcome="refused",platform="telegram"} 2.0' in figures
    assert 'policybell_deliveries_total{outcome="sent",platform="telegram"} 1.0' in figures
    assert 'policybell_items_total{result="new"} 2.0' in figures
    assert 'policybell_platform_connected{platform="slack"} 1.0' in figures
    assert json.loads(health)["ready"] is True
    with closing(sqlite3.connect(daemon.database)) as database:
        rows = database.execute("SELECT actor, verb, args, outcome FROM audit ORDER BY id").fetchall()
    assert [row[1:] for row in rows] == [
        ("sources", "pause uscis", "done"),
        ("outbox", "", "done"),
        ("sources", "resume uscis", "done"),
    ]
    assert [row[0].partition("~")[0] for row in rows] == ["telegram", "slack", "shell"]

    said = {"log": daemon.output.read_text(), "figures": figures, "health": health, "audit": repr(rows)}
    canaries = [telegram.token, telegram.token.partition(":")[2], slack.bot_token, slack.app_token, PING]
    canaries += [str(OLGA), str(STRANGER), str(group), SAM, DIRECT]
    found = [(where, canary) for where, text in said.items() for canary in canaries if canary in text]
    assert found == []
    assert "Traceback" not in said["log"]
    assert "telegram~" in said["log"]  # chats are there, under names of the month


async def page(daemon: Daemon, path: str) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{daemon.port}{path}") as answer,
    ):
        assert answer.status == 200
        return await answer.text()
