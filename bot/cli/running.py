"""The daemon, and a talk with it."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import click
import structlog

from bot.cli.asking import with_config
from bot.cli.crash import report
from bot.clock import SystemClock
from bot.control import SOCKET_NAME, DataLock, ask
from bot.errors import BotError
from bot.logs import set_up
from bot.pseudonyms import KEY_NAME, MonthlyKey
from config import load

log = structlog.get_logger()


@click.command()
@with_config
@click.option("--once", is_flag=True, help="Poll every due source once, deliver what is due, stop.")
@click.option("--sample", is_flag=True, help="The bundled sample instead of the network, in a database of its own.")
@click.option("--no-web", is_flag=True, help="Without the chat page and the health checks; no port is opened.")
def run(config: Path | None, *, once: bool, sample: bool, no_web: bool) -> int:
    """Start everything that has a token; without one, the web chat and the terminal chat."""
    settings = load(config, os.environ)
    # Whoever comes second is told at once, not after the libraries of every platform were imported.
    data_dir = settings.bot.data_dir / "sample" if sample else settings.bot.data_dir
    with DataLock(data_dir):
        pass
    hide = set_up(
        format=settings.bot.log_format,
        level=settings.bot.log_level,
        secrets=settings.secrets(),
        chat_key=MonthlyKey(data_dir / KEY_NAME, SystemClock().now),
    )
    for key, why in settings.not_yet:
        log.warning("setting.ignored", key=key, why=why)
    try:
        app = import_module("bot.app")
        options = app.RunOptions(once=once, sample=sample, web=not no_web, config=config, hide=hide)
        return int(app.main(settings, options))
    except BotError:
        raise
    except Exception as error:  # noqa: BLE001 - a daemon's traceback belongs in its log
        return report(error, in_log=True)


@click.command()
@with_config
def chat(config: Path | None) -> int:
    """Talk to the running bot from this terminal.

    Alerts are shown where the bot itself runs.
    """
    path = load(config, os.environ).bot.data_dir / SOCKET_NAME
    prompt = "> " if sys.stdin.isatty() else ""
    if ask(path, ["say", "status"]) is None:
        raise BotError("No bot runs here. Start one with `policybell run`, which has a terminal chat of its own.")
    if prompt:
        click.echo("Type help, or Ctrl-D to leave.")
    while (line := _typed(prompt)) is not None:
        answered = ask(path, ["say", line]) if line.strip() else None
        if answered is not None:
            click.echo(answered.text)
        elif line.strip():
            raise BotError("The bot has stopped. Start it again with `policybell run`.")
    return 0


def _typed(prompt: str) -> str | None:
    try:
        return input(prompt)
    except EOFError:
        return None
