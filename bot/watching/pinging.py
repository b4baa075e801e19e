"""An outside dead-man switch: somebody else raises the alarm when our call does not come.

A call says that the bot gets on, not that its process exists: it is left out unless polling ticks and the database
takes a write. The address is the secret by which the other side knows us, so it is in no log and no error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import aiohttp
import structlog

from bot.gate import Gate

log = structlog.get_logger()

PING_SECONDS = 10.0


class Pinger:
    """Calls `url` (empty: nobody) when `gets_on` says so. Once: the next call is the repetition."""

    def __init__(
        self, url: Callable[[], str], gets_on: Callable[[], Awaitable[bool]], gate: Gate, seconds: float = PING_SECONDS
    ) -> None:
        self._url = url
        self._gets_on = gets_on
        self._gate = gate
        self._seconds = seconds

    async def ping(self) -> bool:
        """Call, where there is somebody to call and something good to say; return whether they took it."""
        url = self._url()
        if not url:
            return False
        if not await self._gets_on():
            log.warning("ping.left_out", why="the bot does not get on")
            return False
        if why := self._gate.check_url(url):
            log.warning("ping.failed", error=why)
            return False
        try:
            status = await self._get(url)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("ping.failed", error=type(error).__name__)
            return False
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            log.warning("ping.failed", error=f"HTTP {status}")
        return status < HTTPStatus.MULTIPLE_CHOICES

    async def _get(self, url: str) -> int:
        """Ask once, and read nothing: no redirect, no cookie, no proxy, no connection kept."""
        connector = aiohttp.TCPConnector(socket_factory=self._gate.socket_factory, force_close=True)
        async with (
            asyncio.timeout(self._seconds),
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, raise_for_status=False
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return answer.status
