"""The work beside polling and sending: backups, what its age takes away, and what the archive lacks at first."""

from __future__ import annotations

from bot.app.current import Current
from bot.app.world import World
from bot.daemon import Bot
from bot.poll.backfill import HORIZON, Backfill
from bot.upkeep import Plan, Upkeep


def keep_up(bot: Bot, current: Current, world: World) -> None:
    """Have a backup made, and what is too old taken away, each day for as long as the bot serves; the sample's not.

    And have the archive filled with what was published before.
    """

    def plan() -> Plan:
        settings = current.settings
        backup = settings.ops.backup
        return Plan(settings.bot.timezone, backup.at, backup.keep, settings.backups_dir(), settings.ages())

    if world.sample is None:
        upkeep = Upkeep(bot.store, world.clock, plan, world.data_dir)
        bot.backups = upkeep.backups
        bot.others.append(upkeep.keep)
        bot.others.append(Backfill(lambda: bot.polling, min(HORIZON, current.settings.retention.items)).keep)
