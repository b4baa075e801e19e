"""Every site of a catalogue on one port of this machine, told apart by name: a day's internet, with its faults.

async with Sites(rooms, clock) as sites:
    sites.spoil("visa-bulletin", answer(403))
    sites.robots["www.gao.gov"] = "User-agent: *\\nCrawl-delay: 420\\n"
    ...                                     # sources at sites.here(source), names looked up by sites.resolver
    assert sites.asked("www.gao.gov")       # when, and for what
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from bot.core.intake import SourceSpec
from bot.ports import Clock
from tests.fakes.dialing import looked_up
from tests.fakes.feeds import head
from tests.fakes.listener import Listener
from tests.fakes.newsrooms import Newsroom

NOTHING_THERE = "<!doctype html><html><body><h1>Not found</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: when, of which host, for what, and what was answered."""

    at: datetime
    host: str
    path: str
    status: int


Spoil = Callable[[datetime], Answer | None]  # what comes instead at a moment; None: the thing itself


def answer(status: int, body: str = NOTHING_THERE, **headers: str) -> Spoil:
    """Answer so, always."""
    said = {"Content-Type": "text/html; charset=utf-8"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda _now: Answer(status, body.encode(), said)


def between(begin: datetime, end: datetime, spoil: Spoil) -> Spoil:
    """Spoil only in this time."""
    return lambda now: spoil(now) if begin <= now < end else None


class Resolver(AbstractResolver):
    """Looks every name up as this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return looked_up(host, port, ["127.0.0.1"])

    async def close(self) -> None:
        return


class Sites:
    """See the module."""

    def __init__(self, rooms: Sequence[Newsroom], clock: Clock) -> None:
        self.resolver = Resolver()
        self.robots: dict[str, str | int] = {}  # by host: the file, or the status that comes in its place
        self.requests: list[Asking] = []
        self._clock = clock
        self._rooms = {room.source.id: room for room in rooms}
        self._by_address = {_address(room.source.url): room for room in rooms}
        self._spoils: dict[str, Spoil] = {}
        self._listener = Listener(self._serve)

    async def __aenter__(self) -> Self:
        await self._listener.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.close()

    def here(self, source: SourceSpec) -> SourceSpec:
        """Point a source at this port, under its own name."""
        return replace(source, url=self.url(source.url))

    def url(self, url: str) -> str:
        parts = urlsplit(url)
        return urlunsplit(("http", f"{parts.hostname}:{self._listener.port}", parts.path, parts.query, ""))

    def spoil(self, source_id: str, spoil: Spoil) -> None:
        assert source_id in self._rooms, source_id
        self._spoils[source_id] = spoil

    def asked(self, host: str) -> list[Asking]:
        return [asking for asking in self.requests if asking.host == host]

    def asked_for(self, source: SourceSpec) -> list[Asking]:
        """List the requests for a source's own address."""
        host, path = _address(source.url)
        return [asking for asking in self.asked(host) if asking.path == path]

    # --- the wire -------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = raw.removesuffix("\r\n\r\n").split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                host, path = headers["host"].partition(":")[0], first.split(" ")[1]
                now = self._clock.now()
                said = self._answer(host, path, headers, now)
                self.requests.append(Asking(now, host, path, said.status))
                length = {} if said.status == 304 else {"Content-Length": str(len(said.body))}
                writer.write(head(said.status, {**said.headers, **length}) + said.body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, host: str, path: str, headers: Mapping[str, str], now: datetime) -> Answer:
        if path == "/robots.txt":
            return _robots(self.robots.get(host, 404))
        room = self._by_address.get((host, path))
        if room is None:
            return self._article(host, path, now)
        if (spoil := self._spoils.get(room.source.id)) and (spoiled := spoil(now)) is not None:
            return spoiled
        media, body = room.body(now)
        etag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        if headers.get("if-none-match") == etag:
            return Answer(304, headers={"ETag": etag})
        return Answer(200, body, {"Content-Type": media, "ETag": etag})

    def _article(self, host: str, path: str, now: datetime) -> Answer:
        rooms = (room for (home, _), room in self._by_address.items() if home == host)
        page = next(filter(None, (room.article(path, now) for room in rooms)), None)
        kind = {"Content-Type": "text/html; charset=utf-8"}
        return Answer(200, page, kind) if page else Answer(404, NOTHING_THERE.encode(), kind)


def _robots(said: str | int) -> Answer:
    if isinstance(said, int):
        return Answer(said, NOTHING_THERE.encode(), {"Content-Type": "text/html"})
    return Answer(200, said.encode(), {"Content-Type": "text/plain"})


def _address(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
