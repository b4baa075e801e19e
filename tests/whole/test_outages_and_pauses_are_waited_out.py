"""A real daemon whose Telegram is away for a while, or which an operator has paused (R37, R57)."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.fakes.daemon import until
from tests.fakes.feeds import FeedServer
from tests.fakes.proxy import FaultProxy, Spoil
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import Town

SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
CHATS = 12


async def test_a_pause_outlives_a_restart_and_what_waited_comes_when_it_ends(tmp_path: Path) -> None:
    async with FeedServer() as feeds, FakeTelegram() as telegram:
        town = Town(tmp_path, feeds, telegram, 2)
        await town.settle_down()
        try:
            assert (await town.daemon.ask("outbox", "pause", "telegram"))[0] == 0
            town.publish(2)
            await until(lambda: town.states() == {"pending": 4})
            assert await town.daemon.stop() == 0
            await town.daemon.start()
            telegram.world.say(town.chats[0], town.chats[0], "/status")
            await until(lambda: "telegram: on; paused by an operator" in telegram.accepted[-1].text)
            code, listed = await town.daemon.ask("outbox", "list")
            assert code == 0
            assert listed.startswith("telegram is paused since ")
            assert listed.count("pending") == 4
            assert town.states() == {"pending": 4}
            assert (await town.daemon.ask("outbox", "resume"))[0] == 0
            await until(lambda: town.states() == {"sent": 4})
        finally:
            assert await town.daemon.stop() == 0
        assert telegram.problems() == []


async def test_a_backlog_comes_in_lists_and_a_kill_amid_them_repeats_each_alert_once_and_marked(
    tmp_path: Path,
) -> None:
    async with FeedServer() as feeds, FakeTelegram(latency=0.2) as telegram:
        town = Town(tmp_path, feeds, telegram, 2)
        town.daemon.environ["POLICYBELL_DELIVERY__MAX_AGE"] = "1s"
        await town.settle_down()
        try:
            assert (await town.daemon.ask("outbox", "pause"))[0] == 0
            town.publish(23)
            await until(lambda: town.states() == {"pending": 46})
            await asyncio.sleep(1)
            before = len(telegram.accepted)
            assert (await town.daemon.ask("outbox", "resume"))[0] == 0
            await until(lambda: len(telegram.accepted) > before)
            await town.daemon.kill()
            await town.daemon.start()
            await town.quiet()
        finally:
            code = await town.daemon.stop()
        assert code == 0
        lists = [message for message in telegram.accepted if "late alerts" in message.text]
        assert 3 * 2 <= len(lists) <= 4 * 2 + 1
        assert len(lists) == len(telegram.accepted) - before
        assert town.states() == {"sent": 46}
        print(f"\n{len(lists)} lists; {town.assert_promises()}")


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="two minutes of a real outage: make soak")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("spoil", [Spoil.BAD_GATEWAY, Spoil.DROP_BEFORE])
async def test_a_real_outage_costs_few_attempts_and_little_time(tmp_path: Path, spoil: Spoil) -> None:
    down: list[Spoil | None] = [None]

    async with (
        FeedServer() as feeds,
        FakeTelegram() as telegram,
        FaultProxy(telegram.port, watch=lambda target, _: target.split("?")[0], spoil=lambda: down[0]) as proxy,
    ):
        town = Town(tmp_path, feeds, telegram, CHATS)
        town.daemon.environ["POLICYBELL_TELEGRAM__API_URL"] = f"http://127.0.0.1:{proxy.port}"
        await town.settle_down()

        def asked(method: str) -> int:
            return sum(one is not None for name, met in proxy.attempts.items() if name.endswith(method) for one in met)

        try:
            down[0], cpu, began = spoil, town.daemon.cpu_seconds(), time.monotonic()
            town.publish(2)
            await asyncio.sleep(100)
            share = (town.daemon.cpu_seconds() - cpu) / (time.monotonic() - began)
            sends, probes = asked("/sendMessage"), asked("/getMe")
            assert sends <= 5
            assert 1 <= probes <= 4
            assert town.states()["pending"] == 2 * CHATS
            down[0], recovered = None, time.monotonic()
            await until(lambda: town.told() >= 1, 40)
            found_after = time.monotonic() - recovered
            assert found_after <= 31
            await town.quiet()
        finally:
            code = await town.daemon.stop()
        assert code == 0
        print(
            f"\n{spoil}: {sends} messages tried and {probes} probes in 100 s of outage, CPU {share:.1%}, "
            f"found again after {found_after:.0f} s; {town.assert_promises()}"
        )
        assert share < 0.05
