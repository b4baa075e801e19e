"""What people added while the bot runs, beside the sources of the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.app.current import Current
from bot.core.intake import SourceSpec
from bot.daemon import Bot
from bot.ports import Store
from config import Settings


async def all_sources(settings: Settings, store: Store) -> tuple[SourceSpec, ...]:
    """Return the sources of the settings and those that were added."""
    return settings.all_sources(await store.added_sources())


def regathering(bot: Callable[[], Bot], current: Current) -> Callable[[], Awaitable[None]]:
    """Make the call that has what was added and dropped take effect, between two polls."""

    async def regather() -> None:
        living = bot()
        async with living.polling.one_at_a_time:  # not while a poll decides
            sources = await all_sources(current.settings, living.store)
            await living.store.register(sources)
            living.polling = replace(living.polling, sources={source.id: source for source in sources})
            living.door.desk = replace(living.door.desk, sources=sources)
        living.clockwork.give("tick")  # a new source takes stock now

    return regather
