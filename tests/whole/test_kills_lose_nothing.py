"""Kill the daemon while it delivers and polls: nothing is silently lost, no third copy, no unmarked second one.

`make test` kills a few times from a fixed seed; `make soak` at full length, and prints a line of figures each.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.deliver import LANES
from tests.fakes.daemon import until
from tests.fakes.feeds import FeedServer
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import Town

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600 if os.environ.get("POLICYBELL_SOAK") else 180)]

# deliveries, chats, kills
KILLED = [(3000, 8, 60), (10_000, 40, 200)] if os.environ.get("POLICYBELL_SOAK") else [(24, 8, 3)]
SURE_TO_HIT = 20  # of so many kills some fall on messages under way
STOPPED = (3000, 8, 60) if os.environ.get("POLICYBELL_SOAK") else (16, 8, 2)
KILLED_IN_POLLING = 200 if os.environ.get("POLICYBELL_SOAK") else 2


@asynccontextmanager
async def feed_and_telegram(folder: Path, chats: int) -> AsyncIterator[Town]:
    async with (
        FeedServer() as feeds,
        FakeTelegram(latency=0.1) as telegram,
        Town(folder, feeds, telegram, chats) as town,
    ):
        yield town


@pytest.mark.parametrize(("deliveries", "chats", "kills"), KILLED)
async def test_kills_in_delivery_and_polling(tmp_path: Path, deliveries: int, chats: int, kills: int) -> None:
    chance = random.Random(20231005)
    async with feed_and_telegram(tmp_path, chats) as town:
        await town.settle_down()
        for kill in range(kills):
            await until(lambda: town.settled() >= 0.9 * town.owed, 60)
            town.publish(deliveries // chats * (kill + 1) // kills - len(town.items) + 1)
            if kill % 4:  # in delivery: Telegram took a message and has not said so yet, or just did
                before = town.told()
                await until(lambda: town.told() > before, 60)  # noqa: B023
                await asyncio.sleep(chance.uniform(0, 0.06 if kill % 3 else 3))
            else:  # in polling
                await asyncio.sleep(chance.uniform(0, 0.3))
            await town.daemon.kill()
            await town.daemon.start(ready=False)
        await town.daemon.wait_until_ready()
        await town.quiet()
        assert await town.daemon.stop() == 0
        print(f"\n{kills} kill -9: {town.assert_promises()}")
        assert town.owed == deliveries
        flagged = town.pairs("unsure")
        assert len(flagged) <= kills * min(chats, LANES)
        assert flagged or kills < SURE_TO_HIT, "no kill met a message under way: this proved nothing"


async def test_orderly_stops_double_nothing(tmp_path: Path) -> None:
    deliveries, chats, stops = STOPPED
    took: list[float] = []
    async with feed_and_telegram(tmp_path, chats) as town:
        await town.settle_down()
        for stop in range(stops):
            await until(lambda: town.settled() >= 0.9 * town.owed, 60)
            town.publish(deliveries // chats * (stop + 1) // stops - len(town.items) + 1)
            before = town.told()
            await until(lambda: town.told() > before, 60)  # noqa: B023
            began = time.monotonic()
            assert await town.daemon.stop(10) == 0
            took.append(time.monotonic() - began)
            await town.daemon.start(ready=False)
        await town.daemon.wait_until_ready()
        await town.quiet()
        assert await town.daemon.stop() == 0
        print(f"\n{stops} SIGTERM: {town.assert_promises()}; stopped with 0 within {max(took):.1f} s")
        assert all(marks == [False] for marks in town.copies().values())
        assert town.states() == {"sent": deliveries}


async def test_kills_in_polling_skip_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    """Telegram comes only at the end: what is sent then, once, is what the killed polls wrote."""
    chance = random.Random(20231005)
    within = 0
    async with feed_and_telegram(tmp_path, 2) as town:
        await town.settle_down()
        await town.daemon.stop()
        town.let_telegram_in(yes=False)
        takes = await seconds_of_a_poll(town)
        for kill in range(KILLED_IN_POLLING):
            town.publish(1)
            asked = town.feeds.count("/feed.xml")
            await town.daemon.start(ready=False)
            await until(lambda: town.feeds.count("/feed.xml") > asked, 60)  # noqa: B023
            await asyncio.sleep(chance.uniform(0, 2 * takes) if kill else 0)
            await town.daemon.kill()
            within += town.rows("select count(*) from documents") < [(len(town.items),)]
        town.let_telegram_in(yes=True)
        await town.daemon.start()
        await town.quiet()
        assert await town.daemon.stop() == 0
        figures = town.assert_promises()
        print(f"\n{KILLED_IN_POLLING} kill -9 in polling, {within} of them before its commit: skipped 0; {figures}")
        assert all(marks == [False] for marks in town.copies().values())
        assert within > 0
        assert within < KILLED_IN_POLLING or KILLED_IN_POLLING < 100, f"a poll takes {takes} s"


async def seconds_of_a_poll(town: Town) -> float:
    """Measure one first poll of a run, from the request to the commit: kills will fall before and after its end."""
    town.publish(1)
    asked = town.feeds.count("/feed.xml")
    await town.daemon.start(ready=False)
    await until(lambda: town.feeds.count("/feed.xml") > asked, 60)
    began = time.monotonic()
    await until(lambda: town.rows("select count(*) from documents") == [(len(town.items),)])
    await town.daemon.stop()
    return time.monotonic() - began
