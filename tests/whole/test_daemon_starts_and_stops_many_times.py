"""Start, be ready, stop: again and again, with nothing sent twice and no poll missed. And what else ends a bot.

`make soak` does it a hundred times, and prints the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import statistics
import sys
from pathlib import Path

import pytest

from tests.fakes.daemon import ROOT, Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.news import rss, tps_item
from tests.fakes.telegram import FakeTelegram
from tests.fakes.town import SETTINGS

TIMES = 100
READY_SECONDS = 3.0
ANA = 501_884_223


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("POLICYBELL_SOAK"), reason="a hundred starts: make soak makes them")
@pytest.mark.timeout(1800)
async def test_every_start_is_quick_and_every_notice_is_told_once(tmp_path: Path) -> None:
    took: list[float] = []
    cpu: list[float] = []
    async with FeedServer() as feeds, FakeTelegram() as telegram:
        items = [tps_item(0)]
        feeds.publish("/feed.xml", rss("USCIS", items), etag='"0"')
        environ = telegram.environ
        daemon = Daemon(tmp_path, SETTINGS.format(url=feeds.url("/feed.xml")), environ)
        clock = asyncio.get_running_loop().time
        for number in range(1, TIMES + 1):
            began = clock()
            await daemon.start()
            took.append(clock() - began)
            cpu.append(cpu_seconds(daemon))
            if number == 1:
                await until(lambda: feeds.count("/feed.xml") > 1)
                telegram.world.say(ANA, ANA, "/follow tps")
                await until(lambda: any("Following" in message.text for message in telegram.accepted))
            items.insert(0, tps_item(number))
            feeds.publish("/feed.xml", rss("USCIS", items[:50]), etag=f'"{number}"')
            if number % 2:  # told before the stop, or polled by the next start
                await until(lambda: told(telegram, number))  # noqa: B023
            assert await daemon.stop() == 0
        await daemon.start()
        await until(lambda: told(telegram, TIMES))
        assert await daemon.stop() == 0
        assert [told(telegram, number) for number in range(TIMES + 1)] == [0] + [1] * TIMES
        assert telegram.problems() == []
        assert feeds.violations == []
    print(
        f"\nstarts {len(took)}: ready after {statistics.median(took):.2f} s (median), {max(took):.2f} s (slowest), of "
        f"which {statistics.median(cpu):.2f} s of processor time (at most {READY_SECONDS:g})"
    )
    # of its own time, since a busy machine has others to serve
    assert statistics.median(cpu) <= READY_SECONDS


def cpu_seconds(daemon: Daemon) -> float:
    """The processor time that it has used so far."""
    assert daemon.process is not None
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(telegram: FakeTelegram, number: int) -> int:
    title = re.compile(rf"notice number {number}\b")
    return sum(bool(title.search(m.text)) and "Why you got this" in m.text for m in telegram.accepted)


async def test_closing_the_terminal_ends_the_bot(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--no-web"),
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "POLICYBELL_BOT__DATA_DIR": str(tmp_path),
            "POLICYBELL_CATALOGUE__ENABLED": ",",
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = b""

    def greeted() -> bool:
        nonlocal shown
        with contextlib.suppress(OSError):
            shown += os.read(ours, 65_536)
        return b"\n> " in shown

    await until(greeted)
    process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(20):
        assert await process.wait() == 0
    os.close(ours)
