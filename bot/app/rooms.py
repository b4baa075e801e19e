"""Which rooms open: each where its token or its terminal is, and what is said of those that stay closed."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.app.world import World
from bot.ports import Platform
from bot.sample.beside import SampleBeside
from bot.welcome import RoomLine
from config import Settings
from handlers.console import Console, wants_style
from handlers.web import RouteDef, Web


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `policybell run` was called. `config` is the file of settings where one was named."""

    once: bool = False
    sample: bool = False
    web: bool = True
    config: Path | None = None


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
        from handlers.slack import Slack  # noqa: PLC0415

        slack = settings.slack
        room = Slack(
            slack.bot_token.get_secret_value(),
            slack.app_token.get_secret_value(),
            clock=world.clock,
            signing_secret=slack.signing_secret.get_secret_value() if slack.mode == "http" else "",
            api_url=slack.api_url,
            command=slack.command,
            who=slack.who,
        )
        public_routes += room.public_routes
        yield room, RoomLine("Slack", _how_slack_is_heard(settings, options))
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


def _how_slack_is_heard(settings: Settings, options: RunOptions) -> str:
    slack = settings.slack
    if slack.mode == "http" and not options.web:
        return "sends only: without the web nothing can be heard in HTTP mode"
    return f"answers to {slack.command}" + (", told at /slack/events" if slack.mode == "http" else "")


def missing(rooms: Mapping[str, Platform]) -> list[RoomLine]:
    """Say of each platform that is off what would start it."""
    tokens = {
        "telegram": RoomLine("Telegram", "set POLICYBELL_TELEGRAM__TOKEN", on=False),
        "slack": RoomLine("Slack", "set POLICYBELL_SLACK__BOT_TOKEN and POLICYBELL_SLACK__APP_TOKEN", on=False),
    }
    return [line for name, line in tokens.items() if name not in rooms]
