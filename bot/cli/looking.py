"""Looking from the shell: sources, and why something came or did not."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.asking import ask_bot, show, with_config, with_json
from bot.cli.layout import facts, table
from bot.operate import SHELL


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


@click.command()
@click.argument("story", metavar="ALERT|URL")
@click.option("--chat", default=str(SHELL), metavar="CHAT", help="For which chat, as PLATFORM:ID.")
@with_json
@with_config
def why(story: str, chat: str, *, as_json: bool, config: Path | None) -> int:
    """Why an alert came, or what became of an address."""
    return show(ask_bot(config, ["why", story, chat]), as_json=as_json, lay_out=lambda found: str(found["text"]))


def _sources(rows: list[dict[str, object]]) -> str:
    return table(rows, ("id", "state", "name", "last_success_at", "why")) if rows else "No source is configured."
