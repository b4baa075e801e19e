"""A process that dies while it restores: `python -m tests.restoring FOLDER SEED KILLS` leaves `killed-000` … beside.

FOLDER holds a database and `backup.gz`; each of the copies is what a kill at a random moment left of it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import structlog

from bot.store.sqlite.restoring import restore
from tests.builders import NOW


def kill(folder: Path, seed: int, kills: int) -> None:
    """Fork a process for each kill. This one has no threads, so it may fork."""
    whole = folder.with_name("whole")
    shutil.copytree(folder, whole)
    began = time.perf_counter()
    restore(whole / "backup.gz", whole / "policybell.db", NOW)
    takes = time.perf_counter() - began
    chance = random.Random(seed)
    for number in range(kills):
        copy = folder.with_name(f"killed-{number:03}")
        shutil.copytree(folder, copy)
        at = chance.uniform(0, 3 * takes)
        if (child := os.fork()) == 0:
            restore(copy / "backup.gz", copy / "policybell.db", NOW)
            os._exit(0)
        time.sleep(at)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    kill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
