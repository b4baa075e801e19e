from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.cli import guard
from bot.control import LOCK_NAME, Answered, ControlServer, DataLock, ask
from bot.errors import BackupError, BotError, ConfigError, LockedError, StoreError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def echo(argv: list[str]) -> Answered:
    return Answered(" ".join(argv), ok=argv != ["no"], exit=0 if argv != ["no"] else 1)


@pytest.fixture
async def server(tmp_path: Path):
    server = ControlServer(tmp_path / "control.sock", echo)
    await server.start()
    yield tmp_path / "control.sock"
    await server.close()


async def raw(path: Path, request: bytes) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return json.loads(line)


def test_the_lock_makes_a_private_directory_and_a_private_file(tmp_path: Path) -> None:
    with DataLock(tmp_path / "a" / "data"):
        assert mode(tmp_path / "a" / "data") == 0o700
        assert mode(tmp_path / "a" / "data" / LOCK_NAME) == 0o600


def test_a_second_lock_is_refused_at_once_with_the_holder_named(tmp_path: Path) -> None:
    begun = time.monotonic()
    with DataLock(tmp_path), pytest.raises(LockedError, match=rf"already running in .*process {os.getpid()}"):
        DataLock(tmp_path).__enter__()
    assert time.monotonic() - begun < 1


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    with DataLock(tmp_path):
        pass
    with DataLock(tmp_path):
        pass


def test_a_killed_holder_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, bot.control as c\nwith c.DataLock(pathlib.Path(sys.argv[1])): print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(LockedError, match=f"process {holder.pid}"):
            DataLock(tmp_path).__enter__()
        holder.kill()
    with DataLock(tmp_path):
        assert (tmp_path / LOCK_NAME).read_text().strip() == str(os.getpid())


def test_the_lock_does_not_live_on_in_child_programs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with DataLock(tmp_path):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
    with child:
        assert child.stdout
        child.stdout.readline()  # it runs now, and has let go of what it inherited
        with DataLock(tmp_path):
            pass
        child.kill()


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be used: .*Check bot\.data_dir"):
        DataLock(tmp_path / "file" / "data").__enter__()


async def test_a_request_is_answered_with_text_and_exit_code(server: Path) -> None:
    assert await asyncio.to_thread(ask, server, ["outbox", "list"]) == Answered("outbox list")
    assert await asyncio.to_thread(ask, server, ["no"]) == Answered("no", ok=False, exit=1)


@pytest.mark.parametrize("error", [StoreError("No."), BackupError("No."), ConfigError((("a", "no"),)), BotError("No.")])
async def test_an_error_has_the_exit_code_that_it_has_without_a_daemon(tmp_path: Path, error: BotError) -> None:
    async def fail(_: list[str]) -> Answered:
        raise error

    server = ControlServer(tmp_path / "control.sock", fail)
    await server.start()
    try:
        answered = await asyncio.to_thread(ask, tmp_path / "control.sock", ["x"])
    finally:
        await server.close()

    def fail_here() -> None:
        raise error

    assert answered == Answered(str(error), ok=False, exit=guard(fail_here))


async def test_many_ask_at_once(server: Path) -> None:
    answers = await asyncio.gather(*(asyncio.to_thread(ask, server, [str(n)]) for n in range(20)))
    assert [answered.text for answered in answers if answered] == [str(n) for n in range(20)]


async def test_only_the_owner_may_open_the_socket(server: Path) -> None:
    assert mode(server) == 0o600


@pytest.mark.parametrize(
    "request_line",
    [b"hello\n", b"[]\n", b'{"argv": "outbox"}\n', b'{"argv": [1]}\n', b"\xff\xfe\n", b"a" * 70_000 + b"\n"],
    ids=["no json", "no object", "no list", "no words", "no text", "too long"],
)
async def test_a_request_that_is_none_is_refused(server: Path, request_line: bytes) -> None:
    answer = await raw(server, request_line)
    assert answer["exit"] == 2
    assert str(answer["text"]).startswith("The daemon cannot read this request: ")
    assert await asyncio.to_thread(ask, server, ["still here"]) == Answered("still here")


async def test_without_a_daemon_there_is_no_answer(tmp_path: Path) -> None:
    assert ask(tmp_path / "control.sock", ["x"]) is None


async def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    assert ask(path, ["x"]) is None
    server = ControlServer(path, echo)
    await server.start()
    assert await asyncio.to_thread(ask, path, ["x"]) == Answered("x")
    await server.close()
    assert not path.exists()


async def test_a_path_too_long_for_a_socket_works_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 100) / ("e" * 100) / "control.sock"
    assert ask(path, ["x"]) is None
    path.parent.mkdir(parents=True)
    assert ask(path, ["x"]) is None
    server = ControlServer(path, echo)
    await server.start()
    assert mode(path) == 0o600
    assert await asyncio.to_thread(ask, path, ["x"]) == Answered("x")
    await server.close()
    assert not path.exists()


async def test_closing_twice_is_safe_and_hangs_up(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never(_argv: list[str]) -> Answered:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = ControlServer(tmp_path / "control.sock", never)
    await server.start()
    answer = asyncio.create_task(asyncio.to_thread(ask, tmp_path / "control.sock", ["x"]))
    await asked.wait()
    await server.close()
    await server.close()
    with pytest.raises(BotError, match="broke off before it answered"):
        await answer


async def test_errors_on_purpose_are_sentences_and_others_get_a_reference(tmp_path: Path) -> None:
    async def fail(argv: list[str]) -> Answered:
        raise BotError("The disk is full.") if argv == ["known"] else ZeroDivisionError("secret")

    server = ControlServer(tmp_path / "control.sock", fail)
    await server.start()
    known = await asyncio.to_thread(ask, tmp_path / "control.sock", ["known"])
    unknown = await asyncio.to_thread(ask, tmp_path / "control.sock", ["unknown"])
    await server.close()
    assert known == Answered("The disk is full.", ok=False, exit=1)
    assert unknown
    assert "(ref " in unknown.text
    assert "secret" not in unknown.text


async def test_a_daemon_that_breaks_off_is_told(tmp_path: Path) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_unix_server(hang_up, tmp_path / "control.sock"):
        with pytest.raises(BotError, match="broke off before it answered"):
            await asyncio.to_thread(ask, tmp_path / "control.sock", ["x"])
