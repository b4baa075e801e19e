"""Links to the bot: what they carry fits, offers a topic, and changes nothing by itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import COMMANDS, payload_for
from bot.core.model import Topic
from bot.errors import TokenError
from config import load
from config.words import read_id
from handlers.telegram.links import PAYLOAD, channel_link, group_link, topic_link
from handlers.telegram.menu import ABOUT, SHORT
from handlers.telegram.setup import set_up
from tests.fakes.asker import TOPICS, Asker, a_desk, lines_of
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_house import House, at_home
from tests.fakes.threads import in_thread

ANA = 7
ROOT = Path(__file__).resolve().parents[2]
SHIPPED = load(None, {}).topics


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with at_home() as house:
        yield house


# --- what a link carries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", SHIPPED, ids=lambda topic: topic.id)
async def test_every_topic_has_a_link_that_offers_it(topic: Topic) -> None:
    link = topic_link("policybell_bot", topic)
    assert link is not None
    payload = link.removeprefix("https://t.me/policybell_bot?start=")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload)
    desk = a_desk(topics=SHIPPED)
    reply = await Asker(desk).reply(f"start {payload}")
    assert lines_of(reply)[0] == f"follow {topic.id}"
    assert await Asker(desk).followed() == []


@given(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,9}", fullmatch=True))
def test_any_topic_s_link_fits_or_is_not_given(word: str) -> None:
    topic = Topic(read_id(word), "Somebody's own", "x")
    link = topic_link("policybell_bot", topic)
    assert (link is None) == (len(payload_for(topic)) > 64)
    assert link is None or PAYLOAD.fullmatch(link.rpartition("=")[2])


@pytest.mark.parametrize("payload", ["", "t_tps", "t_nosuch", "true", "follow-tps", "f_7", "-" * 64, "unfollow", "t_"])
async def test_a_link_never_changes_a_chat(house: House, payload: str) -> None:
    house.telegram.world.say(ANA, ANA, f"/start {payload}".strip())
    (said,) = await house.heard(1, ANA)
    assert said.startswith("Policybell reads")
    offers = [data for _, data in house.telegram.accepted[0].buttons if data.startswith("1|follow")]
    assert offers == (["1|follow tps"] if payload == "t_tps" else [])
    assert house.store.changes <= {"wake"}
    assert await house.follows(ANA) == []


async def test_what_a_link_offers_is_taken_by_a_press(house: House) -> None:
    house.telegram.world.say(ANA, ANA, "/start t_tps")
    await house.heard(1, ANA)
    house.telegram.world.press(house.telegram.accepted[0].message, "Follow TPS", ANA)
    await house.heard(2, ANA)
    assert await house.follows(ANA) == ["TPS"]


async def test_help_in_private_says_how_to_add_the_bot_elsewhere(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.world.say(ANA, ANA, "/help")
    house.telegram.world.say(group, ANA, "/help")
    await house.heard(1, ANA)
    await house.heard(1, group)
    links = {message.chat: {one.url for one in message.formatted.entities} for message in house.telegram.accepted}
    assert {group_link("policybell_bot"), channel_link("policybell_bot")} <= links[ANA]
    assert not any("startgroup" in url for url in links[group])


# --- setting up ---------------------------------------------------------------------------------------------------


async def test_setting_up_shows_the_menus_and_what_the_bot_is_for() -> None:
    async with FakeTelegram() as telegram:
        presented = await set_up(TOKEN, telegram.api_url, TOPICS)
        assert presented.username == "policybell_bot"
        assert dict(presented.links)["TPS"] == "https://t.me/policybell_bot?start=t_tps"
        assert presented.advice == ()
        assert telegram.about == {"description": ABOUT, "short_description": SHORT}
        assert {"follow", "channel"} <= set(telegram.menus["default"])
        assert "follow" not in telegram.menus["all_group_chats"]
        assert telegram.calls["getUpdates"] == telegram.calls["deleteWebhook"] == 0  # a running bot is not disturbed


async def test_what_only_botfather_can_change_is_said() -> None:
    async with FakeTelegram() as telegram:
        telegram.joins_groups, telegram.reads_groups = False, True
        advice = " ".join((await set_up(TOKEN, telegram.api_url, TOPICS)).advice)
    assert "/setjoingroups" in advice
    assert "/setprivacy" in advice


async def test_a_wrong_token_is_said_and_not_shown() -> None:
    async with FakeTelegram() as telegram:
        with pytest.raises(TokenError, match="POLICYBELL_TELEGRAM__TOKEN") as caught:
            await set_up("1:wrong", telegram.api_url, TOPICS)
    assert "1:wrong" not in str(caught.value)


def test_the_menus_keep_telegram_s_sizes() -> None:
    assert len(COMMANDS) <= 100
    for known in COMMANDS.values():
        assert re.fullmatch(r"[a-z0-9_]{1,32}", known.name)
        assert 1 <= len(known.help) <= 256
    assert (len(ABOUT) <= 512, len(SHORT) <= 120) == (True, True)


def policybell(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **environ},
    )


def test_the_command_sets_up_and_prints_links(tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text("")
    with in_thread(FakeTelegram()) as telegram:
        environ = {"POLICYBELL_TELEGRAM__TOKEN": TOKEN, "POLICYBELL_TELEGRAM__API_URL": telegram.api_url}
        done = policybell("telegram", "setup", "--config", str(config), **environ)
        assert (done.returncode, done.stderr) == (0, "")
        assert "https://t.me/policybell_bot?start=t_tps" in done.stdout
        telegram.revoked = True
        refused = policybell("telegram", "setup", "--config", str(config), **environ)
        assert refused.returncode == 1
        assert TOKEN not in json.dumps([refused.stdout, refused.stderr, done.stdout])
    without = policybell("telegram", "setup", "--config", str(config))
    assert without.returncode == 3
    assert "POLICYBELL_TELEGRAM__TOKEN" in without.stderr
