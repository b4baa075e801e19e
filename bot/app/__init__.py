"""The only place where parts meet: settings → objects → a bot that lives."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

from bot.app.build import build
from bot.app.current import Current
from bot.app.reload import Reloader
from bot.app.rooms import RunOptions, refuse_to_be_deaf
from bot.app.service import keep_informed, reload_on_signal, stop_on_signals
from bot.app.upkeep import keep_up
from bot.app.world import real_world, sample_world
from bot.control import DataLock
from bot.core.model import Chat
from bot.core.speech import Call
from bot.garbage import collect_seldom
from bot.reading import ReadingRoom
from bot.sample import SampleServer
from bot.systemd import ServiceManager
from config import Settings

__all__ = ["RunOptions", "main"]

SAMPLE_TOPICS = ("tps", "removal")
SAMPLE_CHATS = (Chat("console", "", "local"), Chat("web", "", "local"))


def main(settings: Settings, options: RunOptions) -> int:
    """Run until stopped; return the exit code. Raises `LockedError`, `StoreError`, `ConfigError` for the command line.

    The child that parses is started first of all, before any thread, and knows no secret.
    """
    refuse_to_be_deaf(settings, options)
    data_dir = settings.bot.data_dir
    if options.sample:
        data_dir /= "sample"
    with DataLock(data_dir):
        asyncio.run(_live(settings, options, data_dir))
    return 0


async def _live(settings: Settings, options: RunOptions, data_dir: Path) -> None:
    async with AsyncExitStack() as closing:
        reading = ReadingRoom()
        reading.start()
        closing.push_async_callback(reading.close)
        if options.sample:
            sample = await closing.enter_async_context(SampleServer())
            world = sample_world(data_dir, sample)
        else:
            world = real_world(settings, data_dir)
        current, manager = Current(settings), ServiceManager(os.environ)
        bot = await build(current, options, world, reading, closing)
        stop_on_signals(bot, manager)
        reloader = Reloader(bot, current, options.config, os.environ, options.hide)
        if world.sample is None:
            reload_on_signal(bot, reloader, manager)
        keep_up(bot, current, world)
        keep_informed(bot, settings, manager, lambda: current.last.ok)
        await bot.begin()
        if world.sample is not None:
            for chat in (chat for chat in SAMPLE_CHATS if chat.platform in bot.rooms.all):
                await bot.door.answer(Call("follow", SAMPLE_TOPICS, chat, may_change=True))
        if not options.once:
            collect_seldom()
            manager.ready()
            await bot.serve()
            return
        await bot.run_once()
        if world.sample is not None:
            await bot.run_once()
