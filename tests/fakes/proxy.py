"""A proxy on loopback that spoils requests, between the real client libraries and a strict server.

    async with FaultProxy(server.port, watch=name_of, spoil=lambda: chance.choice([None, *Spoil])) as proxy:
        ...                                                     # the client is told proxy.port
        assert proxy.attempts["row 7"] == [Spoil.DROP_AFTER, None]

It keeps connections open on both sides, as such proxies do: a library that silently repeats a request on a stale
connection shows as an attempt too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections import defaultdict
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self

from tests.fakes.listener import Listener

_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")


class Spoil(StrEnum):
    """What happens to one request. The server carries it out, or never sees it."""

    TOO_MANY = "429"  # the only one of which the client knows that nothing was sent
    DROP_BEFORE = "dropped before acceptance"
    RESET_REQUEST = "reset within the request"
    STALL_BEFORE = "silence, not accepted"
    BAD_GATEWAY = "502, not accepted"
    DROP_AFTER = "dropped after acceptance"
    RESET_ANSWER = "reset within the answer"
    STALL = "silence, accepted"
    BAD_GATEWAY_AFTER = "502, accepted"
    GARBAGE = "200 and garbage, accepted"

    @property
    def accepts(self) -> bool:
        return self in _ACCEPTING


_ACCEPTING = {Spoil.DROP_AFTER, Spoil.RESET_ANSWER, Spoil.STALL, Spoil.BAD_GATEWAY_AFTER, Spoil.GARBAGE}
_INSTEAD = {
    Spoil.TOO_MANY: ("429 Too Many Requests", b'{"ok":false,"error_code":429,"description":"x","error":"ratelimited"}'),
    Spoil.BAD_GATEWAY: ("502 Bad Gateway", b"<html>502</html>"),
    Spoil.BAD_GATEWAY_AFTER: ("502 Bad Gateway", b"<html>502</html>"),
    Spoil.GARBAGE: ("200 OK", b"<html>sorry</html>"),
}
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FaultProxy:
    """See the module. `watch` names a request by its target and body; what it gives no name is left alone.

    `attempts` are the spoils that each name met, in order, None where there was none. `forwarded` counts those that
    the server was handed.
    """

    def __init__(
        self, upstream: int, *, watch: Callable[[str, bytes], str | None], spoil: Callable[[], Spoil | None]
    ) -> None:
        self.attempts: dict[str, list[Spoil | None]] = defaultdict(list)
        self.forwarded = 0
        self._upstream = upstream
        self._watch = watch
        self._spoil = spoil
        self._listener = Listener(self._accept)

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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: list[Streams] = []
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await self._pass_on(reader, writer, upstream):
                    pass
        finally:
            for out in (writer, *(streams[1] for streams in upstream)):
                out.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: list[Streams]
    ) -> bool:
        """Serve one request; False where its connection is over."""
        head, body = await _message(reader)
        name = self._watch(head.split(b" ", 2)[1].decode(), body)
        spoil = None if name is None else self._spoil()
        if name is not None:
            self.attempts[name].append(spoil)
        answer = b""
        if spoil is None or spoil.accepts:
            self.forwarded += name is not None
            answer = await self._ask(head + body, upstream)
        match spoil:
            case None:
                if name is not None and reader.at_eof():
                    self.attempts[name][-1] = Spoil.STALL  # so busy was the machine that the client gave up
                writer.write(answer)
            case Spoil.STALL | Spoil.STALL_BEFORE:
                await reader.read()  # until the client gives up
                return False
            case Spoil.DROP_BEFORE | Spoil.DROP_AFTER:
                return False
            case Spoil.RESET_REQUEST | Spoil.RESET_ANSWER:
                writer.write(answer[: -len(answer) // 2])
                await _reset(writer)
                return False
            case _:
                writer.write(_answer(*_INSTEAD[spoil]))
        await writer.drain()
        return True

    async def _ask(self, request: bytes, upstream: list[Streams]) -> bytes:
        if not upstream:
            upstream.append(await asyncio.open_connection("127.0.0.1", self._upstream))
        reader, writer = upstream[0]
        writer.write(request)
        head, body = await _message(reader)
        return head + body


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head, await reader.readexactly(int(length[1])) if length else b""


async def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, once what was written has left."""
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _answer(status: str, body: bytes) -> bytes:
    kind = "application/json" if body.startswith(b"{") else "text/html"
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Retry-After: 1"]
    return "\r\n".join([*lines, "", ""]).encode() + body
