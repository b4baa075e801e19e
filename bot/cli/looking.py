"""Looking from the shell: sources, and why something came or did not."""

from __future__ import annotations

import asyncio
import json
import os
from importlib import import_module
from pathlib import Path

import click

from bot.cli.asking import ask_bot, show, with_config, with_json
from bot.cli.layout import facts, table
from bot.control import SOCKET_NAME, ask
from bot.errors import BotError
from bot.logs import set_up
from bot.operate import SHELL
from config import load
from config.catalogue import known_kinds


@click.group()
def sources() -> None:
    """What is read, and how each source is doing."""


@sources.command("list")
@with_json
@with_config
def list_sources(*, as_json: bool, config: Path | None) -> int:
    """Show every source and how it is doing."""
    return show(ask_bot(config, ["sources", "list"]), as_json=as_json, lay_out=_sources)


@sources.command("show")
@click.argument("source", metavar="ID")
@with_json
@with_config
def show_source(source: str, *, as_json: bool, config: Path | None) -> int:
    """Show all that is known of one source."""
    return show(ask_bot(config, ["sources", "show", source]), as_json=as_json, lay_out=facts)


def _steers(what: str, about: str) -> click.Command:
    """Make the command that does this to one source."""

    @sources.command(what, help=about)
    @click.argument("source", metavar="ID")
    @with_config
    def steer(source: str, config: Path | None) -> int:
        return show(ask_bot(config, ["sources", what, source]))

    return steer


pause_source = _steers("pause", "Leave a source alone, also after a restart.")
resume_source = _steers("resume", "Read a source again that was paused, or said that it is gone.")
move_source = _steers("move", "Read a source where its permanent redirects lead.")
release_source = _steers("release", "Let go what is held back of a source, as one list for each chat.")
discard_source = _steers("discard", "Send what is held back of a source to nobody.")
poll_source = _steers("poll", "Poll a source within about a minute.")


@sources.command("test")
@click.argument("url", metavar="URL|ID")
@click.option("--kind", type=click.Choice(known_kinds()), default="feed", show_default=True, help="How a URL is read.")
@with_json
@with_config
def try_source(url: str, kind: str, *, as_json: bool, config: Path | None) -> int:
    """Read an address, or a source by its id, once, and remember nothing. Exit 1 where it cannot be read."""
    settings = load(config, os.environ)
    set_up(format="auto", level="error", secrets=settings.secrets(), chat_key=bytes)
    found = asyncio.run(import_module("bot.app.trying").try_url(settings, url, kind))
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else facts(found))
    return int("error" in found)


@click.command()
@with_json
@with_config
def alarms(*, as_json: bool, config: Path | None) -> int:
    """What needs an operator now, and what to do about it.

    Exit 1 where anything does.
    """
    answered = ask(load(config, os.environ).bot.data_dir / SOCKET_NAME, ["alarms"])
    if answered is None:
        raise BotError("No bot runs here, so nothing is measured. Start one with `policybell run`.")
    return show(answered, as_json=as_json, lay_out=_alarms) or int(answered.text != "[]")


@click.command()
@with_json
@with_config
def audit(*, as_json: bool, config: Path | None) -> int:
    """What operators did, the latest first."""
    return show(ask_bot(config, ["audit"]), as_json=as_json, lay_out=_audited)


@click.command()
@click.argument("story", metavar="ALERT|URL")
@click.option("--chat", default=str(SHELL), metavar="CHAT", help="For which chat, as PLATFORM:ID.")
@with_json
@with_config
def why(story: str, chat: str, *, as_json: bool, config: Path | None) -> int:
    """Why an alert came, or what became of an address."""
    return show(ask_bot(config, ["why", story, chat]), as_json=as_json, lay_out=lambda found: str(found["text"]))


def _alarms(rows: list[dict[str, object]]) -> str:
    return table(rows, ("severity", "sentence", "next_step", "since")) if rows else "No alarm."


def _audited(rows: list[dict[str, object]]) -> str:
    return table(rows, ("at", "actor", "verb", "args", "outcome")) if rows else "Nothing was done yet."


def _sources(rows: list[dict[str, object]]) -> str:
    return table(rows, ("id", "state", "name", "last_success_at", "why")) if rows else "No source is configured."
