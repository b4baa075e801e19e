"""Which sources there are, changed from the shell: added, dropped, taken from OPML and given as OPML."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import track

from bot.cli.asking import ask_bot, show, with_config, with_json
from bot.cli.looking import sources
from bot.cli.opml import BYTES_AT_MOST, read_opml, write_opml
from bot.core.added import is_private
from bot.errors import BotError

__all__ = ["sources"]

_AT_A_TIME = 10  # a request to the daemon has 64 KiB, an address 2,000 characters


@sources.command("add")
@click.argument("url")
@click.argument("name", nargs=-1)
@with_config
def add_source(url: str, name: tuple[str, ...], config: Path | None) -> int:
    """Add a feed, or the one that a page names, for everybody. The bot must run: it reads the address first."""
    return show(ask_bot(config, ["sources", "add", url, *name]))


@sources.command("drop")
@click.argument("source", metavar="ID")
@with_config
def drop_source(source: str, config: Path | None) -> int:
    """Read a source no more that was added while the bot ran."""
    return show(ask_bot(config, ["sources", "drop", source]))


@sources.command("import")
@click.argument("file", type=click.File("rb"))
@with_json
@with_config
def import_sources(file: BinaryIO, *, as_json: bool, config: Path | None) -> int:
    """Add the feeds of an OPML file, for everybody. Exit 1 where any was passed over."""
    outlines = read_opml(file.read(BYTES_AT_MOST + 1))
    done: list[dict[str, str]] = []
    for some in _in_sight(list(batches(outlines.feeds))):
        answered = ask_bot(config, ["sources", "take", *(word for pair in some for word in pair)])
        if not answered.ok:
            raise BotError(answered.text)
        done += json.loads(answered.text)
    done += [{"what": words, "outcome": "passed over"} for words in outlines.skipped]
    lines = "\n".join(f"{one['outcome']}: {one['what']}" for one in done)
    click.echo(json.dumps(done, ensure_ascii=False) if as_json else lines or "The file lists no feed.")
    return int(any(one["outcome"] != "added" for one in done))


@sources.command("export")
@with_config
def export_sources(config: Path | None) -> int:
    """Print all that is watched as OPML; what chats added for themselves is left out."""
    answered = ask_bot(config, ["sources", "list"])
    if not answered.ok:
        return show(answered)
    rows = json.loads(answered.text)
    click.echo(write_opml(row for row in rows if row["url"] and not is_private(row["id"])))
    return 0


def batches(feeds: tuple[tuple[str, str], ...]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Part feeds into what one request can carry."""
    return (feeds[start : start + _AT_A_TIME] for start in range(0, len(feeds), _AT_A_TIME))


def _in_sight(parts: list[tuple[tuple[str, str], ...]]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Go through the parts, with a bar on a terminal's standard error and nothing elsewhere."""
    if not sys.stderr.isatty():
        return iter(parts)
    return iter(track(parts, "Adding", console=Console(stderr=True), transient=True))
