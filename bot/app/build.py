"""Read `build` for what the bot is made of."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251  the one place where chance enters
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.app.added import all_sources, regathering
from bot.app.current import Current
from bot.app.oversight import BEATS, Oversight, metrics_for, operators
from bot.app.rooms import RunOptions, missing, open_rooms
from bot.app.world import World, open_fetcher
from bot.attempting import DeliverDesk
from bot.breakers import Breakers
from bot.clockwork import Clockwork
from bot.commands import Desk
from bot.control import SOCKET_NAME, ControlServer
from bot.core.index import Index
from bot.core.lateness import Patience
from bot.core.model import Voice
from bot.core.query import read_topics
from bot.daemon import Bot, FrontDoor
from bot.deliver import Lanes
from bot.discovery import Discovery
from bot.operate import operate
from bot.poll import LiveIndex, PollDesk, Polled
from bot.ports import Store
from bot.reading import ReadingRoom
from bot.rooms import Rooms
from bot.space import Space
from bot.store import open_store
from bot.watching.habits import Habits
from bot.welcome import RoomLine, first_round, greeting
from config import Settings

INTERVALS = {"outbox": timedelta(seconds=5), "config": timedelta(seconds=5), "housekeeping": timedelta(minutes=1)}


async def build(
    current: Current, options: RunOptions, world: World, reading: ReadingRoom, closing: AsyncExitStack
) -> Bot:
    """Make every part and hand each what it needs. What was opened is closed by `closing`, last opened first."""
    settings = current.settings
    space = Space(world.data_dir if world.sample is None else None)
    store = open_store(f"sqlite:///{world.data_dir / 'policybell.db'}", space.give)
    closing.push_async_callback(store.close)
    if world.sample is None:
        world = replace(world, sources=await all_sources(settings, store))

    async def ready() -> tuple[str, ...]:
        return await bot.ready()

    oversight = Oversight(current, world, metrics_for(settings, has_web=options.web and not options.once))
    opened = list(open_rooms(settings, options, world, ready, closing, routes=oversight.routes()))
    breakers = Breakers()
    rooms = Rooms([room for room, _ in opened], world.clock, lambda: breakers.open_since)
    for room in rooms.all.values():
        closing.push_async_callback(room.close)
    chance = random.SystemRandom().random
    lanes = _lanes(current, world, store, rooms, chance=chance, breakers=breakers, space=space, oversight=oversight)
    polling = _polling(settings, world, store, reading=reading, chance=chance, lanes=lanes, closing=closing)
    desk = replace(
        _desk(settings, world, store, rooms, oversight),
        discover=Discovery(polling.fetch, polling.read),
        regathered=regathering(lambda: bot, current),
    )
    door = FrontDoor(desk, polling.one_at_a_time, lanes.wake, operators(current, world), oversight.heard)
    clockwork = Clockwork({"tick": world.tick, **INTERVALS, **BEATS})
    bot = Bot(world.clock, store, polling, lanes, rooms, clockwork, door, _announcer(world, oversight))
    _mind_the_disk(bot, space)
    oversight.watch(bot, breakers)
    control = ControlServer(world.data_dir / SOCKET_NAME, lambda argv: operate(door.desk, door.answer, argv))
    closing.push_async_callback(control.close)
    await control.start()
    _greet(world, rooms, [line for _, line in opened])
    return bot


def _lanes(
    current: Current,
    world: World,
    store: Store,
    rooms: Rooms,
    *,
    chance: Callable[[], float],
    breakers: Breakers,
    space: Space,
    oversight: Oversight,
) -> Lanes:
    return Lanes(
        DeliverDesk(
            store,
            rooms.open,
            world.clock,
            chance,
            rooms.stop,
            patience=lambda: Patience(current.settings.delivery.max_age, current.settings.delivery.retry_for),
            breakers=breakers,
            settled=oversight.settled,
            space=space,
        )
    )


def _mind_the_disk(bot: Bot, space: Space) -> None:
    """Have everybody wait while the disk is full, and go on at once when it is not any more."""
    bot.space = bot.door.space = space

    def go_on() -> None:
        bot.clockwork.give("tick")
        bot.lanes.wake()

    bot.others.append(partial(space.keep, bot.clock, bot.store.touch, go_on))


def _polling(
    settings: Settings,
    world: World,
    store: Store,
    *,
    reading: ReadingRoom,
    chance: Callable[[], float],
    lanes: Lanes,
    closing: AsyncExitStack,
) -> PollDesk:
    fetcher = open_fetcher(settings, world)
    closing.push_async_callback(fetcher.close)
    return PollDesk(
        store=store,
        fetch=fetcher,
        read=reading,
        queries=LiveIndex(store, Index(read_topics(settings.topics))),
        sources={source.id: source for source in world.sources},
        clock=world.clock,
        jitter=chance,
        limits=world.agenda,
        wake_outbox=lanes.wake,
        places=asyncio.Semaphore(settings.fetch.concurrency),
    )


def _desk(settings: Settings, world: World, store: Store, rooms: Rooms, oversight: Oversight) -> Desk:
    return Desk(
        store,
        settings.topics,
        world.sources,
        world.not_yet,
        Voice(settings.bot.language, settings.bot.timezone),
        world.clock,
        rooms.in_words,
        prefixes={"telegram": "/", "slack": f"{settings.slack.command} "},
        alarms=oversight.standing,
        habits=Habits(store, world.clock).known,
        from_chats=settings.catalogue.from_chats and world.sample is None,
    )


def _greet(world: World, rooms: Rooms, opened: list[RoomLine]) -> None:
    lines = opened + missing(rooms.all)
    _say(greeting(str(world.data_dir), lines, len(world.sources), len(world.not_yet), sample=world.sample is not None))


def _announcer(world: World, oversight: Oversight) -> Callable[[Sequence[Polled]], Awaitable[None]]:
    """Speak after the first round of polls; the sample's server turns to *after* once all was polled before."""
    rounds = 0

    async def announce(results: Sequence[Polled]) -> None:
        nonlocal rounds
        oversight.polled(results)
        rounds += 1
        if rounds > 1:
            return
        # on a terminal a prompt stands in this line already: write over it and give a fresh one
        start, end = ("\r", "\n> ") if sys.stdin.isatty() else ("", "\n")
        _say(start + first_round(results, sample=world.sample is not None), end)
        if world.sample is not None:
            world.sample.serve_after()

    return announce


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()
