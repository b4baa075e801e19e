"""Which rooms open: each where its token or its terminal is, and what is said of those that stay closed."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.app.world import World
from bot.errors import ConfigError
from bot.ports import Platform
from bot.sample.beside import SampleBeside
from bot.welcome import RoomLine
from config import Settings
from handlers.console import Console, wants_style
from handlers.web import RouteDef, Web


def _hide_nothing(_secret: str) -> None:
    """Leave logs as they are: for a bot that writes none."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `policybell run` was called. `config` is the file of settings where one was named.

    `hide` keeps out of logs what is secret and came later than the settings.
    """

    once: bool = False
    sample: bool = False
    web: bool = True
    config: Path | None = None
    hide: Callable[[str], None] = _hide_nothing


def refuse_to_be_deaf(settings: Settings, options: RunOptions) -> None:
    """Raise `ConfigError` where Slack would call us at a port that stays closed."""
    calls = settings.slack.is_on and settings.slack.mode == "http"
    if calls and not (options.web or options.once or options.sample):
        words = 'is "http": Slack calls this bot at web.listen, which --no-web leaves closed. Leave out --no-web'
        raise ConfigError((("slack.mode", words),))


def open_rooms(
    settings: Settings,
    options: RunOptions,
    world: World,
    ready: Callable[[], Awaitable[tuple[str, ...]]],
    closing: AsyncExitStack,
    *,
    routes: Sequence[RouteDef] = (),
) -> Iterator[tuple[Platform, RoomLine]]:
    """Open a room wherever its token is. A platform's library is imported only then: each costs 20 MB and more.

    `routes` are served beside the pages; `public_routes` are those that platforms themselves call.
    """
    public_routes: list[RouteDef] = []
    if world.sample is None and settings.telegram.is_on:
        from handlers.telegram import Telegram  # noqa: PLC0415

        token = settings.telegram.token.get_secret_value()
        yield Telegram(token, api_url=settings.telegram.api_url, clock=world.clock), RoomLine("Telegram", "")
    if world.sample is None and settings.slack.is_on:
        from bot.app.slack import how_heard, open_slack  # noqa: PLC0415

        room = open_slack(settings.slack, world, options.hide)
        public_routes += room.public_routes
        yield room, RoomLine("Slack", how_heard(settings.slack, has_web=not options.once))
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
            routes=routes,
            public_routes=public_routes,
        )
        yield web, RoomLine("Web", f"{web.open()}/chat   try: follow tps")
    if sys.stdin.isatty() or (options.once and world.sample is not None):
        styled = wants_style(sys.stdout, os.environ)
        note = "alerts are printed here" if options.once else "type help here; Ctrl-C stops"
        yield Console(sys.stdin, sys.stdout, styled=styled), RoomLine("Terminal", note)


def missing(rooms: Mapping[str, Platform]) -> list[RoomLine]:
    """Say of each platform that is off what would start it."""
    tokens = {
        "telegram": RoomLine("Telegram", "set POLICYBELL_TELEGRAM__TOKEN", on=False),
        "slack": RoomLine("Slack", "set POLICYBELL_SLACK__BOT_TOKEN and POLICYBELL_SLACK__APP_TOKEN", on=False),
    }
    return [line for name, line in tokens.items() if name not in rooms]
