"""The bot as a service: signals, reloads, and what the service manager is told."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.app.reload import Reloader
from bot.attempting import SEND_SECONDS
from bot.clockwork import Clockwork
from bot.commands.wording import plural
from bot.daemon import Bot
from bot.errors import StoreError
from bot.fetch import FetchLimits
from bot.poll import POLL_SECONDS
from bot.systemd import ServiceManager
from bot.watchdog import Patience, Signs, Steps, Stillness, Watchdog
from config import Settings
from config.settings import Fetch

_STATUS_SECONDS = 15.0


def stop_on_signals(bot: Bot, manager: ServiceManager) -> None:
    """Let SIGTERM, Ctrl-C and the end of the terminal end the bot in order."""

    def stop() -> None:
        manager.stopping()
        bot.stop.set()

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stop)


def reload_on_signal(bot: Bot, reloader: Reloader, manager: ServiceManager) -> None:
    """Let SIGHUP, and a changed file, have the settings read anew while the bot serves.

    On a terminal SIGHUP says that nobody is there any more, and ends the bot.
    """
    if not sys.stdin.isatty():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
    bot.others.append(partial(reloader.watch, manager.reloading, manager.ready))


def keep_informed(bot: Bot, settings: Settings, manager: ServiceManager, settings_are_good: Callable[[], bool]) -> None:
    """Tell the service manager how the bot is for as long as it serves, and that it lives where that is asked for."""
    if not manager.listens:
        return
    bot.others.append(partial(_tell_status, bot, manager, settings_are_good))
    if manager.watchdog_seconds:
        steps = Steps()
        bot.polling = replace(
            bot.polling, fetch=steps.counting(bot.polling.fetch), read=steps.counting(bot.polling.read)
        )
        bot.others.append(_watchdog(bot, settings, manager, steps).keep)


def _watchdog(bot: Bot, settings: Settings, manager: ServiceManager, steps: Steps) -> Watchdog:
    def signs() -> Signs:
        return Signs((steps.count, bot.ticks), bot.lanes.rounds, bot.lanes.under_way)

    return Watchdog(
        seconds=manager.watchdog_seconds,
        stillness=Stillness(_patience(bot.clockwork, settings.fetch, manager.watchdog_seconds)),
        signs=signs,
        prove=bot.store.touch,
        ping=manager.alive,
        sleep=asyncio.sleep,
        monotonic=asyncio.get_running_loop().time,
    )


def _patience(clockwork: Clockwork, fetch: Fetch, seconds: float) -> Patience:
    """How long each part may stand still: its own rhythm, and half of what the service manager waits."""
    longest_step = min(POLL_SECONDS, (fetch.timeout + FetchLimits().patience).total_seconds())
    return Patience(
        polling=clockwork.every("tick").total_seconds() + max(seconds / 2, longest_step + seconds / 10),
        claiming=clockwork.every("outbox").total_seconds() + seconds / 2,
        messages=seconds * 3 / 4,
        one_message=SEND_SECONDS + seconds / 2,
    )


async def _tell_status(bot: Bot, manager: ServiceManager, settings_are_good: Callable[[], bool]) -> None:
    while True:
        note = "" if settings_are_good() else "; the new settings are wrong, the old ones hold"
        manager.status(await _status(bot) + note)
        await asyncio.sleep(_STATUS_SECONDS)


async def _status(bot: Bot) -> str:
    try:
        cursors = await bot.store.cursors()
    except StoreError as error:
        return str(error)
    failing = sum(cursor.failures > 0 for cursor in cursors)
    rooms = "; ".join(f"{name} {state}" for name, state in bot.rooms.in_words().items())
    return f"{plural(len(cursors), 'source')}, {failing} failing; {rooms}"
