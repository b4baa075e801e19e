"""The only place where parts meet: settings → objects → a bot that lives.

Read `build` for what the bot is made of. A `World` is what differs between the real one and the bundled sample:
time, sources, addresses that may be dialed, and the folder that everything is kept in.
"""

from __future__ import annotations

import asyncio
import os
import random  # noqa: TID251  the one place where chance enters
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.clock import SystemClock
from bot.clockwork import Clockwork
from bot.commands import Desk
from bot.control import SOCKET_NAME, ControlServer, DataLock
from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import SourceSpec
from bot.core.model import Chat, Voice
from bot.core.query import read_topics
from bot.core.speech import Call
from bot.daemon import Bot, FrontDoor, Rooms
from bot.deliver import DeliverDesk, Lanes
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from bot.operate import operate
from bot.poll import LiveIndex, PollDesk, Polled
from bot.ports import Clock, Platform
from bot.reading import ReadingRoom
from bot.sample import SampleClock, SampleServer
from bot.sample.beside import SampleBeside
from bot.store import open_store
from bot.welcome import RoomLine, first_round, greeting
from config import Settings
from handlers.console import Console, wants_style
from handlers.web import Web

INTERVALS = {"outbox": timedelta(seconds=5), "housekeeping": timedelta(minutes=1)}
SAMPLE_TOPICS = ("tps", "removal")
SAMPLE_CHATS = (Chat("console", "", "local"), Chat("web", "", "local"))


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `policybell run` was called."""

    once: bool = False
    sample: bool = False
    web: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """What the real world and the bundled sample have in common, each with its own values."""

    clock: Clock
    data_dir: Path
    sources: tuple[SourceSpec, ...]
    not_yet: tuple[tuple[str, str, str], ...]
    gate: Gate
    fetching: FetchLimits
    agenda: AgendaLimits
    tick: timedelta
    sample: SampleServer | None = None


def main(settings: Settings, options: RunOptions) -> int:
    """Run until stopped; return the exit code. Raises `LockedError`, `StoreError`, `ConfigError` for the command line.

    The child that parses is started first of all, before any thread, and knows no secret.
    """
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
            world = _sample_world(data_dir, sample)
        else:
            world = _real_world(settings, data_dir)
        bot = await build(settings, options, world, reading, closing)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, bot.stop.set)
        await bot.begin()
        if world.sample is not None:
            for chat in (chat for chat in SAMPLE_CHATS if chat.platform in bot.rooms.all):
                await bot.door.answer(Call("follow", SAMPLE_TOPICS, chat, may_change=True))
        if not options.once:
            await bot.serve()
            return
        await bot.run_once()
        if world.sample is not None:
            await bot.run_once()


def _real_world(settings: Settings, data_dir: Path) -> World:
    fetch = settings.fetch
    return World(
        clock=SystemClock(),
        data_dir=data_dir,
        sources=settings.source_specs(),
        not_yet=settings.not_yet_sources(),
        gate=Gate(allow_private=fetch.allow_private_addresses),
        fetching=FetchLimits(max_bytes=fetch.max_bytes, total=fetch.timeout, per_host_delay=fetch.per_host_delay),
        agenda=AgendaLimits(fetch.jitter, fetch.backoff_max, fetch.least_every),
        tick=fetch.tick,
    )


def _sample_world(data_dir: Path, sample: SampleServer) -> World:
    """The bundled sample: a database made anew, its own time, and one address that may be dialed."""
    for file in data_dir.glob("policybell.db*"):
        file.unlink()
    second = timedelta(seconds=1)
    return World(
        clock=SampleClock(),
        data_dir=data_dir,
        sources=sample.sources(),
        not_yet=(),
        gate=Gate(admit=frozenset({sample.address})),
        fetching=FetchLimits(per_host_delay=timedelta(0)),
        agenda=AgendaLimits(jitter_share=0.0, backoff_max=second, minimum=timedelta(0)),
        tick=second,
        sample=sample,
    )


async def build(
    settings: Settings, options: RunOptions, world: World, reading: ReadingRoom, closing: AsyncExitStack
) -> Bot:
    """Make every part and hand each what it needs. What was opened is closed by `closing`, last opened first."""
    store = open_store(f"sqlite:///{world.data_dir / 'policybell.db'}")
    closing.push_async_callback(store.close)
    fetcher = Fetcher(contact=settings.bot.contact, limits=world.fetching, clock=world.clock, gate=world.gate)
    closing.push_async_callback(fetcher.close)
    jitter = random.SystemRandom().random

    async def ready() -> tuple[str, ...]:
        return await bot.ready()

    opened = list(_rooms(settings, options, world, ready, closing))
    rooms = Rooms([room for room, _ in opened], world.clock)
    for room in rooms.all.values():
        closing.push_async_callback(room.close)
    lanes = Lanes(DeliverDesk(store, rooms.open, world.clock, jitter, rooms.stop))
    polling = PollDesk(
        store=store,
        fetch=fetcher,
        read=reading,
        queries=LiveIndex(store, Index(read_topics(settings.topics))),
        sources={source.id: source for source in world.sources},
        clock=world.clock,
        jitter=jitter,
        limits=world.agenda,
        wake_outbox=lanes.wake,
        places=asyncio.Semaphore(settings.fetch.concurrency),
    )
    voice = Voice(zone=settings.bot.timezone)
    prefixes = {"telegram": "/", "slack": f"{settings.slack.command} "}
    desk = Desk(store, settings.topics, world.sources, world.not_yet, voice, world.clock, rooms.in_words, prefixes)
    door = FrontDoor(desk, polling.one_at_a_time, lanes.wake)
    clockwork, retry_for = Clockwork({"tick": world.tick, **INTERVALS}), settings.delivery.retry_for
    bot = Bot(world.clock, store, polling, lanes, rooms, clockwork, door, retry_for, _announcer(world))
    control = ControlServer(world.data_dir / SOCKET_NAME, lambda argv: operate(desk, door.answer, argv))
    closing.push_async_callback(control.close)
    await control.start()
    _greet(world, rooms, [line for _, line in opened])
    return bot


def _greet(world: World, rooms: Rooms, opened: list[RoomLine]) -> None:
    lines = opened + _missing(rooms.all)
    _say(greeting(str(world.data_dir), lines, len(world.sources), len(world.not_yet), sample=world.sample is not None))


def _rooms(
    settings: Settings,
    options: RunOptions,
    world: World,
    ready: Callable[[], Awaitable[tuple[str, ...]]],
    closing: AsyncExitStack,
) -> Iterator[tuple[Platform, RoomLine]]:
    """Open a room wherever its token is. A platform's library is imported only then: each costs 20 MB and more."""
    if world.sample is None and settings.telegram.is_on:
        from handlers.telegram import Telegram  # noqa: PLC0415

        token = settings.telegram.token.get_secret_value()
        yield Telegram(token, api_url=settings.telegram.api_url, clock=world.clock), RoomLine("Telegram", "")
    if world.sample is None and settings.slack.is_on:
        from handlers.slack import Slack  # noqa: PLC0415

        slack = settings.slack
        tokens = (slack.bot_token.get_secret_value(), slack.app_token.get_secret_value())
        room = Slack(*tokens, clock=world.clock, api_url=slack.api_url, command=slack.command, who=slack.who)
        yield room, RoomLine("Slack", f"answers to {slack.command}")
    if options.web and not options.once:
        beside = SampleBeside(settings.web.listen.host, settings.bot.data_dir)
        closing.push_async_callback(beside.close)
        sample = world.sample is not None
        web = Web(
            *settings.web.listen,
            clock=world.clock,
            ready=ready,
            chat=settings.web.chat,
            sample=sample,
            sample_url=None if sample else beside.url,
        )
        yield web, RoomLine("Web", f"{web.open()}/chat   try: follow tps")
    if sys.stdin.isatty() or (options.once and world.sample is not None):
        styled = wants_style(sys.stdout, os.environ)
        note = "alerts are printed here" if options.once else "type help here; Ctrl-C stops"
        yield Console(sys.stdin, sys.stdout, styled=styled), RoomLine("Terminal", note)


def _missing(rooms: Mapping[str, Platform]) -> list[RoomLine]:
    """Say of each platform that is off what would start it."""
    tokens = {
        "telegram": RoomLine("Telegram", "set POLICYBELL_TELEGRAM__TOKEN", on=False),
        "slack": RoomLine("Slack", "set POLICYBELL_SLACK__BOT_TOKEN and POLICYBELL_SLACK__APP_TOKEN", on=False),
    }
    return [line for name, line in tokens.items() if name not in rooms]


def _announcer(world: World) -> Callable[[Sequence[Polled]], Awaitable[None]]:
    """Speak after the first round of polls; the sample's server turns to *after* once all was polled before."""
    rounds = 0

    async def announce(results: Sequence[Polled]) -> None:
        nonlocal rounds
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
