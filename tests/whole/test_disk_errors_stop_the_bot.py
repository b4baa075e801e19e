"""A disk that fails in earnest (R5): the bot stops at once instead of trying again, and the next start finds all whole.

After a failed fsync nobody knows what is on the disk, and the next fsync seems to succeed: only opening the file anew
tells. Errors come from strace, which answers a system call in the kernel's place.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Self

import pytest

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import Town

SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900 if SOAK else 180),
    pytest.mark.skipif(not shutil.which("strace"), reason="strace, which makes system calls fail, is not installed"),
]

CALLS = [("fdatasync", "EIO", k) for k in (range(1, 21) if SOAK else (3,))]
CALLS += [("pwrite64", "EIO", k) for k in ((1, 2, 5, 11, 23) if SOAK else ())]
ENDS_WITHIN = 5.0


class Traced:
    """An strace that has a system call of a running process fail, the k-th (`3`) or all from there on (`3+`)."""

    def __init__(self, daemon: Daemon, call: str, error: str, when: str, log: Path) -> None:
        assert daemon.process is not None
        inject = f"inject={call}:error={error}:when={when}"
        self._argv = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject]
        self._argv += ["-p", str(daemon.process.pid)]
        self.log = log
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(*self._argv, stderr=asyncio.subprocess.PIPE)
        await asyncio.sleep(0.5)
        if self.process.returncode:  # 0: the bot has met the error already and is gone
            assert self.process.stderr is not None
            said = (await self.process.stderr.read()).decode(errors="replace")
            pytest.skip(f"strace may not look into a process here: {said.strip()}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        await self.process.wait()

    def failed(self) -> int:
        """How many calls were made to fail so far."""
        return self.log.read_text(errors="replace").count("(INJECTED)") if self.log.exists() else 0


@pytest.mark.parametrize(("call", "error", "k"), CALLS)
async def test_a_disk_that_fails_stops_the_bot_and_a_restart_finds_all_whole(
    tmp_path: Path, call: str, error: str, k: int
) -> None:
    async with FeedServer() as feeds, FakeTelegram(latency=0.05) as telegram:
        town = Town(tmp_path, feeds, telegram, 3)
        try:
            await town.settle_down()
            town.publish(1)
            await until(lambda: town.told() == 3)
            async with Traced(town.daemon, call, error, str(k), tmp_path / "strace.log") as traced:
                town.publish(2)
                await until(traced.failed, 60)
                began = time.monotonic()
                assert town.daemon.process is not None
                async with asyncio.timeout(20):
                    code = await town.daemon.process.wait()
                took = time.monotonic() - began
            assert code == 4, town.daemon.output.read_text(errors="replace")[-2000:]
            assert took <= ENDS_WITHIN or not SOAK
            assert "could not be read or written" in town.daemon.output.read_text(errors="replace")
            assert town.rows("pragma quick_check") == [("ok",)]
            await town.daemon.start()
            await town.quiet()
        finally:
            await town.daemon.stop()
        print(f"\n{call} → {error} at call {k}: exit {code} after {took:.1f} s; {town.assert_promises()}")


async def test_writes_that_find_no_room_are_waited_out_instead(tmp_path: Path) -> None:
    """ENOSPC is no failing disk: R6 holds, and nothing is restarted."""
    async with FeedServer() as feeds, FakeTelegram() as telegram:
        town = Town(tmp_path, feeds, telegram, 3)
        try:
            await town.settle_down()
            async with Traced(town.daemon, "pwrite64", "ENOSPC", "3+", tmp_path / "strace.log") as traced:
                town.publish(2)
                await until(traced.failed, 60)
                await until(lambda: b"disk.full" in town.daemon.output.read_bytes())
                assert town.daemon.process is not None
                assert town.daemon.process.returncode is None
            await town.quiet()
            assert b"disk.has_room" in town.daemon.output.read_bytes()
        finally:
            assert await town.daemon.stop() == 0
        print(f"\npwrite64 → ENOSPC: waited out; {town.assert_promises()}")
