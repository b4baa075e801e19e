"""Whether everything is as it should be, and what it is."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path

import click

from bot import __version__
from bot.cli.asking import with_config, with_json
from bot.logs import set_up
from config import Findings, Settings, inspect
from config.layers import file_of

_STANDS_ON = ("aiohttp", "feedparser", "pydantic", "python-telegram-bot", "slack-bolt", "sqlite-utils")


@click.command()
@with_config
@with_json
@click.option("--online", is_flag=True, help="Try every source and token as well.")
def check(config: Path | None, *, as_json: bool, online: bool) -> int:
    """Name every problem in the configuration at once."""
    findings = inspect(config, os.environ)
    answer = _answer(str(file_of(config, os.environ)), findings)
    if not as_json:
        for line in _lines(str(file_of(config, os.environ)), findings):
            click.echo(line)
    failed = False
    if online and findings.settings is not None:
        tried = asyncio.run(_try_online(findings.settings, quiet=as_json))
        failed = not all(one["ok"] for one in tried)
        answer["online"] = tried
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    return 3 if findings.problems else int(failed)


async def _try_online(settings: Settings, *, quiet: bool) -> list[dict[str, object]]:
    """Try everything, a line as soon as each is known."""
    set_up(format="auto", level="error", secrets=settings.secrets(), chat_key=bytes)
    tried: list[dict[str, object]] = []
    async for one in import_module("bot.app.online").try_everything(settings):
        tried.append(asdict(one))
        if not quiet:
            color = "green" if one.ok else "red"
            click.echo(f"  {click.style('ok ' if one.ok else 'bad', fg=color)}  {one.what:<24}  {one.words}")
    return tried


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
    served = "workspaces that install the app" if settings.slack.is_for_many else "one workspace"
    yield f"Slack: {f'on, {settings.slack.mode} mode, {served}' if settings.slack.is_on else 'off, no tokens'}"
    yield f"Topics: {len(settings.topics)}"
    yield f"Sources: {len(settings.source_specs())}, and {len(waiting)} that are not read"
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
