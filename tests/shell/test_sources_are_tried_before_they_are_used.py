"""`policybell sources test URL`: one request, read as a poll would read it, nothing remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.app.trying import try_url
from tests.configuring import loaded
from tests.fakes.daemon import Daemon
from tests.fakes.feeds import FeedServer
from tests.fakes.news import Item, rss, tps_item

OPEN = {"POLICYBELL_FETCH__ALLOW_PRIVATE_ADDRESSES": "true"}
TOML = "[bot]\ncontact = 'https://example.org/c'\n[catalogue]\nenabled = []\n"


async def test_a_feed_is_described_with_the_topics_that_it_would_have_met(tmp_path: Path) -> None:
    async with FeedServer() as server:
        bridge = Item("A bridge opens", "https://uscis.example/bridge", "It is a bridge.")
        server.publish("/feed", rss("USCIS", [tps_item(0), tps_item(1), bridge]), etag='"1"')
        found = await try_url(loaded(tmp_path, TOML, OPEN), server.url("/feed"), "feed")
        assert server.count("/feed") == 1
        assert server.violations == []
    assert (found["status"], found["items"], found["can_say_unchanged"]) == (200, 3, True)
    assert found["topics"] == {"tps": 2}
    assert "error" not in found
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("path", "words"), [("/page", "not a feed"), ("/gone", "404")])
async def test_what_cannot_be_read_says_why(tmp_path: Path, path: str, words: str) -> None:
    async with FeedServer() as server:
        server.publish("/page", "<html><body>Sign in</body></html>", content_type="text/html")
        server.fail("/gone", 404)
        found = await try_url(loaded(tmp_path, TOML, OPEN), server.url(path), "feed")
    assert words in str(found["error"])


async def test_the_gate_stands_before_addresses_that_somebody_tries(tmp_path: Path) -> None:
    async with FeedServer() as server:
        found = await try_url(loaded(tmp_path, TOML), server.url("/feed"), "feed")
        assert server.count("/feed") == 0
    assert "error" in found


async def test_from_the_shell_it_is_facts_or_json_and_an_exit_code(tmp_path: Path) -> None:
    async with FeedServer() as server:
        server.publish("/feed", rss("USCIS", [tps_item(0)]))
        server.fail("/gone", 404)
        daemon = Daemon(tmp_path, TOML)
        code, text = await daemon.ask("sources", "test", server.url("/feed"), "--json")
        assert (code, json.loads(text)["items"]) == (0, 1)
        code, text = await daemon.ask("sources", "test", server.url("/gone"))
        assert (code, "404" in text) == (1, True)
        code, text = await daemon.ask("sources", "test", server.url("/feed"), "--kind", "telepathy")
        assert code == 2
