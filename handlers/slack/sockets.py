"""The Socket Mode connection: kept open, watched, and replaced where it has gone deaf.

The library reconnects by itself, and mostly well. It has been seen to stop for good: it tries a used-up address again
and again, loops on a closed session, or dispatches nothing after a long idle time (python-slack-sdk#1110,
bolt-python#1529). So a watch looks on, and where a connection stays away or shows no sign of life, it is thrown away
and built anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from handlers.slack.client import Client, library_logger
from handlers.slack.told import Told


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How closely a connection is watched, in seconds.

    Slack ends a connection by its own word after five hours at most (`approximate_connection_time` in its hello is
    18,060 s); one that outlives that by an hour is one that Slack has forgotten.
    """

    ping: float = 5.0  # between two pings, and between two looks
    opening: float = 10.0  # to open one, and to be greeted on it
    absence: float = 12.0  # how long the library may take to reconnect by itself
    silence: float = 20.0  # without an answer to a ping
    dispatch: float = 10.0  # from an envelope's arrival until somebody looks at it
    lifetime: float = 6 * 3600.0


STEADY = Rhythm()


@dataclass(slots=True)
class Watch:
    """What tells a good connection from one that only looks like it; `look` is called once a beat.

    Every look is told what is seen, and counts for how many beats it has been so.
    """

    rhythm: Rhythm
    _age: int = 0
    _away: int = 0
    _quiet: int = 0
    _stuck: int = 0
    _texts: int = 0
    _pong: float | None = None

    def look(self, *, connected: bool, texts: int, pong: float | None, undispatched: int) -> str:
        """Say why to replace the connection, or nothing.

        `texts` counts what came, `pong` is when the ping was sent that was answered last. The library makes one up
        where it has none yet, so a first one is no sign of life.
        """
        lives = texts != self._texts or (pong != self._pong and self._pong is not None and pong is not None)
        self._age += 1
        self._away = 0 if connected else self._away + 1
        self._quiet = 0 if lives else self._quiet + 1
        self._stuck = self._stuck + 1 if undispatched > 0 else 0
        self._texts, self._pong = texts, pong
        limits = (
            ("away", self._away, self.rhythm.absence),
            ("silent", self._quiet, self.rhythm.silence),
            ("dispatches nothing", self._stuck, self.rhythm.dispatch),
            ("too old", self._age, self.rhythm.lifetime),
        )
        return next((why for why, beats, limit in limits if beats * self.rhythm.ping >= limit), "")


@dataclass(slots=True)
class Signs:
    """What has been heard over one handler's connections."""

    greeted: asyncio.Event = field(default_factory=asyncio.Event)
    texts: int = 0
    arrived: int = 0
    dispatched: int = 0

    async def heard(self, message: WSMessage) -> None:
        """Count a text, before the library looks at it."""
        self.texts += 1
        try:
            said = json.loads(message.data)
        except ValueError:
            return
        if isinstance(said, dict):
            self.arrived += "envelope_id" in said
            if said.get("type") == "hello":
                self.greeted.set()


class Socket:
    """The one connection of an app, as an `Ear`. `beat` waits for the next look, given how many seconds that takes."""

    def __init__(
        self,
        client: Client,
        app_token: str,
        *,
        rhythm: Rhythm = STEADY,
        beat: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._app_token = app_token
        self._rhythm = rhythm
        self._beat = beat
        self._told = Told()
        self._signs = Signs()
        self._handler: AsyncSocketModeHandler | None = None

    @property
    def alive(self) -> bool:
        if self._handler is None:
            return False
        socket = self._handler.client
        session = socket.current_session
        return not (socket.closed or socket.stale or session is None or session.closed)

    async def open(self, app: AsyncApp) -> None:
        """Connect, which proves the app token, and wait for Slack's greeting."""
        url = await self._client.socket_url(self._app_token)
        handler = AsyncSocketModeHandler(
            app,
            self._app_token,
            logger=library_logger(),
            web_client=self._client.anonymous,
            ping_interval=self._rhythm.ping,
        )
        self._handler, self._signs = handler, Signs()
        handler.client.proxy = None  # taken from the environment, whatever was passed
        handler.client.wss_uri = url
        handler.client.on_message_listeners = [self._signs.heard]
        handler.client.socket_mode_request_listeners = [partial(self._once, handler)]
        async with asyncio.timeout(self._rhythm.opening):
            await handler.connect_async()  # type: ignore[no-untyped-call]
            await self._signs.greeted.wait()

    async def lost(self) -> str:
        """Look once a beat whether the connection is well, and return why it is not."""
        watch = Watch(self._rhythm)
        while True:
            await self._beat(self._rhythm.ping)
            if self._handler is None:
                return "closed"
            signs = self._signs
            why = watch.look(
                connected=self.alive,
                texts=signs.texts,
                pong=self._handler.client.last_ping_pong_time,
                undispatched=signs.arrived - signs.dispatched,
            )
            if why:
                return why

    async def _once(
        self, handler: AsyncSocketModeHandler, client: AsyncBaseSocketModeClient, request: SocketModeRequest
    ) -> None:
        """Hand on what is new; what was told before is only acknowledged."""
        if self._handler is not handler:
            return  # being closed: not acknowledged, so Slack tells it again
        self._signs.dispatched += 1
        if self._told.before(request.payload, request.envelope_id):
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        await handler.handle(handler.client, request)

    async def close(self) -> None:
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
