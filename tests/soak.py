"""The long proofs, several at once: `make soak` prints the figures of each as it ends, and what failed in full.

Most of them wait, for limits of platforms and for restarts: three side by side keep two cores half busy.
`python tests/soak.py FILE...` runs those of some files only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AT_ONCE = 3
TEST_SECONDS = 3600
LONGEST = "tests/whole/test_kills_lose_nothing.py"  # its tests run side by side, and first
PYTEST = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "--timeout", str(TEST_SECONDS)]
ENVIRON = {**os.environ, "POLICYBELL_SOAK": "1"}

# Whatever else pytest and our own logs write: progress, logs with a date, rulers, counts.
_NOISE = re.compile(r"^[.sFE]*(\d{4}-\d\d-\d\d .*|\{.*|\s*(\[ *\d+%\])?|[=_-]{5,}.*|\d+ passed.*)$")


def jobs(*chosen: str) -> Iterator[list[str]]:
    """Give pytest's arguments for each process: the longest tests one by one, the others file by file."""
    listed = subprocess.run(
        [*PYTEST, "--collect-only", "-m", "soak", *chosen],
        cwd=ROOT,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    nodes = [line for line in listed.stdout.splitlines() if "::" in line]
    files = dict.fromkeys(node.partition("::")[0] for node in nodes)
    if not files:
        sys.exit(f"no long proof was found:\n{listed.stdout}{listed.stderr}")
    yield from ([node] for node in nodes if node.startswith(LONGEST))
    yield from (["-m", "soak", file] for file in files if file != LONGEST)
    if not chosen:
        yield ["-m", "hypothesis and not soak", "tests"]  # every property once more, with examples never seen before


def run(arguments: list[str]) -> tuple[bool, float, str]:
    began = time.monotonic()
    done = subprocess.run(
        [*PYTEST, "-s", "-rs", *arguments],
        cwd=ROOT,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode == 0, time.monotonic() - began, done.stdout


def main() -> int:
    began, failed = time.monotonic(), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(run, arguments): arguments[-1] for arguments in jobs(*sys.argv[1:])}
        for ended in as_completed(running):
            passed, seconds, said = ended.result()
            name = running[ended]
            print(f"{'ok' if passed else 'FAILED':6} {seconds:5.0f} s  {name}")
            failed += not passed
            for line in said.splitlines() if passed else said[-20_000:].splitlines():
                if not passed or not _NOISE.match(line):
                    print(f"        {line}")
            sys.stdout.flush()
    print(f"{len(running)} long proofs, {failed} failed, {(time.monotonic() - began) / 60:.0f} minutes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
