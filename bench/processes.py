"""Whole processes: memory of the daemon and of its child apart, time of commands that people type."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

from bench.figure import Figure
from tests.fakes.daemon import ROOT, Daemon
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

RUNS = 7
QUIET = '[catalogue]\nenabled = []\n[bot]\ncontact = "https://example.org"\n'
TEXT = "Temporary Protected Status is extended for eighteen months."


async def figures() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), QUIET)
        started = time.perf_counter()
        await daemon.start()
        yield Figure("daemon, start to ready, no platform", time.perf_counter() - started, "s", reach="<= 3")
        own, child = resident(daemon)
        yield Figure("daemon, idle, no platform", own, "MB resident", reach="<= 85")
        yield Figure("its child", child, "MB resident", reach="<= 45")
        await daemon.stop()
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        with tempfile.TemporaryDirectory() as folder:
            environ = {
                "POLICYBELL_TELEGRAM__TOKEN": telegram.token,
                "POLICYBELL_TELEGRAM__API_URL": telegram.api_url,
                "POLICYBELL_SLACK__BOT_TOKEN": slack.bot_token,
                "POLICYBELL_SLACK__APP_TOKEN": slack.app_token,
                "POLICYBELL_SLACK__API_URL": slack.api_url,
            }
            daemon = Daemon(Path(folder), QUIET, environ)
            await daemon.start()
            yield Figure("daemon, idle, both platforms", resident(daemon)[0], "MB resident", reach="<= 120")
            await daemon.stop()
    bare = command("-c", "pass")
    for name, argv, reach in (
        ("policybell --help", ("-m", "bot", "--help"), "<= 200"),
        ("policybell match", ("-m", "bot", "match", "tps OR status", "-"), "<= 250"),
    ):
        taken = command(*argv)
        yield Figure(name, taken, "ms", f"bare Python {bare:.0f} ms", taken / bare, reach)


def command(*argv: str) -> float:
    """Median wall milliseconds of a Python command."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *argv], input=TEXT.encode(), cwd=ROOT, capture_output=True, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


def resident(daemon: Daemon) -> tuple[float, float]:
    """Resident megabytes of the daemon's own process, and of the processes that it started."""
    assert daemon.process is not None
    pid = daemon.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return _megabytes(str(pid)), sum(_megabytes(child) for child in children)


def _megabytes(pid: str) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
