"""Slack's signed requests: `/slack/events` takes events, commands and buttons, behind a proxy that speaks HTTPS.

Every request must prove itself (`handlers.slack.signed`) before anything looks into it. It is acknowledged within
Slack's three seconds and worked on afterwards. Answers are bare: 200 for what is good, known or of no interest, 401
for what Slack did not sign, 503 while the bot starts, so that Slack tells it again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.ports import Clock
from handlers.slack.manifest import EVENTS
from handlers.slack.signed import Signatures
from handlers.slack.told import Told

log = structlog.get_logger()

BODY_MOST = 256 * 1024
READ_SECONDS = 10.0  # for a whole request; Slack's are some kilobytes

Payload = Mapping[str, object]


class Requests:
    """What Slack sends to our address, as an `Ear`. `routes` are served whether it is open or not."""

    def __init__(self, signing_secret: str, *, clock: Clock, read_seconds: float = READ_SECONDS) -> None:
        self._clock = clock
        self._read_seconds = read_seconds
        self._signatures = Signatures(signing_secret, since=clock.now())
        self._told = Told()
        self._app: AsyncApp | None = None

    @property
    def alive(self) -> bool:
        return self._app is not None

    def routes(self) -> list[web.RouteDef]:
        return [web.post(EVENTS, self.take)]

    async def open(self, app: AsyncApp) -> None:
        self._app = app

    async def lost(self) -> str:
        """Wait for ever: whether anybody can reach us is not to be seen from here."""
        await asyncio.Event().wait()
        return ""

    async def close(self) -> None:
        self._app = None

    async def take(self, request: web.Request) -> web.Response:
        """Take one request: signed, new, and small enough."""
        body = await _body(request, self._read_seconds)
        timestamp, claimed = _only(request, "X-Slack-Request-Timestamp"), _only(request, "X-Slack-Signature")
        if not self._signatures.good(timestamp, claimed, body, self._clock.now()):
            log.warning("slack.request_refused")
            return web.Response(status=401)
        payload = _payload(request.content_type, body)
        if payload is None:
            return web.Response(status=400)
        if payload.get("type") == "url_verification":
            return web.Response(text=str(payload.get("challenge", "")))
        if self._app is None:
            return web.Response(status=503)
        if self._signatures.replayed(claimed, self._clock.now()) or self._told.before(payload):
            log.info("slack.repeated")
            return web.Response()
        # It returns as soon as what was told is acknowledged. It was proven already: the library asks for no proof.
        await self._app.async_dispatch(AsyncBoltRequest(body=dict(payload), mode="socket_mode"))
        return web.Response()


async def _body(request: web.Request, seconds: float) -> bytes:
    """Read what was sent, as it was sent: 256 KiB at most, in so many seconds at most, and not compressed."""
    if "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType
    try:
        async with asyncio.timeout(seconds):
            return await request.clone(client_max_size=BODY_MOST).read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _only(request: web.Request, name: str) -> str:
    """Read a header that must be there once; nothing where it is missing or doubled."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


def _payload(content_type: str, body: bytes) -> Payload | None:
    """Read what Slack says: JSON of an event, a form of a command, a form with JSON of a button; None: neither."""
    try:
        text = body.decode()
        if content_type == "application/x-www-form-urlencoded":
            form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
            said = json.loads(form["payload"]) if "payload" in form else form
        else:
            said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
