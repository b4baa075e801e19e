"""The unit file for systemd: strict enough by systemd's own measure, and not too strict for what the daemon does.

No systemd runs where tests run, so the second is looked at from the daemon's side: every system call that it and its
child make, as strace sees them, must be one that the unit's filter lets through.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.layers import SECRETS, gather
from config.not_yet import NOT_YET
from tests.fakes.daemon import ROOT

UNIT = ROOT / "docs" / "systemd" / "policybell.service"
MOST_EXPOSED = 1.5
ONLY_ROOT = {"fchown"}  # SQLite gives its files to their owner where it runs as root, which the service does not


def need(program: str) -> str:
    """Find a program, or skip."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def settings() -> dict[str, list[str]]:
    """Read the unit's lines: key → values, in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_systemd_itself_finds_it_little_exposed() -> None:
    analyze = need("systemd-analyze")
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True, check=False
    )
    found = re.search(r"Overall exposure level for policybell.service: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    print(f"\nexposure {found[1]} (at most {MOST_EXPOSED})")
    assert float(found[1]) <= MOST_EXPOSED


def test_every_line_is_one_that_systemd_knows() -> None:
    analyze = need("systemd-analyze")
    done = subprocess.run([analyze, "verify", str(UNIT)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "policybell.service" in line]
    assert all("is not executable" in line for line in complaints), complaints  # the program is not in /opt here


def test_it_says_what_the_daemon_needs_said() -> None:
    unit = settings()
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert unit["WatchdogSec"] == ["60"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert unit["OOMPolicy"] == ["continue"]
    assert unit["RestartPreventExitStatus"] == ["3 5"]
    assert unit["DynamicUser"] == ["yes"]
    assert "HOME=/var/lib/policybell" in unit["Environment"]  # Slack's library cannot be imported without a home
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["MemoryDenyWriteExecute"] == ["yes"]
    assert {"MemoryMax", "TasksMax", "StateDirectory", "IPAddressDeny"} <= unit.keys()
    credentials = [line.partition(":") for line in unit["LoadCredential"]]
    assert all(path.endswith(f"/{name}") for name, _, path in credentials)  # as `policybell check` reads the folder


def test_the_unit_and_the_files_that_the_page_shows_hand_over_every_secret_that_the_daemon_reads(
    tmp_path: Path,
) -> None:
    page = (ROOT / "docs" / "operate.md").read_text()
    shown = re.findall(r"^LoadCredential=(.*)$", page, re.MULTILINE)
    credentials = dict(line.split(":") for line in [*settings()["LoadCredential"], *shown])
    assert credentials == {name: f"/etc/policybell/secrets/{name}" for name in credentials}
    assert {name.replace("__", ".") for name in credentials} == SECRETS - set(NOT_YET)
    for name in credentials:
        (tmp_path / name).write_text(f"it is {name}")
    read, wrong = gather(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert wrong == []
    for name in credentials:
        section, key = name.split("__")
        assert read[section][key] == f"it is {name}"


def allowed_calls(analyze: str) -> set[str]:
    """Work out the filter: names and sets are added, and with a tilde taken away, line by line."""
    allowed: set[str] = set()
    for line in settings()["SystemCallFilter"]:
        calls = {call for word in line.removeprefix("~").split() for call in expanded(analyze, word)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed | set(expanded(analyze, "@default"))  # always let through


def expanded(analyze: str, word: str) -> Iterator[str]:
    if not word.startswith("@"):
        yield word
        return
    done = subprocess.run([analyze, "syscall-filter", word], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines()[1:]:
        if line.strip() and not line.strip().startswith("#"):
            yield from expanded(analyze, line.strip())


async def traced(folder: Path) -> str:
    """Run the sample's two rounds under strace: polls, the child that reads, the database, and messages."""
    trace = folder / "trace"
    process = await asyncio.create_subprocess_exec(
        need("strace"),
        *("-f", "-qq", "-o", str(trace), sys.executable, "-m", "bot", "run", "--sample", "--once"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "POLICYBELL_BOT__DATA_DIR": str(folder / "data")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if "ptrace" in said.decode() and not trace.read_text():
        pytest.skip("strace may not trace here")
    assert process.returncode == 0, said.decode()
    return trace.read_text(errors="replace")


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("POLICYBELL_SOAK"), reason="ten seconds under strace: make soak runs it")
async def test_the_filter_lets_through_what_the_daemon_and_its_child_do(tmp_path: Path) -> None:
    allowed = allowed_calls(need("systemd-analyze"))
    trace = await traced(tmp_path)
    made = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", trace, re.MULTILINE))
    assert {"clone", "unshare", "prlimit64", "fdatasync"} <= made  # the child was confined, the database written
    assert made - allowed <= ONLY_ROOT
    # MemoryDenyWriteExecute: no memory that may be written and run, and none made runnable later
    assert not re.search(r"PROT_WRITE\|PROT_EXEC|mprotect\([^)]*PROT_EXEC", trace)
    families = set(re.findall(r"socket(?:pair)?\(AF_([A-Z0-9]+)", trace))
    assert families <= {family.removeprefix("AF_") for family in settings()["RestrictAddressFamilies"][0].split()}
