"""Whether everything is as it should be, and what it is."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click

from bot import __version__
from bot.cli.asking import with_config, with_json
from config import Findings, Settings, inspect
from config.layers import DEFAULT_PATH, PATH_VARIABLE

_STANDS_ON = ("aiohttp", "feedparser", "pydantic", "python-telegram-bot", "slack-bolt", "sqlite-utils")


@click.command()
@with_config
@with_json
def check(config: Path | None, *, as_json: bool) -> int:
    """Name every problem in the configuration at once."""
    findings = inspect(config, os.environ)
    file = str(config or os.environ.get(PATH_VARIABLE) or DEFAULT_PATH)
    if as_json:
        click.echo(json.dumps(_answer(file, findings), ensure_ascii=False))
    else:
        for line in _lines(file, findings):
            click.echo(line)
    return 3 if findings.problems else 0


@click.command()
@with_json
def version(*, as_json: bool) -> None:
    """Which version this is, of Policybell and of what it stands on."""
    known = {"policybell": __version__, "python": platform.python_version()}
    known |= {name: _version(name) for name in _STANDS_ON}
    click.echo(json.dumps(known) if as_json else "\n".join(f"{name} {what}" for name, what in known.items()))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _lines(file: str, findings: Findings) -> Iterator[str]:
    count = len(findings.problems)
    yield click.style(
        f"{file}: {count} {'problem' if count == 1 else 'problems'}" if count else f"{file}: fine", bold=True
    )
    yield from _columns(findings.problems)
    if findings.not_yet:
        yield click.style("Set, and not obeyed yet:", bold=True)
        yield from _columns(findings.not_yet)
    if findings.settings is not None:
        yield from _summary(findings.settings)


def _columns(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    width = max((len(path) for path, _ in pairs), default=0)
    return (f"  {path:<{width}}  {sentence}" for path, sentence in pairs)


def _summary(settings: Settings) -> Iterator[str]:
    waiting = settings.not_yet_sources()
    yield f"Telegram: {'on' if settings.telegram.is_on else 'off, no token'}"
    yield f"Slack: {'on' if settings.slack.is_on else 'off, no tokens'}"
    yield f"Topics: {len(settings.topics)}"
    yield f"Sources: {len(settings.source_specs())}, and {len(waiting)} that are not supported yet"
    yield from _columns(tuple((source_id, why) for source_id, _, why in waiting))


def _answer(file: str, findings: Findings) -> dict[str, object]:
    settings = findings.settings
    return {
        "file": file,
        "ok": not findings.problems,
        "problems": [{"path": path, "sentence": sentence} for path, sentence in findings.problems],
        "not_yet": [{"path": path, "why": why} for path, why in findings.not_yet],
        "sources": [source.id for source in settings.source_specs()] if settings else [],
        "sources_not_yet": [{"id": i, "name": n, "why": w} for i, n, w in settings.not_yet_sources()]
        if settings
        else [],
    }
