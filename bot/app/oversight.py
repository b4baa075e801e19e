"""What watches over the bot: alarms for its operators and an outside dead-man switch, wired to what they look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.alarming import Alarms
from bot.app.current import Current
from bot.app.world import World
from bot.breakers import Breakers
from bot.core.alarms import Thresholds
from bot.daemon import Bot
from bot.errors import StoreError
from bot.measuring import Instruments, WorldClock
from bot.operators import Operators
from bot.pinging import Pinger
from bot.poll import POLL_SECONDS
from bot.pseudonyms import KEY_NAME, MonthlyKey

log = structlog.get_logger()

BEATS = {"alarms": timedelta(seconds=30), "ping": timedelta(minutes=5)}
"""Half a minute, so that a token that dies is told within one."""


def operators(current: Current, world: World) -> Operators:
    """Read the list of operators from the settings in force at each call."""
    return Operators(lambda: current.settings.ops.operators, MonthlyKey(world.data_dir / KEY_NAME, world.clock.now))


def oversee(bot: Bot, current: Current, world: World, breakers: Breakers) -> Alarms:
    """Have the bot watched for as long as it serves, and its commands know what stands."""
    servers = WorldClock(bot.polling.fetch)
    bot.polling = replace(bot.polling, fetch=servers)
    instruments = Instruments(
        bot.store,
        world.clock,
        world.data_dir,
        sources=lambda: bot.polling.sources,
        stopped=lambda: bot.rooms.stopped,
        unreachable=lambda: breakers.open_since,
        ticked_at=lambda: bot.last_tick,
        reload_failed=lambda: current.reload_failed,
        clock_ahead=lambda: None if world.sample is not None else servers.ahead,
    )
    alarms = Alarms(
        measure=instruments.measure,
        limits=lambda: Thresholds(source_failing=current.settings.ops.source_failing_after),
        chats=lambda: current.settings.ops.notify,
        rooms=bot.rooms.open,
        stop_room=bot.rooms.stop,
        clock=world.clock,
    )

    def ping_url() -> str:
        return current.settings.ops.ping_url.get_secret_value()

    pinger = Pinger(ping_url, partial(_gets_on, bot), world.gate)
    bot.door.desk = replace(bot.door.desk, alarms=lambda: alarms.standing)
    bot.last_words = alarms.last_words
    bot.others.append(partial(_at_each_beat, bot, "alarms", alarms.look))
    if world.sample is None:
        bot.others.append(partial(_at_each_beat, bot, "ping", pinger.ping))
    return alarms


async def _at_each_beat(bot: Bot, beat: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again. A bug in watching must not end what is watched."""
    while True:
        await bot.clockwork.beat(beat)
        try:
            await work()
        except Exception:
            log.exception("oversight.broke", beat=beat)


async def _gets_on(bot: Bot) -> bool:
    """Say whether polling ticks and the database takes a write."""
    longest = bot.clockwork.every("tick") + timedelta(seconds=POLL_SECONDS)
    if bot.last_tick is None or bot.clock.now() - bot.last_tick > longest + timedelta(minutes=1):
        return False
    try:
        await bot.store.touch()
    except StoreError:
        return False
    return True
