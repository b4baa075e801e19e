"""Notices through the real rooms: a token dies, whoever is on the other platform hears of it, and hears the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.app.oversight import BEATS
from bot.core.alarms import SETTLED, Thresholds
from bot.core.model import Chat
from bot.daemon import FrontDoor, Rooms
from bot.store.memory import MemoryStore
from bot.watching.alarming import Alarms
from bot.watching.measuring import Instruments
from handlers.slack import Slack
from handlers.telegram import Telegram
from tests.fakes.asker import a_desk
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

OPS_GROUP = Chat("telegram", "", "501884223")
OPS_CHANNEL = Chat("slack", "", "C0NEWS")
MINUTE = timedelta(minutes=1)


async def test_a_revoked_token_is_told_on_the_other_platform_and_so_is_its_recovery(tmp_path: Path) -> None:
    clock, store = FakeClock(), MemoryStore()
    async with (
        FakeTelegram(now=lambda: clock.now().timestamp()) as telegram,
        FakeSlack(now=lambda: clock.now().timestamp()) as slack,
    ):
        telegram.world.add_private(int(OPS_GROUP.id))
        one = Telegram(telegram.token, api_url=telegram.api_url, clock=clock)
        two = Slack(slack.bot_token, slack.app_token, clock=clock, api_url=slack.api_url)
        rooms = Rooms([one, two], clock)
        looking = Instruments(store, clock, tmp_path, sources=dict, stopped=lambda: rooms.stopped)
        alarms = Alarms(
            measure=looking.measure,
            limits=lambda: replace(Thresholds(), disk_least=0),
            chats=lambda: (OPS_GROUP, OPS_CHANNEL),
            rooms=rooms.open,
            stop_room=rooms.stop,
            clock=clock,
        )
        door = FrontDoor(a_desk(store=store, clock=clock), asyncio.Lock(), lambda: None)
        keeping = asyncio.create_task(rooms.keep(one, door))
        try:
            clock.advance(MINUTE)
            await alarms.look()
            assert telegram.accepted == slack.accepted == []

            telegram.revoked = True
            await until(lambda: "telegram" not in rooms.open, seconds=10)
            clock.advance(BEATS["alarms"])
            await alarms.look()
            (told,) = slack.accepted
            assert "Telegram does not accept the bot token" in told.said
            assert "@BotFather" in told.said

            telegram.revoked = False
            await until(lambda: "telegram" in rooms.open, seconds=10)
            for _ in range(SETTLED // BEATS["alarms"] + 2):
                clock.advance(BEATS["alarms"])
                await alarms.look()
            assert [said.said.partition(" ")[0].strip() for said in slack.accepted] == ["Alarm", "Over"]
            assert telegram.accepted == []  # nothing old is told to those who could not hear it
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await one.close()
            await two.close()
        said = " ".join(posted.said for posted in slack.accepted)
        canaries = (telegram.token, telegram.token.partition(":")[2], slack.bot_token, OPS_GROUP.id, OPS_CHANNEL.id)
        assert [canary for canary in canaries if canary in said] == []
        assert telegram.problems() == []
        assert slack.violations == []


def test_two_looks_a_minute_are_made() -> None:
    assert BEATS["alarms"] * 2 <= MINUTE
