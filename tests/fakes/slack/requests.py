"""The HTTP side: Slack sends signed requests to the app's address and expects 200 within three seconds.

Rules kept (docs.slack.dev/apis/events-api and /authentication/verifying-requests-from-slack): the signature is made
over the raw body; commands are forms, buttons a form with JSON, events JSON; an event that was not acknowledged is
told again, with `X-Slack-Retry-Num`, the same `event_id` and a new timestamp. Commands and buttons are not repeated.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.sockets import Envelope
from tests.fakes.slack.world import World

SIGNING_SECRET = "canary-signing-secret-4713"
FORM = "application/x-www-form-urlencoded"
RETRIES = 3
HOST = "bell.example.org"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it went over the wire."""

    body: bytes
    headers: Mapping[str, str]


class Requests:
    """Sends to one address. `sent` keeps every request, so that a test can send it again as an attacker would."""

    def __init__(self, world: World, url: str, *, secret: str, now: Callable[[], float], ack_within: float) -> None:
        self._world = world
        self._url = url
        self._secret = secret
        self._now = now
        self._ack_within = ack_within
        self.sent: list[Request] = []

    async def tell(self, envelope: Envelope, *, attempt: int = 0) -> None:
        """Tell something; an event that is not acknowledged is told three times more."""
        repeats = RETRIES if envelope.kind == "events_api" and not attempt else 0
        for number in range(attempt, attempt + repeats + 1):
            if await self._tell_once(envelope, number):
                envelope.acks += 1
                envelope.changed.set()
                return
        self._world.violations.append(f"{envelope.kind} was not acknowledged")

    async def _tell_once(self, envelope: Envelope, attempt: int) -> bool:
        began = time.monotonic()
        status = (await self.send(self.signed(envelope, attempt)))[0]
        envelope.acked_after = time.monotonic() - began
        if envelope.acked_after > self._ack_within:
            self._world.violations.append(f"{envelope.kind} acknowledged after {envelope.acked_after:.1f} s")
        return status == aiohttp.http.HTTPStatus.OK

    def signed(self, envelope: Envelope, attempt: int = 0, *, at: float | None = None) -> Request:
        """Write a request as Slack would, at this or another time."""
        match envelope.kind:
            case "slash_commands":
                content_type, body = FORM, urlencode(envelope.payload).encode()
            case "interactive":
                content_type, body = FORM, urlencode({"payload": json.dumps(envelope.payload)}).encode()
            case _:
                content_type, body = "application/json", json.dumps(envelope.payload).encode()
        timestamp = str(int(self._now() if at is None else at))
        retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"} if attempt else {}
        signature = sign(self._secret, timestamp, body)
        return Request(
            body,
            {
                "Host": HOST,
                "Content-Type": content_type,
                "X-Slack-Request-Timestamp": timestamp,
                "X-Slack-Signature": signature,
                **retry,
            },
        )

    async def send(self, request: Request) -> tuple[int, str]:
        """Send it and return how it was answered, as (status, body)."""
        self.sent.append(request)
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._url, data=request.body, headers=request.headers) as answer,
        ):
            return answer.status, await answer.text()
