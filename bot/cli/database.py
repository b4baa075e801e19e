"""The database from the shell: backups and the way back, and what is seldom done to it."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import click

from bot.cli.asking import DATABASE_NAME, ask_bot, show, with_config, with_json
from bot.cli.layout import table
from bot.clock import SystemClock
from bot.commands.wording import plural
from bot.control import Answered, DataLock
from bot.core.backups import name_at
from bot.logs import set_up
from bot.store import Restored, restore_database, schema_steps
from config import load
from config.units import read_duration


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@with_config
def backup(file: Path | None, config: Path | None) -> int:
    """Write everything to a new file, checked and compressed; the bot may run."""
    target = file or load(config, os.environ).backups_dir() / name_at(SystemClock().now())
    return show(ask_bot(config, ["backup", str(target.absolute())]))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_config
def restore(file: Path, config: Path | None) -> int:
    """Put a backup in the place of the database; the bot must not run."""
    settings = load(config, os.environ)
    set_up(format="auto", level="error", secrets=settings.secrets(), chat_key=bytes)
    with DataLock(settings.bot.data_dir):
        database, now = settings.bot.data_dir / DATABASE_NAME, SystemClock().now()
        say(restore_database(file, database, now, settings.ages().forgotten))
    return 0


def say(restored: Restored) -> None:
    """Print what a restore came to, and what a backup cannot know."""
    click.echo(f"Restored: {plural(restored.chats, 'chat')}, {plural(restored.stories, 'story', 'stories')}.")
    if restored.aside is not None:
        click.echo(f"The database that it replaced is kept as {restored.aside}, and removed with old backups.")
    if restored.marked:
        waited = plural(restored.marked, "alert")
        click.echo(f"Waited, and may have gone out since: {waited}. What comes again is marked as a possible repeat.")
    if restored.unsure:
        unsure = plural(restored.unsure, "alert")
        click.echo(f"May have come twice, and not sent again: {unsure}. See `policybell outbox list`.")
    click.echo("Alerts of what the sources say at their next reading are marked as possible repeats, too.")
    if restored.forgotten:
        again = plural(restored.forgotten, "chat")
        click.echo(f"Forgotten again, as they asked since the backup: {again}.")
    if restored.forgotten is None or restored.is_old:
        who = "who" if restored.forgotten is None else "of everybody who"
        click.echo(f"The replaced database cannot say {who} asked to be forgotten since: such chats are back.")


@click.group()
def db() -> None:
    """The schema of the database, its size, and what its age takes from it."""


@db.command()
@click.option("--list", "only_list", is_flag=True, help="Only list the steps, and which are taken.")
@with_json
@with_config
def migrate(config: Path | None, *, only_list: bool, as_json: bool) -> int:
    """Bring the schema up to date; a start of the bot does the same, after a backup."""
    if not only_list:
        return show(ask_bot(config, ["db", "migrate"]))
    steps = schema_steps(load(config, os.environ).bot.data_dir / DATABASE_NAME)
    rows = [{"step": name, "taken": at} for name, at in steps]
    return show(Answered(json.dumps(rows)), as_json=as_json, lay_out=_steps)


def _steps(rows: list[dict[str, object]]) -> str:
    return table([row | {"taken": row["taken"] or "not yet"} for row in rows], ("step", "taken"))


@db.command()
@with_config
def vacuum(config: Path | None) -> int:
    """Give room back that deleted rows took; everything waits for it."""
    return show(ask_bot(config, ["db", "vacuum"]))


@db.command()
@click.option("--older-than", "age", help="Take away items of this age, such as 400d, instead of retention.items.")
@with_config
def prune(age: str | None, config: Path | None) -> int:
    """Take away now what its age would take away tonight."""
    ages = load(config, os.environ).ages()
    try:
        ages = ages if age is None else replace(ages, items=read_duration(age))
    except ValueError as error:
        raise click.UsageError(f"--older-than: {error}") from error
    if ages.items < timedelta(days=1):
        raise click.UsageError("--older-than: at least 1d")
    seconds = [str(int(getattr(ages, one.name).total_seconds())) for one in fields(ages)]
    return show(ask_bot(config, ["db", "prune", *seconds]))
