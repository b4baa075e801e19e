"""What watches over the bot: alarms for its operators, an outside dead-man switch, and figures for other machines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot import __version__
from bot.app.current import Current
from bot.app.world import World
from bot.breakers import Breakers
from bot.core.alarms import Alarm, Thresholds
from bot.core.model import Delivery, DeliveryState
from bot.daemon import Bot
from bot.errors import StoreError
from bot.poll import POLL_SECONDS, Polled
from bot.pseudonyms import KEY_NAME, MonthlyKey
from bot.watching.alarming import Alarms
from bot.watching.health import health
from bot.watching.losses import Losses
from bot.watching.measuring import Instruments, Measured, WorldClock
from bot.watching.operators import Operators
from bot.watching.pinging import Pinger
from config import Settings
from handlers.web import RouteDef
from handlers.web.machines import machine_routes

if TYPE_CHECKING:
    from bot.watching.metrics import Metrics

log = structlog.get_logger()

BEATS = {"alarms": timedelta(seconds=30), "ping": timedelta(minutes=5)}
"""Half a minute, so that a token that dies is told within one."""

_LAG_SECONDS = 5.0
_FIRST_PING_SECONDS = 2.0
_FRESH = timedelta(seconds=2)  # whoever asks again within it gets what was measured for the last one


def operators(current: Current, world: World) -> Operators:
    """Read the list of operators from the settings in force at each call."""
    return Operators(lambda: current.settings.ops.operators, MonthlyKey(world.data_dir / KEY_NAME, world.clock.now))


@dataclass(slots=True)
class Oversight:
    """Made before the bot, since its parts report here; `watch` begins when the bot is there.

    `metrics` is None where nobody can ask for them.
    """

    current: Current
    world: World
    metrics: Metrics | None = None
    _bot: Bot | None = None
    _alarms: Alarms | None = None
    _losses: Losses = field(default_factory=Losses)
    _measured_at: datetime | None = None
    _one_look: asyncio.Lock = field(default_factory=asyncio.Lock)

    # what parts report

    def polled(self, results: Sequence[Polled]) -> None:
        self._losses.polled(results, self.world.clock.now())
        if self.metrics is not None:
            self.metrics.polled(results)

    def settled(self, delivery: Delivery, state: DeliveryState, now: datetime) -> None:
        if self.metrics is not None:
            self.metrics.settled(delivery, state, now)

    def expired(self, number: int) -> None:
        if self.metrics is not None:
            self.metrics.expired(number)

    def heard(self, platform: str, command: str, outcome: str) -> None:
        if self.metrics is not None:
            self.metrics.heard(platform, command, outcome)

    def standing(self) -> Sequence[Alarm]:
        return () if self._alarms is None else self._alarms.standing

    # what others ask

    def routes(self) -> tuple[RouteDef, ...]:
        """Serve the figures and how everything is, beside the pages."""
        if self.metrics is None:
            return machine_routes(self._health, None, "")
        from bot.watching.metrics import CONTENT_TYPE  # noqa: PLC0415  only where it is served

        return machine_routes(self._health, self._figures, CONTENT_TYPE)

    async def _health(self) -> dict[str, object]:
        bot, measured = await self._look()
        problems = await bot.ready()
        return health(measured, self.standing(), bot.rooms.in_words(), problems, __version__)

    async def _figures(self) -> bytes:
        from bot.watching.metrics import Picture  # noqa: PLC0415

        bot, measured = await self._look()
        assert self.metrics is not None
        return self.metrics.render(
            Picture(
                measured,
                sources=bot.polling.sources,
                connected={name: _is_connected(bot, name) for name in bot.rooms.all},
                alarms=self.standing(),
                settings_in_force=self.current.last.ok,
                settings_read_at=self.current.last.at,
            )
        )

    async def _look(self) -> tuple[Bot, Measured]:
        """Measure, unless somebody has just done so."""
        assert self._bot is not None
        assert self._alarms is not None
        async with self._one_look:
            now = self.world.clock.now()
            measured = self._alarms.measured
            if measured is None or not now - measured.facts.now < _FRESH:
                measured = await self._alarms.look_only()
        return self._bot, measured

    # how it begins

    def watch(self, bot: Bot, breakers: Breakers) -> None:
        """Watch the bot for as long as it serves."""
        current, world = self.current, self.world
        servers = WorldClock(bot.polling.fetch)
        bot.polling = replace(bot.polling, fetch=servers)
        instruments = Instruments(
            bot.store,
            world.clock,
            world.data_dir,
            sources=lambda: bot.polling.sources,
            stopped=lambda: bot.rooms.stopped,
            unreachable=lambda: breakers.open_since,
            unheard=lambda: alarms.unheard(bot.rooms.all) if world.sample is None else frozenset(),
            ticked_at=lambda: bot.last_tick,
            disk_full=lambda: bot.space.is_full,
            backups=lambda: bot.backups(),  # noqa: PLW0108 - it is put there later
            reload_failed=lambda: current.reload_failed,
            clock_ahead=lambda: None if world.sample is not None else servers.ahead,
            losses=self._losses,
            habits=lambda: bot.door.desk.habits(),  # noqa: PLW0108 - a reload puts another desk there
        )
        self._bot = bot
        self._alarms = alarms = Alarms(
            measure=instruments.measure,
            limits=lambda: Thresholds(source_failing=current.settings.ops.source_failing_after),
            chats=lambda: current.settings.ops.notify,
            rooms=bot.rooms.open,
            stop_room=bot.rooms.stop,
            clock=world.clock,
        )
        bot.last_words, bot.expired = alarms.last_words, self.expired
        bot.others.append(partial(_at_each_beat, bot, "alarms", alarms.look))
        if self.metrics is not None:
            bot.others.append(partial(_feel_the_loop, self.metrics))
        if world.sample is None:
            bot.others.append(partial(_keep_pinging, bot, self._pinger(bot)))

    def _pinger(self, bot: Bot) -> Pinger:
        def url() -> str:
            return self.current.settings.ops.ping_url.get_secret_value()

        return Pinger(url, partial(_gets_on, bot), self.world.gate)


def metrics_for(settings: Settings, *, has_web: bool) -> Metrics | None:
    """Keep figures where they are served. Their library is imported only then."""
    if not (settings.web.metrics and has_web):
        return None
    from bot.watching.metrics import Metrics  # noqa: PLC0415

    return Metrics()


async def _at_each_beat(bot: Bot, beat: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again. A bug in watching must not end what is watched."""
    while True:
        await bot.clockwork.beat(beat)
        try:
            await work()
        except Exception:
            log.exception("oversight.broke", beat=beat)


async def _keep_pinging(bot: Bot, pinger: Pinger) -> None:
    """Call for the first time when polling has had a moment to begin."""
    await bot.clock.sleep(_FIRST_PING_SECONDS)
    await _at_each_beat(bot, "ping", pinger.ping)


async def _feel_the_loop(metrics: Metrics) -> None:
    """Note again and again how late the event loop is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_SECONDS
        await asyncio.sleep(_LAG_SECONDS)
        metrics.lagged(max(loop.time() - due, 0.0))


def _is_connected(bot: Bot, name: str) -> bool:
    """Say whether a room may send and, where it knows, whether people can reach it."""
    return bot.rooms.in_words()[name] == "on" and bool(getattr(bot.rooms.all[name], "is_connected", True))


async def _gets_on(bot: Bot) -> bool:
    """Say whether polling ticks and the database takes a write."""
    longest = bot.clockwork.every("tick") + timedelta(seconds=POLL_SECONDS, minutes=1)
    if bot.last_tick is None or bot.clock.now() - bot.last_tick > longest:
        return False
    try:
        await bot.store.touch()
    except StoreError:
        return False
    return True
