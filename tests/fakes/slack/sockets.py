"""The Socket Mode side: envelopes out, acknowledgements in.

Rules kept (docs.slack.dev/apis/events-api/using-socket-mode): a ticket address opens once; at most 10 connections; an
envelope goes to any one of them and is acknowledged within 3 s by its id; `disconnect` comes before a connection ends.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.slack.world import APP_ID, World

CONNECTIONS_MOST = 10
PATIENCE = 10.0  # seconds that a verb waits for the client before the test fails


@dataclass(slots=True)
class Envelope:
    """Something that happened in Slack and was told to the app. `answers` came to its response_url."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    answers: list[Mapping[str, Any]] = field(default_factory=list)
    acks: int = 0
    acked_after: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def acked(self, times: int = 1) -> Envelope:
        await self._until(lambda: self.acks >= times, f"{self.kind} was not acknowledged")
        return self

    async def answer(self, number: int = 1) -> Mapping[str, Any]:
        """Wait for the n-th answer and return it."""
        await self._until(lambda: len(self.answers) >= number, f"answer {number} to {self.kind} did not come")
        return self.answers[number - 1]

    async def _until(self, true, complaint: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not true():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise AssertionError(complaint) from None


@dataclass(slots=True)
class _Sent:
    """One envelope on its way; `again` counts how often it was sent before."""

    envelope: Envelope
    at: float
    over: web.WebSocketResponse


class Sockets:
    """All Socket Mode connections of the app."""

    def __init__(self, world: World, *, ack_within: float) -> None:
        self._world = world
        self._ack_within = ack_within
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._waiting: dict[str, list[_Sent]] = {}
        self._again: list[Envelope] = []
        self._told_again: set[str] = set()
        self._came = asyncio.Event()
        self.opened = 0
        self.silent = False  # connections stay open, and nothing comes of them
        self.greets = True

    def ticket(self) -> str:
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    @property
    def connected(self) -> int:
        return len(self._open)

    async def until_connected(self) -> web.WebSocketResponse:
        async with asyncio.timeout(PATIENCE):
            while not self._open:
                self._came.clear()
                await self._came.wait()
        return self._open[-1]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take a connection: the address opens once, the eleventh is turned away."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401, text="ticket used or unknown")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.opened += 1
        self._open.append(socket)
        if len(self._open) > CONNECTIONS_MOST:
            self._world.violations.append("more than 10 socket connections")
        if self.greets and not self.silent:
            await self._greet(socket)
        self._came.set()
        again, self._again = self._again, []
        for envelope in again:
            self._told_again.add(envelope.id)
            await self._send(socket, envelope, attempt=1)
        try:
            await self._receive(socket)
        finally:
            if socket in self._open:
                self._open.remove(socket)
            self._let_go(socket)
        return socket

    async def _greet(self, socket: web.WebSocketResponse) -> None:
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._open),
                "connection_info": {"app_id": APP_ID},
                "debug_info": {"host": "applink-0", "approximate_connection_time": 18_060},
            }
        )

    def _let_go(self, socket: web.WebSocketResponse) -> None:
        """Tell again, over the next connection, what was told over one that is gone and was not acknowledged."""
        for envelope_id, sents in list(self._waiting.items()):
            self._waiting[envelope_id] = [sent for sent in sents if sent.over is not socket]
            self._again += [sent.envelope for sent in sents if sent.over is socket]

    async def _receive(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.PING and not self.silent:
                await socket.pong(message.data)
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                said = json.loads(message.data)
                self._note_ack(said["envelope_id"], said.get("payload"))
            except (ValueError, TypeError, KeyError):
                self._world.violations.append(f"not an acknowledgement: {message.data[:80]!r}")

    def _note_ack(self, envelope_id: str, payload: object) -> None:
        waiting = self._waiting.get(envelope_id)
        if not waiting:
            self._note_late_ack(envelope_id)
            return
        sent = waiting.pop(0)
        after = time.monotonic() - sent.at
        sent.envelope.acks += 1
        sent.envelope.acked_after = after
        sent.envelope.changed.set()
        if after > self._ack_within:
            self._world.violations.append(f"{sent.envelope.kind} acknowledged after {after:.1f} s")
        if payload is not None and sent.envelope.kind == "events_api":
            self._world.violations.append("an event was answered with a payload")

    def _note_late_ack(self, envelope_id: str) -> None:
        """Take an acknowledgement that came over a later connection: of what is to be told again, or just was."""
        late = [envelope for envelope in self._again if envelope.id == envelope_id]
        for envelope in late:
            self._again.remove(envelope)
            envelope.acks += 1
            envelope.changed.set()
        if not late and envelope_id not in self._told_again:
            self._world.violations.append(f"acknowledged an envelope that is not waiting: {envelope_id}")

    async def tell(self, envelope: Envelope, *, attempt: int = 0) -> None:
        """Send an envelope to one connection, waiting for one to be there."""
        await self._send(await self.until_connected(), envelope, attempt=attempt)

    async def _send(self, socket: web.WebSocketResponse, envelope: Envelope, *, attempt: int) -> None:
        said: dict[str, Any] = {
            "envelope_id": envelope.id,
            "type": envelope.kind,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.kind != "events_api",
        }
        if attempt:
            said |= {"retry_attempt": attempt, "retry_reason": "timeout"}
        self._waiting.setdefault(envelope.id, []).append(_Sent(envelope, time.monotonic(), socket))
        try:
            await socket.send_json(said)
        except ConnectionError:  # it broke a moment ago
            self._let_go(socket)

    async def warn(self, reason: str) -> None:
        """Announce the end of the newest connection, as Slack does about once an hour."""
        socket = await self.until_connected()
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-0"}})

    def cut(self) -> None:
        """Break every connection without a word, as a dead network does."""
        for socket in list(self._open):
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self._open.clear()

    def unacknowledged(self) -> list[str]:
        waiting = [sent.envelope for sents in self._waiting.values() for sent in sents] + self._again
        return [f"{envelope.kind} was never acknowledged" for envelope in waiting]

    async def close(self) -> None:
        for socket in list(self._open):
            await socket.close()
