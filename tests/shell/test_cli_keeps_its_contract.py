"""What other programs may rely on: `--json` on every command that reads, and what exit codes of real processes mean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bot.cli import policybell
from bot.control import DataLock
from tests.fakes.daemon import ROOT

# What does something, or prints what a program reads already, or talks with a person.
WITHOUT_JSON = {
    *("run", "chat", "follow", "unfollow", "backup", "restore", "db prune", "db vacuum"),
    *("sources discard", "sources move", "sources pause", "sources poll", "sources release", "sources resume"),
    *("sources add", "sources drop", "sources export"),
    *("outbox discard", "outbox pause", "outbox resume", "outbox retry"),
    *("slack manifest", "telegram setup"),
}


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*before, name))
        elif found is not None:
            yield " ".join((*before, name)), found


def test_every_command_that_reads_takes_json() -> None:
    assert isinstance(policybell, click.Group)
    without = {name for name, found in commands(policybell) if not any(p.name == "as_json" for p in found.params)}
    assert without == WITHOUT_JSON


def started(*argv: str, folder: Path, **more: str) -> subprocess.Popen[bytes]:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "POLICYBELL_BOT__DATA_DIR": str(folder), **more}
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *argv],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a shell that starts tests in the background has SIGINT ignored in all that comes of it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    assert b"Traceback" not in out + err
    return process.returncode, err.decode()


def test_a_database_that_cannot_be_opened_is_4_and_is_left_as_it_is(tmp_path: Path) -> None:
    database = tmp_path / "policybell.db"
    database.write_bytes(b"no database at all, " * 1000)
    for command in (("run", "--once", "--no-web"), ("outbox", "list")):
        code, said = ended(started(*command, folder=tmp_path))
        assert code == 4
        assert "policybell restore" in said.splitlines()[-1]  # before it, the daemon's log
    assert database.read_bytes() == b"no database at all, " * 1000


def test_a_held_lock_is_5_and_names_the_holder(tmp_path: Path) -> None:
    with DataLock(tmp_path):
        code, said = ended(started("run", folder=tmp_path))
    assert code == 5
    assert f"process {os.getpid()}" in said


def test_a_bot_that_slack_could_not_reach_is_3_and_makes_nothing(tmp_path: Path) -> None:
    slack = {"MODE": "http", "BOT_TOKEN": "xoxb-1", "SIGNING_SECRET": "s" * 32}
    environ = {f"POLICYBELL_SLACK__{name}": value for name, value in slack.items()}
    code, said = ended(started("run", "--no-web", folder=tmp_path, **environ))
    assert code == 3
    assert "slack.mode" in said
    assert "--no-web" in said
    assert not (tmp_path / "policybell.db").exists()


def test_interrupted_is_130(tmp_path: Path) -> None:
    pipe = tmp_path / "text"
    os.mkfifo(pipe)
    process = started("match", "tps", str(pipe), folder=tmp_path)
    writing = os.open(pipe, os.O_WRONLY)  # returns once the command has opened its end: then it waits for text
    process.send_signal(signal.SIGINT)
    code, _ = ended(process)
    os.close(writing)
    assert code == 130
