"""`check --online` against the strict servers: every source is read once, every token asked what it is good for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app.online import Tried, try_everything
from config import Settings
from tests.configuring import SOURCE, loaded
from tests.fakes.daemon import Daemon
from tests.fakes.feeds import FeedServer
from tests.fakes.news import rss, tps_item
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

HEAD = "[bot]\ncontact = 'https://example.org/c'\n[fetch]\nper_host_delay = '0s'\n[catalogue]\nenabled = []\n"


@pytest.fixture
async def feeds() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/good", rss("USCIS", [tps_item(0), tps_item(1)]))
        server.publish("/page", "<html><body>Sign in</body></html>", content_type="text/html")
        server.fail("/gone", 404)
        yield server
        assert server.violations == []


def text(feeds: FeedServer, *paths: str) -> str:
    sources = (SOURCE.format(id=path) for path in paths)
    return HEAD + "".join(
        source.replace("https://example.org/feed", feeds.url(f"/{path}"))
        for path, source in zip(paths, sources, strict=True)
    )


def environ(telegram: FakeTelegram, slack: FakeSlack, **other: str) -> dict[str, str]:
    return {
        "POLICYBELL_FETCH__ALLOW_PRIVATE_ADDRESSES": "true",
        **telegram.environ,
        **slack.environ,
        **other,
    }


async def tried(settings: Settings) -> dict[str, Tried]:
    return {one.what: one async for one in try_everything(settings)}


async def test_each_source_is_read_once_and_each_token_asked_once(tmp_path: Path, feeds: FeedServer) -> None:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        settings = loaded(tmp_path, text(feeds, "good", "page", "gone"), environ(telegram, slack))
        found = await tried(settings)
        assert found == {
            "telegram.token": Tried("telegram.token", ok=True, words="accepted"),
            "slack.bot_token": Tried("slack.bot_token", ok=True, words="accepted"),
            "slack.app_token": Tried("slack.app_token", ok=True, words="accepted"),
            "good": Tried("good", ok=True, words="2 items"),
            "page": found["page"],
            "gone": Tried("gone", ok=False, words="the server answered 404"),
        }
        assert not found["page"].ok
        assert [feeds.count(f"/{path}") for path in ("good", "page", "gone")] == [1, 1, 1]
        assert telegram.accepted == slack.accepted == []
        assert (telegram.problems(), slack.violations) == ([], [])


async def test_a_token_that_is_refused_is_named_and_never_shown(tmp_path: Path, feeds: FeedServer) -> None:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        wrong = {
            "POLICYBELL_TELEGRAM__TOKEN": "123456789:" + "x" * 35,
            "POLICYBELL_SLACK__BOT_TOKEN": "xoxb-1-2-wrongwrong",
            "POLICYBELL_SLACK__APP_TOKEN": "xapp-1-A0-wrongwrong",
        }
        found = await tried(loaded(tmp_path, text(feeds), environ(telegram, slack, **wrong)))
        assert [one.ok for one in found.values()] == [False, False, False]
        assert all(one.words for one in found.values())
        assert not any(token in str(found) for token in wrong.values())


async def test_without_tokens_only_sources_are_tried_and_a_private_address_is_not(
    tmp_path: Path, feeds: FeedServer
) -> None:
    found = await tried(loaded(tmp_path, text(feeds, "good")))
    assert list(found) == ["good"]
    assert not found["good"].ok
    assert feeds.requests == []


async def test_the_command_says_so_in_lines_and_by_its_exit_code(tmp_path: Path, feeds: FeedServer) -> None:
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        daemon = Daemon(tmp_path, text(feeds, "good"), environ(telegram, slack))
        code, said = await daemon.ask("check", "--online")
        assert code == 0, said
        assert "ok   telegram.token" in said
        daemon.config.write_text(text(feeds, "good", "gone"))
        code, said = await daemon.ask("check", "--online", "--json")
        assert code == 1, said
        assert '"what": "gone", "ok": false' in said
        daemon.config.write_text("[bot]\nnmae = 'x'\n")
        code, _ = await daemon.ask("check", "--online")
        assert code == 3
