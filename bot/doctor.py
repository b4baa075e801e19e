"""A look at everything that a bot stands on, from outside: what is well, what is not, and what to do about it.

Nothing here writes, migrates or takes the lock: it may run beside the bot, as another user, and while it is stopped.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot import __version__
from bot.control import SOCKET_NAME, ask, holder
from bot.core.alarms import Thresholds
from bot.core.backups import made_at, newest
from bot.core.words import span_of_time
from bot.errors import BotError, StoreError
from bot.store.sqlite.examining import Examined, examine, sqlite_version
from config import Settings
from config.words import Address

OLDEST_PYTHON = (3, 11)
LIMITS = Thresholds()  # room and backups are judged as the running bot does
LITTLE_FREE = 1024**3  # bytes: a month of growth
SOURCES_OLD_AFTER = timedelta(hours=24)  # the longest pause between two polls of a source that fails
CLOCK_SLACK = timedelta(minutes=2)
PROBE_SECONDS = 5.0

_SHAPES = {
    "telegram.token": r"\d{6,12}:[A-Za-z0-9_-]{30,}",
    "slack.bot_token": r"xoxb-[A-Za-z0-9-]{8,}",
    "slack.app_token": r"xapp-[A-Za-z0-9-]{8,}",
}


class Verdict(StrEnum):
    """How one thing is. Only what is bad keeps the bot from doing its job."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in words, and what to do where it is not well."""

    what: str
    verdict: Verdict
    words: str
    advice: str = ""


def examine_everything(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Look at everything, the foundations first."""
    directory = settings.bot.data_dir
    database = directory / "policybell.db"
    yield _python()
    yield _sqlite()
    yield from _told("clock", lambda: [_clock(database, now)])
    yield from _told("data", lambda: _directory(directory))
    yield from _told("database", lambda: _database(database, now))
    yield from _told("bot", lambda: _daemon(settings))
    yield from _tokens(settings)
    yield from _told("backups", lambda: [_backups(settings, now)])


def _told(what: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Look at something; that one may not look is a finding, too."""
    try:
        yield from look()
    except OSError as error:
        words = f"{error.filename or what} cannot be looked at: {error.strerror}"
        yield Finding(what, Verdict.BAD, words, "Run this as root or as the bot's user.")


def _is_there(path: Path) -> bool:
    """Tell whether a file is there; unlike `Path.exists`, which says no where one may not look (Python 3.14)."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def probe(address: Address) -> str:
    """Ask a running bot whether its loop turns; say what is wrong, or nothing."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=PROBE_SECONDS)
    try:
        with closing(connection):
            connection.request("GET", "/livez")
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{address.host}:{address.port} does not answer ({type(error).__name__})"
    return "" if status == http.HTTPStatus.OK else f"{address.host}:{address.port} answers {status}"


def _python() -> Finding:
    words = f"Policybell {__version__} on Python {sys.version.split()[0]}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", Verdict.BAD, words, "Install Python 3.11 or newer.")
    return Finding("python", Verdict.OK, words)


def _sqlite() -> Finding:
    version, is_safe = sqlite_version()
    if is_safe:
        return Finding("sqlite", Verdict.OK, f"SQLite {version}")
    words = f"SQLite {version} has the WAL-reset bug, mended in 3.51.3"
    return Finding("sqlite", Verdict.WARN, words, "The bot avoids it. Let no other program write to its database.")


def _clock(database: Path, now: datetime) -> Finding:
    """Compare with what was written last: a clock that is behind it was set back, or never set since the start."""
    written = database.stat().st_mtime if _is_there(database) else 0
    if written > (now + CLOCK_SLACK).timestamp():
        behind = span_of_time(timedelta(seconds=written - now.timestamp()))
        advice = "Set it (timedatectl set-ntp true), then restart the bot."
        return Finding("clock", Verdict.BAD, f"it is {behind} behind the database's last change", advice)
    return Finding("clock", Verdict.OK, f"{now:%Y-%m-%d %H:%M} UTC")


def _directory(directory: Path) -> Iterator[Finding]:
    if not (_is_there(directory) and directory.is_dir()):
        advice = "The first `policybell run` makes it. If there was one, check bot.data_dir."
        yield Finding("data", Verdict.WARN, f"there is no directory {directory}", advice)
        return
    found = directory.stat()
    open_to = found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        advice = "Run this as the user of the bot, or give that user the directory."
        yield Finding("data", Verdict.BAD, f"{directory} cannot be written by this user", advice)
    elif open_to:
        advice = f"It says who follows what. Run: chmod 700 {directory}"
        yield Finding("data", Verdict.WARN, f"{directory} is open to others", advice)
    else:
        yield Finding("data", Verdict.OK, f"{directory}, for its owner alone")
    free = shutil.disk_usage(directory).free
    verdict = Verdict.BAD if free < LIMITS.disk_least else Verdict.WARN if free < LITTLE_FREE else Verdict.OK
    yield Finding("disk", verdict, f"{free // 1024**2:,} MiB free", "" if verdict is Verdict.OK else "Make room.")


def _database(database: Path, now: datetime) -> Iterator[Finding]:
    if not _is_there(database):
        yield Finding("database", Verdict.WARN, "there is none yet", "The first `policybell run` makes it.")
        return
    with database.open("rb"):  # that one may not read it is no reason to put a backup in its place
        pass
    try:
        found = examine(database)
    except StoreError as error:
        yield Finding(
            "database", Verdict.BAD, str(error), "Put the newest backup in its place: policybell restore FILE"
        )
        return
    if found.problem:
        advice = "Stop the bot and put the newest backup in its place: policybell restore FILE"
        yield Finding("database", Verdict.BAD, f"it is damaged: {found.problem}", advice)
    else:
        yield Finding("database", Verdict.OK, f"{found.bytes / 1024**2:,.1f} MiB, sound")
    yield _sources(found, now)


def _sources(found: Examined, now: datetime) -> Finding:
    advice = "See `policybell sources list`; `policybell check --online` tries each."
    if found.last_success_at is None:
        return Finding("sources", Verdict.WARN, f"none of {found.sources} was read so far", advice)
    age = now - found.last_success_at
    words = f"{found.sources} sources, {found.failing} failing; the last good poll was {span_of_time(age)} ago"
    if age > SOURCES_OLD_AFTER:
        return Finding("sources", Verdict.BAD, words, "Is the bot running? Is there a network? " + advice)
    if found.failing:
        return Finding("sources", Verdict.WARN, words, advice)
    return Finding("sources", Verdict.OK, words)


def _daemon(settings: Settings) -> Iterator[Finding]:
    directory = settings.bot.data_dir
    process = holder(directory)
    if process:
        yield _answering(directory, process)
    else:
        yield Finding(
            "bot", Verdict.WARN, "no bot runs here", "Start it: systemctl start policybell, or policybell run"
        )
    yield _page(settings.web.listen, running=bool(process))


def _answering(directory: Path, process: str) -> Finding:
    try:
        answered = ask(directory / SOCKET_NAME, ["sources", "list"])
    except BotError as error:
        return Finding("bot", Verdict.BAD, f"process {process} runs and does not answer: {error}", "Restart it.")
    if answered is None:
        return Finding("bot", Verdict.WARN, f"process {process} holds the lock and does not listen", "Is it starting?")
    return Finding("bot", Verdict.OK, f"process {process} runs and answers")


def _page(address: Address, *, running: bool) -> Finding:
    where = f"{address.host}:{address.port}"
    if running:
        why = probe(address)
        advice = "It may have taken the next free port, as its log says, or run with --no-web."
        return Finding("page", Verdict.WARN, why, advice) if why else Finding("page", Verdict.OK, f"{where} answers")
    if not address.port or _is_free(address):
        return Finding("page", Verdict.OK, f"{where} is free")
    return Finding(
        "page", Verdict.WARN, f"{where} is taken", "The bot will take the next free port; or set web.listen."
    )


def _is_free(address: Address) -> bool:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
        except OSError:
            return False
    return True


def _tokens(settings: Settings) -> Iterator[Finding]:
    """Look at the shape alone: what a token is worth, `check --online` asks the platform."""
    for path, shape in _SHAPES.items():
        section, _, key = path.partition(".")
        token = getattr(getattr(settings, section), key).get_secret_value()
        if not token:
            yield Finding(path, Verdict.OK, "not set")
        elif re.fullmatch(shape, token):
            yield Finding(path, Verdict.OK, "set, of the right shape")
        else:
            advice = "Copy it again, whole and without spaces; docs/operate.md says where it comes from."
            yield Finding(path, Verdict.BAD, "set, and not of the shape that such tokens have", advice)


def _backups(settings: Settings, now: datetime) -> Finding:
    """Look for the newest backup as the bot does, by its name; where none are wanted, none is missed."""
    directory = settings.backups_dir()
    names = [file.name for file in directory.iterdir() if made_at(file.name)] if _is_there(directory) else []
    last = newest(names)
    age = None if last is None else max(timedelta(0), now - last)
    words = "there are none" if age is None else f"{len(names)}, the newest {span_of_time(age)} old"
    if settings.ops.backup.at is None:
        return Finding("backups", Verdict.OK, f"they are off; {words}")
    if age is None or age >= LIMITS.backup_age:
        return Finding("backups", Verdict.WARN, words, "Make one: policybell backup")
    return Finding("backups", Verdict.OK, words)
