"""Keeping an ear open for what Slack tells: opened, watched, replaced, and given up only where Slack refuses us."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import aiohttp
import structlog
from slack_bolt.app.async_app import AsyncApp

from bot.core.pace import waits
from bot.errors import SendError, TokenError
from bot.ports import Clock

log = structlog.get_logger()


class Ear(Protocol):
    """One way to hear Slack: a socket that we open, or requests that it sends."""

    @property
    def alive(self) -> bool:
        """Whether Slack can reach us now."""
        ...

    async def open(self, app: AsyncApp) -> None:
        """Hand on to `app` what Slack tells from now on; raise as `Platform.listen` may, or an error of the network."""
        ...

    async def lost(self) -> str:
        """Wait until nothing can be heard any more and say why. Cancelled otherwise."""
        ...

    async def close(self) -> None:
        """Hear nothing more."""
        ...


class Listening:
    """Holds an ear open. `run` does it; `doubt` makes it look again whether Slack still accepts us."""

    def __init__(self, ear: Ear, clock: Clock) -> None:
        self._ear = ear
        self._clock = clock
        self._doubted = asyncio.Event()
        self._refusal: TokenError | None = None

    @property
    def alive(self) -> bool:
        return self._ear.alive

    def doubt(self, refusal: TokenError | None = None) -> None:
        """Begin anew, which proves all tokens; where Slack has refused one already, end `run` with that."""
        self._refusal = refusal
        self._doubted.set()

    async def run(self, app: AsyncApp, prove: Callable[[], Awaitable[None]]) -> None:
        """Listen until cancelled; raise `TokenError` where Slack does not accept one of our tokens."""
        pauses = waits()
        self._refusal = None
        while True:
            self._doubted.clear()
            try:
                await prove()
                async with self._opened(app):
                    log.info("slack.connected")
                    pauses = waits()
                    await self._until_over()
            except (SendError, TimeoutError, aiohttp.ClientError, OSError) as error:
                pause = next(pauses)
                log.warning("slack.not_connected", error=type(error).__name__, again_in=pause)
                await self._clock.sleep(pause)
            if self._refusal is not None:
                raise self._refusal

    @contextlib.asynccontextmanager
    async def _opened(self, app: AsyncApp) -> AsyncIterator[None]:
        try:
            await self._ear.open(app)
            yield
        finally:
            await self._ear.close()

    async def _until_over(self) -> None:
        lost, doubted = asyncio.create_task(self._ear.lost()), asyncio.create_task(self._doubted.wait())
        try:
            await asyncio.wait({lost, doubted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (lost, doubted):
                task.cancel()
            await asyncio.wait({lost, doubted})
        log.warning("slack.connection_lost", why="doubted" if lost.cancelled() else lost.result())
