"""Reading what strangers wrote: bounded, apart from the daemon, and never an exception."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.agenda import AgendaLimits, after_failure
from bot.core.intake import Cursor, Parsed, Trouble
from bot.errors import ParseError
from bot.reading import ReadingRoom, ReadLimits
from tests.builders import NOW, a_response, a_source
from tests.fakes.hostile import CPU_BOMBS, ENTITY_BOMBS, GOOD, HOSTILE, rss

FEED = a_source(kind="feed")
LIMITS = AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1))


@asynccontextmanager
async def a_room(**limits: Any) -> AsyncIterator[ReadingRoom]:
    room = ReadingRoom(ReadLimits(**limits))
    room.start()
    try:
        yield room
    finally:
        await room.close()


async def outcome(room: ReadingRoom, body: bytes) -> Parsed | ParseError:
    async with asyncio.timeout(60):
        return await room(FEED, a_response(body))


async def is_well(room: ReadingRoom) -> bool:
    parsed = await outcome(room, GOOD)
    return isinstance(parsed, Parsed) and [entry.title for entry in parsed.entries] == ["One"]


@pytest.mark.parametrize("bomb", CPU_BOMBS)
async def test_a_bomb_for_the_processor_is_killed_by_the_limit_and_the_next_feed_is_read(bomb: str) -> None:
    async with a_room(cpu=1) as room:
        assert await is_well(room)
        zygote, error = room.pid, await outcome(room, CPU_BOMBS[bomb])
        assert isinstance(error, ParseError)
        assert (error.kind, str(error)) == ("parse_limit", "reading it took more than 1 seconds of processor time")
        assert await is_well(room)
        assert room.pid == zygote


@pytest.mark.parametrize("bomb", ENTITY_BOMBS)
async def test_a_bomb_of_entities_ends_at_a_limit(bomb: str) -> None:
    async with a_room(cpu=1) as room:
        error = await outcome(room, ENTITY_BOMBS[bomb])
        assert isinstance(error, ParseError)
        assert error.kind == "parse_limit"
        assert await is_well(room)


async def test_a_bomb_for_the_sanitizer_finds_none() -> None:
    async with a_room(cpu=1) as room:
        parsed = await outcome(room, rss(f"<description>&lt;p style='{'a' * 40_000}'&gt;Hi&lt;/p&gt;</description>"))
    assert isinstance(parsed, Parsed)
    assert [entry.summary for entry in parsed.entries] == ["Hi"]


async def test_memory_real_time_and_output_are_bounded_too() -> None:
    large = rss(f"<description>{'word ' * 800_000}</description>")
    for limits in ({"memory": 60 * 1024 * 1024}, {"wall": 0}, {"output": 100}):
        async with a_room(**limits) as room:
            error = await outcome(room, large)
        assert isinstance(error, ParseError), limits
        assert error.kind == "parse_limit"


async def test_whatever_comes_the_room_answers_and_goes_on() -> None:
    async with a_room(cpu=1) as room:
        zygote = room.pid
        for name, body in HOSTILE.items():
            answer = await outcome(room, body)
            assert isinstance(answer, Parsed | ParseError), name
            assert "root:" not in repr(answer), name
        assert await is_well(room)
        assert room.pid == zygote


async def test_a_feed_that_broke_limits_three_times_waits_and_the_next_is_read_within_a_second() -> None:
    source, cursor = a_source(every=timedelta(minutes=5)), Cursor("source-1")
    waits = []
    async with a_room(cpu=1) as room:
        assert await is_well(room)
        for bomb in (*list(ENTITY_BOMBS.values())[:2], next(iter(CPU_BOMBS.values()))):
            error = await outcome(room, bomb)
            began = time.monotonic()
            assert await is_well(room)
            assert time.monotonic() - began < 1
            assert isinstance(error, ParseError)
            assert error.kind == "parse_limit"
            cursor = after_failure(
                source, cursor, str(error), NOW, jitter=0.5, trouble=error.trouble, retry_after=None, limits=LIMITS
            )
            assert cursor.next_poll_at
            waits.append(cursor.next_poll_at - NOW)
    assert waits == [timedelta(minutes=minutes) for minutes in (5, 10, 20)]
    assert (cursor.trouble, cursor.trouble_polls) == (Trouble.BROKEN, 3)
    assert cursor.last_error == "reading it took more than 1 seconds of processor time"


async def test_answers_are_read_one_at_a_time_and_never_mixed_up() -> None:
    async with a_room() as room:
        bodies = [rss(f"<title>{number}</title>") for number in range(20)]
        answers = await asyncio.gather(*(outcome(room, body) for body in bodies))
    titles = [answer.entries[0].title for answer in answers if isinstance(answer, Parsed)]
    assert titles == [str(number) for number in range(20)]


async def test_a_zygote_that_died_is_replaced_before_and_during_a_job() -> None:
    async with a_room(cpu=1) as room:
        assert await is_well(room)
        os.kill(room.pid or 0, signal.SIGKILL)
        assert await is_well(room)
        running = asyncio.create_task(outcome(room, next(iter(CPU_BOMBS.values()))))
        await asyncio.sleep(0.3)
        killed = room.pid
        os.kill(killed or 0, signal.SIGKILL)
        assert isinstance(await running, ParseError)
        assert room.pid != killed
        assert await is_well(room)


async def test_a_zygote_that_hangs_is_killed_and_replaced() -> None:
    async with a_room(wall=1, grace=0) as room:
        assert await is_well(room)
        hung = room.pid or 0
        os.kill(hung, signal.SIGSTOP)
        error = await outcome(room, GOOD)
        assert isinstance(error, ParseError)
        assert (error.kind, str(error)) == ("parse_limit", "reading it took too long")
        assert await is_well(room)
        assert room.pid != hung


async def test_an_answer_that_ends_two_zygotes_is_given_up() -> None:
    async with a_room(output="not a number, which ends the zygote at every job") as room:
        error = await outcome(room, GOOD)
    assert isinstance(error, ParseError)
    assert (error.kind, str(error)) == ("parse_limit", "reading it ended the reading process, twice")


async def test_a_caller_who_leaves_in_the_middle_spoils_nothing() -> None:
    async with a_room() as room:
        assert await is_well(room)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await room(FEED, a_response(next(iter(CPU_BOMBS.values()))))
        assert await is_well(room)


async def test_signals_for_the_whole_group_do_not_end_it() -> None:
    async with a_room() as room:
        assert await is_well(room)
        zygote = room.pid or 0
        os.kill(zygote, signal.SIGINT)
        os.kill(zygote, signal.SIGTERM)
        assert await is_well(room)
        assert room.pid == zygote


async def test_it_ends_when_the_daemon_is_gone() -> None:
    async with a_room() as room:
        assert await is_well(room)
        process, streams = room._process, room._streams
        assert process is not None
        assert streams is not None
        streams[1].close()
        assert await asyncio.to_thread(process.wait, 20) == 0


async def test_it_has_no_secrets_no_network_and_no_thread() -> None:
    async with a_room() as room:
        assert await is_well(room)
        process = Path(f"/proc/{room.pid}")
        assert (process / "environ").read_bytes() == b"HOME=/\0"
        assert "Threads:\t1\n" in (process / "status").read_text()
        assert len(list((process / "fd").iterdir())) <= 4
        if await asyncio.to_thread(networks_can_be_left):
            assert (process / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def networks_can_be_left() -> bool:
    try_it = "import sys; from bot.reading.job import leave_network; sys.exit(not leave_network())"
    return subprocess.run([sys.executable, "-I", "-c", try_it], check=False).returncode == 0


CONFINED = """
import json, os, resource, sys
from bot.reading.job import _confine
from bot.reading.wire import ReadLimits
_confine(ReadLimits())
names = ["CPU", "AS", "NOFILE", "FSIZE", "CORE"]
found = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names}
found["open"] = sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1, 2))
os.write(int(sys.argv[1]), json.dumps(found).encode())
"""


def test_a_job_has_the_limits_that_it_should_have() -> None:
    ours, theirs = os.pipe()
    subprocess.run([sys.executable, "-I", "-c", CONFINED, str(theirs)], pass_fds=[theirs], check=True)
    os.close(theirs)
    with os.fdopen(ours) as result:
        found = json.loads(result.read())
    assert found == {
        "CPU": [10, 11],
        "AS": [320 * 1024**2] * 2,
        "NOFILE": [16, 16],
        "FSIZE": [0, 0],
        "CORE": [0, 0],
        "open": ["/dev/null"] * 3,
    }


READ_TWO = """
import asyncio, sys
from bot.reading import ReadingRoom
from tests.builders import a_response, a_source

async def main():
    room = ReadingRoom()
    room.start()
    print(len((await room(a_source(), a_response(bytes(sys.argv[1], "ascii")))).entries))
    print((await room(a_source(), a_response(b"<html>"))).kind)
    await room.close()
    print(*sorted(name for name in sys.modules if name.startswith(("feedparser", "bot.sources"))))

asyncio.run(main())
"""


def test_the_own_process_loads_no_parser() -> None:
    command = [sys.executable, "-c", READ_TWO, GOOD.decode()]
    said = subprocess.run(command, env={"PYTHONPATH": "."}, check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout == "1\nnot_a_feed\n\n"
    assert said.stderr == ""


def test_no_process_of_reading_opens_a_socket(tmp_path: Path) -> None:
    if not (strace := shutil.which("strace")):
        pytest.skip("there is no strace here to watch system calls with")
    trace = tmp_path / "trace"
    watched = [strace, "-f", "-e", "trace=socket,connect,bind,sendto,execve", "-o", str(trace)]
    feed = HOSTILE["a file for an entity"].decode()
    command = [*watched, sys.executable, "-c", READ_TWO.replace("len((", "repr((").replace(").entries", ")"), feed]
    done = subprocess.run(command, env={"PYTHONPATH": "."}, check=False, capture_output=True, text=True, timeout=100)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip(f"strace may not watch here: {done.stderr.strip()}")
    calls = trace.read_text().splitlines()
    assert done.returncode == 0, done.stderr
    assert any("execve" in call and "bot.reading" in call for call in calls)
    driver = calls[0].split()[0]  # asyncio's own, and the look-ups of a home folder, are none of reading's
    ours = [call for call in calls if not call.startswith(driver)]
    assert [call for call in ours if "execve(" not in call and "+++" not in call and "SIG" not in call] == []
