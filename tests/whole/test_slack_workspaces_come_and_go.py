"""The real daemon in HTTP mode: two workspaces install the app, one removes it, the other notices nothing."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import rss, tps_item
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.slack.requests import SIGNING_SECRET
from tests.fakes.slack.tenants import install_app

TEAMS = ("T1", "T2")


def toml(server: FeedServer) -> str:
    return f"""
[bot]
contact = "https://example.org/contact"
log_level = "debug"
[fetch]
tick = "200ms"
jitter = "0%"
per_host_delay = "0s"
[slack]
mode = "http"
client_id = "{CLIENT_ID}"
[catalogue]
enabled = []
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
        yield server
        assert server.violations == []


async def test_workspaces_are_served_apart_through_a_kill_a_removal_and_a_return(
    tmp_path: Path, feeds: FeedServer
) -> None:
    async with FakeSlack(now=time.time) as slack:
        slack.oauth.rotating = True
        for team in TEAMS:
            slack.add_channel(f"C{team[1:]}", team=team)
            slack.add_user(f"U{team[1:]}", team=team)
        secrets = {"SIGNING_SECRET": SIGNING_SECRET, "CLIENT_SECRET": CLIENT_SECRET}
        environ = {f"POLICYBELL_SLACK__{name}": secret for name, secret in secrets.items()}
        daemon = Daemon(tmp_path, toml(feeds), {**environ, "POLICYBELL_SLACK__API_URL": slack.api_url})
        base = f"http://127.0.0.1:{daemon.port}"
        slack.send_to(f"{base}/slack/events")

        def told(team: str) -> list[str]:
            mine = [post.said for post in slack.accepted if post.channel == f"C{team[1:]}"]
            return [said.partition("notice number ")[2].split()[0] for said in mine if "notice number" in said]

        async def publish(*numbers: int) -> None:
            feeds.publish("/uscis.xml", rss("USCIS", map(tps_item, numbers)), etag=f'"{numbers[0]}"')

        try:
            await daemon.start()
            for team in TEAMS:
                assert (await install_app(slack, base, team)).status == 200
                await slack.slash(f"C{team[1:]}", f"U{team[1:]}", "follow tps", team=team)
            await until(lambda: len(slack.accepted) == 2 and feeds.count("/uscis.xml") > 1)

            await daemon.kill()
            await daemon.start()
            await publish(1, 0)
            await until(lambda: [told(team) for team in TEAMS] == [["1"], ["1"]])

            await slack.uninstall("T1", "tokens_revoked", "app_uninstalled")
            folder = tmp_path / "data" / "slack"
            await until(lambda: [file.name for file in folder.iterdir()] == ["T2.json"])
            await publish(2, 1, 0)
            await until(lambda: told("T2") == ["1", "2"])
            code, text = await daemon.ask("outbox", "list")
            assert (code, "C1" in text) == (0, False)

            assert (await install_app(slack, base, "T1")).status == 200
            await publish(3, 2, 1, 0)
            await until(lambda: [told(team) for team in TEAMS] == [["1", "3"], ["1", "2", "3"]])
        finally:
            code = await daemon.stop()
        assert code == 0, daemon.output.read_text()
        assert slack.violations == []
    output = daemon.output.read_text()
    assert "Traceback" not in output
    kept = [json.loads(file.read_text()) for file in folder.iterdir()]
    tokens = {one[key] for one in kept for key in ("token", "refresh_token")} | set(slack.world.tokens)
    assert len(tokens) > 6
    assert [secret for secret in (*tokens, *secrets.values()) if secret in output] == []
    assert not any(token.encode() in daemon.database.read_bytes() for token in tokens)
