"""The outbox from the shell: what waits, what is unsure, what died."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.cli.asking import ask_bot, show, with_config, with_json
from bot.cli.layout import facts, table

_with_row = click.argument("row", metavar="ID")
_with_platform = click.argument("platform", required=False)


@click.group()
def outbox() -> None:
    """Alerts that wait, are unsure, or were refused."""


@outbox.command("list")
@with_json
@with_config
def list_rows(*, as_json: bool, config: Path | None) -> int:
    """Show the rows that are not settled, the oldest first."""
    rows = ask_bot(config, ["outbox", "list"])
    if rows.ok and not as_json and (held := json.loads(ask_bot(config, ["outbox", "paused"]).text)):
        click.echo("\n".join(f"{name} is paused since {since}." for name, since in held.items()))
    return show(rows, as_json=as_json, lay_out=_rows)


@outbox.command("show")
@_with_row
@with_json
@with_config
def show_row(row: str, *, as_json: bool, config: Path | None) -> int:
    """Show one row, whatever became of it."""
    return show(ask_bot(config, ["outbox", "show", row]), as_json=as_json, lay_out=facts)


@outbox.command()
@_with_row
@with_config
def retry(row: str, config: Path | None) -> int:
    """Put a row back. What may have arrived already stays marked as a possible repeat."""
    return show(ask_bot(config, ["outbox", "retry", row]))


@outbox.command()
@_with_row
@with_config
def discard(row: str, config: Path | None) -> int:
    """Cancel a row that is not sent yet."""
    return show(ask_bot(config, ["outbox", "discard", row]))


@outbox.command()
@_with_platform
@with_config
def pause(platform: str | None, config: Path | None) -> int:
    """Stop sending to a platform, or to all. Alerts wait, through restarts too."""
    return show(ask_bot(config, ["outbox", "pause", *filter(None, [platform])]))


@outbox.command()
@_with_platform
@with_config
def resume(platform: str | None, config: Path | None) -> int:
    """Send again to a platform, or to all."""
    return show(ask_bot(config, ["outbox", "resume", *filter(None, [platform])]))


def _rows(rows: list[dict[str, object]]) -> str:
    if not rows:
        return "The outbox is empty: nothing waits, nothing is unsure, nothing was refused."
    return table(rows, ("id", "state", "chat", "attempts", "due_at", "title", "last_error"))
