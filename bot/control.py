"""One daemon per data directory, and how a command line talks to it.

`DataLock` is an exclusive `flock` on a file in the data directory; the kernel drops it with the process, so nothing
stale is ever left. `ControlServer` listens on a private socket beside it: one request a connection, one line of JSON
each way, `{"argv": [...]}` in, `{"ok": …, "text": …, "exit": …}` out.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from bot.errors import BotError, LockedError, StoreError, exit_code

log = structlog.get_logger()

LOCK_NAME = "policybell.lock"
SOCKET_NAME = "control.sock"

_MAX_REQUEST_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 4 * 1024**2
_REQUEST_SECONDS = 5.0
_ANSWER_SECONDS = 60.0  # a change waits for the poll that is deciding
_LONG_ANSWER_SECONDS = 3600.0  # to copy and check a database takes 10 s a gigabyte on a good disk
_LONG = frozenset({"backup", "db"})
_MAX_PATH_BYTES = 107  # what fits in sockaddr_un on Linux, with its closing zero byte


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command line prints and returns. `ok` is False where the text belongs on stderr."""

    text: str
    ok: bool = True
    exit: int = 0


class DataLock:
    """The right to write in a data directory, for as long as the `with` block lasts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = -1

    def __enter__(self) -> Self:
        """Take the lock at once; raise `LockedError` where somebody holds it, `StoreError` where it cannot be."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self._directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"The data directory {self._directory} cannot be used: {error.strerror}. "
                "Check bot.data_dir and the rights on it."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._file, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise LockedError(
                f"Policybell is already running in {self._directory} (process {holder}). "
                "Stop it first, or give this one its own bot.data_dir."
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)


def holder(directory: Path) -> str:
    """Name the process that holds the lock of a data directory; empty where nobody does. Shares it for an instant.

    Raises `OSError` where one may not look.
    """
    try:
        with (directory / LOCK_NAME).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(20).decode(errors="replace").strip() or "unknown"
    except (FileNotFoundError, NotADirectoryError):
        pass
    return ""


class ControlServer:
    """Answers command lines of the same user, on a socket that only they can open."""

    def __init__(self, path: Path, run: Callable[[list[str]], Awaitable[Answered]]) -> None:
        self._path = path
        self._run = run
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. A socket that a killed daemon left is replaced: whoever starts holds the lock."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        try:
            with _address(self._path) as address:
                listener.bind(address)
            self._path.chmod(0o600)
            self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=_MAX_REQUEST_BYTES)
        except OSError as error:
            listener.close()
            raise StoreError(f"The control socket {self._path} cannot be made: {error.strerror}.") from error

    async def close(self) -> None:
        """Stop listening and hang up on whoever is still asking. May be called twice."""
        if self._server is None:
            return
        self._server.close()
        for asked in self._asked:
            asked.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._asked.add(task)
        try:
            answered = await self._answer(reader)
            writer.write(json.dumps(asdict(answered)).encode() + b"\n")
            await writer.drain()
        except OSError as error:
            log.info("control.hung_up", error=type(error).__name__)
        finally:
            self._asked.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Answered:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                argv = _read_request(await _line(reader))
            async with asyncio.timeout(_patience(argv)):
                return await self._run(argv)
        except _UnreadableError as error:
            return Answered(f"The daemon cannot read this request: {error}.", ok=False, exit=2)
        except TimeoutError:
            return Answered("The daemon is too busy to answer. Try again in a minute.", ok=False, exit=1)
        except BotError as error:
            return Answered(str(error), ok=False, exit=exit_code(error))
        except Exception:
            ref = secrets.token_hex(2).upper()
            log.exception("control.crashed", ref=ref)
            return Answered(f"Something went wrong in the daemon (ref {ref}); its log has more.", ok=False, exit=1)


def _patience(argv: Sequence[str]) -> float:
    """For how many seconds a request may take."""
    return _LONG_ANSWER_SECONDS if argv and argv[0] in _LONG else _ANSWER_SECONDS


def ask(path: Path, argv: Sequence[str]) -> Answered | None:
    """Have a running daemon run a command line; None where there is no daemon. Raise `BotError` where it breaks off."""
    connection = _connect(path)
    if connection is None:
        return None
    with connection, connection.makefile("rb") as answer:
        try:
            connection.settimeout(_REQUEST_SECONDS + _patience(argv))
            connection.sendall(json.dumps({"argv": list(argv)}).encode() + b"\n")
            return Answered(**json.loads(answer.readline(_MAX_ANSWER_BYTES)))
        except (OSError, ValueError, TypeError) as error:
            raise BotError("The daemon broke off before it answered. Look at its log, then ask again.") from error


def _connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_REQUEST_SECONDS + _ANSWER_SECONDS)
    try:
        with _address(path) as address:
            connection.connect(address)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise BotError(f"The running daemon cannot be asked through {path}: {error.strerror}.") from error
    return connection


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise _UnreadableError("it is too long") from None


class _UnreadableError(ValueError):
    """What came over the socket is no request."""


def _read_request(line: bytes) -> list[str]:
    try:
        argv = json.loads(line)["argv"]
    except (ValueError, TypeError, KeyError):
        raise _UnreadableError("it is not one line of JSON with an argv") from None
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
        raise _UnreadableError("argv is not a list of words")
    return argv


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give the address of a socket file; one too long for the kernel goes by way of its open directory."""
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
