"""One-shot misbehavior: what the next call of a method meets instead of an honest answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply with this, and do nothing."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    accept: bool = False  # carry the call out all the same

    def response(self) -> web.Response:
        return web.Response(
            text=self.body, status=self.status, headers=dict(self.headers), content_type=self.content_type
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """Break the connection, before or after the call was carried out; `midway` sends half an answer first."""

    accept: bool = False
    midway: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer; the call is carried out or not."""

    accept: bool = False


Fault = Answer | Cut | Hang


async def act(fault: Fault, request: web.Request, over: asyncio.Event) -> web.StreamResponse:
    """Misbehave. `over` ends what hangs, so that a test can stop."""
    match fault:
        case Answer():
            return fault.response()
        case Hang():
            await over.wait()
        case Cut(midway=True):
            response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "200"})
            await response.prepare(request)
            await response.write(b'{"ok": tr')
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
