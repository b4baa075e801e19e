"""The daemon's side of reading: keeps a zygote, hands it one answer at a time, and believes nothing that comes back."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from dataclasses import asdict, replace

import structlog

from bot.core.intake import Entry, FeedResponse, Hints, Parsed, SourceSpec
from bot.errors import ParseError
from bot.reading.wire import (
    ENTRIES_AT_MOST,
    READY,
    ReadLimits,
    decode_answer_head,
    decode_end,
    decode_entry,
    decode_spans,
    encode_request,
)

log = structlog.get_logger()

_START_SECONDS = 30.0  # for the zygote's imports, on a machine that is busy with other things
_ATTEMPTS = 2
_BREATHE_EVERY = 50  # entries decoded before the event loop gets its turn

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ReadingRoom:
    """`bot.ports.Read` by way of a killable child. Where the child is gone, the next answer gets a new one."""

    def __init__(self, limits: ReadLimits | None = None) -> None:
        self._limits = limits or ReadLimits()
        self._turn = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._streams: _Streams | None = None

    @property
    def pid(self) -> int | None:
        """The zygote's process id, for whoever measures it."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Spawn the zygote without waiting for it: no secrets in its environment, a session of its own."""
        if self._process is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 — our own program
                [sys.executable, "-I", "-X", "utf8", "-m", "bot.reading", json.dumps(asdict(self._limits))],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={"HOME": "/"},  # without it, Python asks the system's user database where home is
                cwd="/",
                start_new_session=True,
            )
        self._socket = ours

    async def __call__(
        self, source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset(), /
    ) -> Parsed | ParseError:
        """Parse an answer; see `bot.ports.Read`."""
        async with self._turn:
            try:
                lines, stopped = await self._ask(source, response, replace(source.hints, known=known))
            except ParseError as error:
                return error
        return await result(lines, stopped)

    async def close(self) -> None:
        """End the zygote, and with it the job that may be running."""
        self._drop()

    async def _ask(self, source: SourceSpec, response: FeedResponse, hints: Hints) -> tuple[bytes, str]:
        """Hand the answer over, once more to a new zygote where the old one is gone."""
        for _ in range(_ATTEMPTS):
            try:
                reader, writer = await self._ready()
                async with asyncio.timeout(self._limits.wall + self._limits.grace):
                    writer.write(encode_request(source.kind, response, hints))
                    await writer.drain()
                    size, stopped = decode_answer_head(await reader.readline())
                    return await reader.readexactly(size), stopped
            except TimeoutError as error:
                self._drop()
                raise ParseError("reading it took too long", kind="parse_limit") from error
            except (OSError, EOFError, ValueError) as error:
                log.warning("reading.died", source=source.id, error=type(error).__name__)
                self._drop()
            except asyncio.CancelledError:
                self._drop()  # it may be in the middle of an answer that nobody will fetch
                raise
        raise ParseError("reading it ended the reading process, twice", kind="parse_limit")

    async def _ready(self) -> _Streams:
        """Return the streams of a zygote that has said it is ready."""
        if self._process is None:
            self.start()
        if self._streams is None:
            assert self._socket is not None
            streams = await asyncio.open_unix_connection(sock=self._socket)
            self._streams = streams
            async with asyncio.timeout(_START_SECONDS):
                await streams[0].readuntil(READY)
        return self._streams

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        elif self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._socket = self._streams = None


async def result(lines: bytes, stopped: str) -> Parsed | ParseError:
    """Make of a job's lines what they hold; where that is no whole result, the job was `stopped`."""
    try:
        return await _decode(lines)
    except (ValueError, TypeError, KeyError, RecursionError):
        return ParseError(stopped or "reading it ended without a result", kind="parse_limit")


async def _decode(lines: bytes) -> Parsed | ParseError:
    """Read a job's lines; raise where they are no whole result: see `decode_entry`."""
    *entry_lines, last, rest = lines.split(b"\n")
    if rest or len(entry_lines) > ENTRIES_AT_MOST:
        raise ValueError("the last line does not end, or there are too many")
    end = decode_end(last)
    if isinstance(end, ParseError):
        return end
    entries: list[Entry] = []
    for line in entry_lines:
        entries.append(decode_entry(line))
        if len(entries) % _BREATHE_EVERY == 0:
            await asyncio.sleep(0)
    return Parsed(tuple(entries), end, decode_spans(last))
