"""How a command reaches the bot: through the running daemon, else by opening the store under the lock itself."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from bot.clock import SystemClock
from bot.commands import Desk, answer
from bot.control import SOCKET_NAME, Answered, DataLock, ask
from bot.core.model import Voice
from bot.core.speech import Call, Reply
from bot.errors import LockedError
from bot.logs import set_up
from bot.operate import operate
from bot.store import open_store
from bot.watching.habits import Habits
from bot.watching.operators import Operators
from config import Settings, load

DATABASE_NAME = "policybell.db"
_STARTING_SECONDS = 2.0  # for so long a daemon may hold the lock before it answers
_PAUSE_SECONDS = 0.1

with_config = click.option("--config", "config", type=click.Path(path_type=Path), help="The settings; bot.toml here.")
with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def ask_bot(config: Path | None, argv: Sequence[str]) -> Answered:
    """Have a request answered. There is never a second writer: either a daemon answers or we hold its lock."""
    settings = load(config, os.environ)
    # what the store would tell a daemon's log is not what was asked for
    set_up(format="auto", level="error", secrets=settings.secrets(), chat_key=bytes)
    patience = time.monotonic() + _STARTING_SECONDS
    while (answered := ask(settings.bot.data_dir / SOCKET_NAME, argv)) is None:
        try:
            with DataLock(settings.bot.data_dir):
                return asyncio.run(_without_daemon(settings, argv))
        except LockedError:
            if time.monotonic() > patience:
                raise
            time.sleep(_PAUSE_SECONDS)
    return answered


def show(answered: Answered, *, as_json: bool = False, lay_out: Callable[[Any], str] | None = None) -> int:
    """Print an answer, laid out for people where it is data, and return the exit code."""
    laid_out = lay_out(json.loads(answered.text)) if answered.ok and lay_out and not as_json else answered.text
    click.echo(laid_out, err=not answered.ok)
    return answered.exit


async def _answered(desk: Desk, call: Call) -> Reply:
    """Answer as the daemon's door would, with its record of what operators did."""
    reply = await answer(desk, call)
    await Operators().audit(desk.store, call, "done" if reply.ok else "refused", desk.clock.now())
    return reply


async def _without_daemon(settings: Settings, argv: Sequence[str]) -> Answered:
    store = open_store(f"sqlite:///{settings.bot.data_dir / DATABASE_NAME}")
    try:
        desk = Desk(
            store=store,
            topics=settings.topics,
            sources=settings.all_sources(await store.added_sources()),
            not_yet=settings.not_yet_sources(),
            voice=Voice(settings.bot.language, settings.bot.timezone),
            clock=SystemClock(),
            habits=Habits(store, SystemClock()).known,
        )
        return await operate(desk, partial(_answered, desk), argv)
    finally:
        await store.close()
