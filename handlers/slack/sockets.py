"""The Socket Mode connection: kept open, each thing told once, and given up only where Slack refuses our tokens.

The library reconnects by itself, and mostly well. It has been seen to stop for good: it tries a used-up address again
and again, loops on a closed session, or dispatches nothing after a long idle time (python-slack-sdk#1110,
bolt-python#1529). So a watch looks on, and where a connection stays away it is thrown away and built anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.errors import SendError, TokenError
from bot.ports import Clock
from handlers.slack.client import Client, Identity, library_logger

log = structlog.get_logger()

LONGEST_PAUSE = 30.0  # seconds between two attempts to connect
REMEMBERED = 10_000  # Slack repeats for about an hour and tells at most 30,000 events in one


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How closely connections are watched, in seconds."""

    ping: float = 5.0  # between two pings; four without an answer end a connection
    opening: float = 10.0  # to open one
    absence: float = 12.0  # how long the library may take to reconnect by itself


STEADY = Rhythm()


@dataclass(slots=True)
class Told:
    """What was told already. Slack repeats what it thinks was not heard, under the same or a new envelope id."""

    _keys: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def before(self, request: SocketModeRequest) -> bool:
        """Say whether this was told before, and note it."""
        known = [request.envelope_id, request.payload.get("event_id"), request.payload.get("trigger_id")]
        keys = [key for key in known if isinstance(key, str) and key]
        before = any(key in self._keys for key in keys)
        self._keys.update(dict.fromkeys(keys))
        while len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return before


class Connection:
    """One app's connection to Slack. `run` holds it; `alive` says how it is."""

    def __init__(self, client: Client, app_token: str, *, clock: Clock, rhythm: Rhythm) -> None:
        self._client = client
        self._app_token = app_token
        self._clock = clock
        self._rhythm = rhythm
        self._told = Told()
        self._handler: AsyncSocketModeHandler | None = None
        self._doubted = asyncio.Event()
        self._refusal: TokenError | None = None

    @property
    def alive(self) -> bool:
        """Whether Slack can reach us now."""
        if self._handler is None:
            return False
        socket = self._handler.client
        session = socket.current_session
        return not (socket.closed or socket.stale or session is None or session.closed)

    def doubt(self, refusal: TokenError | None = None) -> None:
        """Connect anew, which proves both tokens; where Slack has refused one already, end `run` with that."""
        self._refusal = refusal
        self._doubted.set()

    async def run(self, app: Callable[[Identity], AsyncApp]) -> None:
        """Hold a connection until cancelled; raise `TokenError` where Slack does not accept one of our tokens."""
        pause = 1.0
        self._refusal = None
        while True:
            self._doubted.clear()
            try:
                me = await self._client.identity()
                await self._open(app(me), await self._client.socket_url())
            except (SendError, TimeoutError, aiohttp.ClientError, OSError) as error:
                log.warning("slack.not_connected", error=type(error).__name__, again_in=pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                log.info("slack.connected")
                pause = 1.0
                await self._watch()
                log.warning("slack.connection_lost")
                if self._refusal is not None:
                    raise self._refusal
            finally:
                await self._close()

    async def _open(self, app: AsyncApp, url: str) -> None:
        handler = AsyncSocketModeHandler(
            app,
            self._app_token,
            logger=library_logger(),
            web_client=self._client.anonymous,
            ping_interval=self._rhythm.ping,
        )
        self._handler = handler
        handler.client.proxy = None  # taken from the environment, whatever was passed
        handler.client.wss_uri = url
        handler.client.socket_mode_request_listeners = [partial(self._once, handler)]
        async with asyncio.timeout(self._rhythm.opening):
            await handler.connect_async()  # type: ignore[no-untyped-call]

    async def _once(
        self, handler: AsyncSocketModeHandler, client: AsyncBaseSocketModeClient, request: SocketModeRequest
    ) -> None:
        """Hand on what is new; what was told before is only acknowledged."""
        if self._handler is not handler:
            return  # being closed: not acknowledged, so Slack tells it again
        if self._told.before(request):
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        await handler.handle(handler.client, request)

    async def _watch(self) -> None:
        """Return when the connection has been away for longer than the library needs, or when tokens are in doubt."""
        away = 0.0
        while away < self._rhythm.absence and not self._doubted.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubted.wait(), self._rhythm.ping)
            away = 0.0 if self.alive else away + self._rhythm.ping

    async def _close(self) -> None:
        """End the connection; one that does not answer is left after a second."""
        handler, self._handler = self._handler, None
        if handler is None:
            return
        handler.client.closed = True
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(1):
                await handler.client.disconnect()  # type: ignore[no-untyped-call]
        tasks = (
            handler.client.message_processor,
            handler.client.current_session_monitor,
            handler.client.message_receiver,
        )
        await handler.close_async()  # type: ignore[no-untyped-call]
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
