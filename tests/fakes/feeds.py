"""A small, strict feed server on loopback: real sockets, and verbs that say what a path does from now on.

    async with FeedServer() as server:
        server.publish("/feed.xml", RSS, etag='"v1"')
        server.fail("/feed.xml", 503, headers={"Retry-After": "60"}, times=2)   # twice, then as before
        ...                                                                     # fetch server.url("/feed.xml")
        assert server.count("/feed.xml") == 3
        assert server.violations == []

It is strict about its caller: what no polite, honest client sends is written to `violations`, and a validator
that was never handed out for that very path, byte for byte, is one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip as gzip_module
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.fakes.listener import Listener

HONEST_AGENT = re.compile(r"Policybell/\S+ \(\+[^()\s]+\)")
ENCODINGS = {"gzip", "deflate", "identity"}
NEVER_SENT = ("cookie", "authorization", "proxy-authorization", "referer", "content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came. Header names are lower-case; values keep every byte (latin-1)."""

    method: str
    path: str
    headers: Mapping[str, str]


Script = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class _Plan:
    script: Script
    times: int | None


@dataclass(slots=True)
class _Handed:
    """Validators that were given out for one path."""

    etags: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)


class FeedServer:
    """See the module. `url(path)` is where it answers; `requests` are all that were asked, in order,
    over `connections` connections."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.violations: list[str] = []
        self.connections = 0
        self._plans: dict[str, list[_Plan]] = {}
        self._handed: dict[str, _Handed] = {}
        self._listener = Listener(self._serve)

    @property
    def port(self) -> int:
        return self._listener.port

    async def __aenter__(self) -> Self:
        await self._listener.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.close()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Write the address of a path; `host` may be any name or form of this machine."""
        return f"http://{host}:{self.port}{path}"

    def count(self, path: str) -> int:
        """How often the path was asked for."""
        return sum(asked.path == path for asked in self.requests)

    def last(self, path: str) -> Asked:
        """The newest request for the path."""
        return next(asked for asked in reversed(self.requests) if asked.path == path)

    # --- verbs ----------------------------------------------------------------------------------------------------

    def publish(
        self,
        path: str,
        body: str | bytes,
        *,
        etag: str = "",
        last_modified: str = "",
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/rss+xml",
        gzip: bool = False,
    ) -> None:
        """Serve a body, and 304 to whoever brings its validators."""
        plain = body.encode() if isinstance(body, str) else body
        sent = gzip_module.compress(plain, mtime=0) if gzip else plain
        validators = {name: value for name, value in (("ETag", etag), ("Last-Modified", last_modified)) if value}
        full = {"Content-Type": content_type, **validators, **(headers or {})}
        if gzip:
            full["Content-Encoding"] = "gzip"
        handed = self._handed.setdefault(path, _Handed())

        async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
            handed.etags |= {etag} - {""}
            handed.dates |= {last_modified} - {""}
            if _is_current(asked, etag, last_modified):
                writer.write(head(304, {**validators, **(headers or {})}))
            else:
                writer.write(head(200, {**full, "Content-Length": str(len(sent))}) + sent)

        self.play(path, script)

    def redirect(self, path: str, to: str, *, status: int = 301, times: int | None = None) -> None:
        """Answer with a redirect; `to` goes out as it is."""
        self.fail(path, status, headers={"Location": to}, times=times)

    def fail(
        self,
        path: str,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"<html>no</html>",
        times: int | None = None,
    ) -> None:
        """Answer with any status; with `times`, only so often, and as before afterwards."""
        full = {"Content-Length": str(len(body)), "Content-Type": "text/html", **(headers or {})}
        self.reply(path, head(status, full) + body, times=times)

    def reply(self, path: str, raw: bytes, *, close: bool = False, times: int | None = None) -> None:
        """Answer with these very bytes, head and all."""

        async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            if close:
                writer.close()

        self.play(path, script, times=times)

    def cut(self, path: str, body: str | bytes, *, after: int, times: int | None = None) -> None:
        """Promise the whole body, send its first `after` bytes, and hang up."""
        plain = body.encode() if isinstance(body, str) else body
        start = head(200, {"Content-Type": "application/rss+xml", "Content-Length": str(len(plain))})
        self.reply(path, start + plain[:after], close=True, times=times)

    def hang(self, path: str, *, times: int | None = None) -> None:
        """Take the request and never answer."""

        async def script(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        self.play(path, script, times=times)

    def play(self, path: str, script: Script, *, times: int | None = None) -> None:
        """Answer by a script of one's own. Without `times` it replaces what the path did before."""
        plans = self._plans.setdefault(path, [])
        if times is None:
            plans.clear()
        plans.insert(0, _Plan(script, times))

    # --- the wire -------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing() and (asked := await _read(reader)) is not None:
                self.requests.append(asked)
                self.violations += self._faults(asked)
                await self._script(asked.path)(asked, writer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _script(self, path: str) -> Script:
        plans = self._plans.get(path, [])
        if not plans:
            return _not_found
        plan = plans[0]
        if plan.times is not None:
            plan.times -= 1
            if plan.times <= 0:
                plans.pop(0)
        return plan.script

    def _faults(self, asked: Asked) -> list[str]:
        """Say what an honest and polite client would not have sent."""
        headers = asked.headers
        handed = self._handed.get(asked.path, _Handed())
        encodings = {encoding.strip() for encoding in headers.get("accept-encoding", "").split(",")} - {""}
        faults = {
            f"method {asked.method}": asked.method != "GET",
            f"host {headers.get('host')!r}": not headers.get("host", "").endswith(f":{self.port}"),
            f"user agent {headers.get('user-agent')!r}": not HONEST_AGENT.fullmatch(headers.get("user-agent", "")),
            f"encodings {sorted(encodings)}": not encodings <= ENCODINGS,
            "no accept header": "accept" not in headers,
            "a foreign etag": headers.get("if-none-match", "") not in handed.etags | {""},
            "a foreign date": headers.get("if-modified-since", "") not in handed.dates | {""},
            **{f"header {name}": name in headers for name in NEVER_SENT},
        }
        return [f"{asked.path}: {fault}" for fault, is_there in faults.items() if is_there]


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Write the head of an answer; header values keep every byte (latin-1)."""
    lines = [f"HTTP/1.1 {status} So It Is", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _is_current(asked: Asked, etag: str, last_modified: str) -> bool:
    if "if-none-match" in asked.headers:
        return asked.headers["if-none-match"] == etag
    return bool(last_modified) and asked.headers.get("if-modified-since") == last_modified


async def _not_found(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(404, {"Content-Length": "0"}))


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.split(": ", 1) for line in lines)
    return Asked(method, path, {name.lower(): value for name, value in pairs})
