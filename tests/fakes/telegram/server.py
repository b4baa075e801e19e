"""The server: sockets, tokens, long polling, faults. What each method does is in `methods`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.fakes.telegram.faults import Fault, Kind, answer
from tests.fakes.telegram.flood import Flood
from tests.fakes.telegram.methods import METHODS, Accepted, Arguments
from tests.fakes.telegram.oracle import ApiError
from tests.fakes.telegram.world import World

TOKEN = "4242:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_SET = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
_UNASKED_UPDATES = {"chat_member", "message_reaction", "message_reaction_count"}


class FakeTelegram:
    """See the package. `world` has the people; `accepted`, `toasts`, `menus`, `about` are what the bot did.

    `now` gives seconds for the limits (a fake clock can drive them), `scale` is how many of those one second of
    Telegram's takes; long polls shrink with it too. `latency` is in
    real seconds, half of it before a request is carried out and half before it is answered.
    """

    def __init__(
        self,
        token: str = TOKEN,
        *,
        now: Callable[[], float] = time.monotonic,
        scale: float = 1.0,
        latency: float = 0.0,
        flood: Flood | None = None,
    ) -> None:
        self.token = token
        self.now = now
        self.username = "policybell_bot"
        self.flood = flood or Flood(scale=scale)
        self.latency = latency
        self.webhook = ""
        self.accepted: list[Accepted] = []
        self.violations: list[str] = []
        self.calls: Counter[str] = Counter()
        self.menus: dict[str, dict[str, str]] = {}
        self.toasts: list[tuple[str, str]] = []
        self.about: dict[str, str] = {}
        self.joins_groups, self.reads_groups = True, False
        self.revoked = False
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.world = World(self._wake, self.username)
        self._faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self._closings: set[int] = set()
        self._poll: asyncio.Future[str] | None = None
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    # life

    @property
    def api_url(self) -> str:
        """The root, for `POLICYBELL_TELEGRAM__API_URL`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which a bot finds this server and may use it."""
        return {"POLICYBELL_TELEGRAM__TOKEN": self.token, "POLICYBELL_TELEGRAM__API_URL": self.api_url}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping.clear()
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if error is None:
            assert self.problems() == []

    async def stop(self) -> None:
        """Stop answering: connections are refused until `start`, which keeps the port and all that happened."""
        self._stopping.set()
        self._end_poll("stopping")
        if self._runner is not None:
            await self._runner.cleanup()

    def problems(self) -> list[str]:
        """List what a well-behaved bot never leaves behind. Leaving the server asserts that there is none."""
        return self.violations + [f"a press was never answered: {data}" for data in self.world.unanswered.values()]

    # faults, each for one request

    def plan(self, method: str, *faults: Fault | None) -> None:
        """Let the next requests of a method meet these faults in turn; None is none."""
        self._faults[method].extend(faults)

    def fail_next(self, status: int, body: str | Mapping[str, object], *, method: str = "sendMessage") -> None:
        self.plan(method, answer(status, body))

    def drop_before_accept(self, *, method: str = "sendMessage") -> None:
        self.plan(method, Fault(Kind.DROP_BEFORE))

    def drop_after_accept(self, *, method: str = "sendMessage") -> None:
        self.plan(method, Fault(Kind.DROP_AFTER))

    def hang(self, *, method: str = "sendMessage") -> None:
        self.plan(method, Fault(Kind.HANG))

    def garbage(self, *, method: str = "sendMessage") -> None:
        self.plan(method, Fault(Kind.GARBAGE))

    def close_chat(self, chat: int, seconds: float) -> None:
        """Answer a chat's next message 429; one more within so many seconds is a violation."""
        self.flood.close(chat, seconds, self.now())
        self._closings.add(chat)

    def announce_closing(self, chat: int) -> bool:
        """Tell, once, that the bot could not know yet that a chat is closed."""
        known = chat not in self._closings
        self._closings.discard(chat)
        return not known

    @property
    def is_polled(self) -> bool:
        """Tell whether a poll waits for updates now."""
        return self._poll is not None and not self._poll.done()

    def conflict(self) -> None:
        """Let somebody else poll with our token: the bot's own poll ends."""
        if not self._end_poll(OTHER_POLLER):
            self.fail_next(409, ApiError(409, OTHER_POLLER).body(), method="getUpdates")

    # requests

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        self.calls[name] += 1
        fault = self._faults[name].popleft() if self._faults[name] else None
        await asyncio.sleep(self.latency / 2)
        if fault and not fault.accepts:
            return await self._fail(request, fault, b"")
        try:
            body = {"ok": True, "result": await self._carry_out(request, name)}
            status = 200
        except ApiError as error:
            body, status = error.body(), error.status
        await asyncio.sleep(self.latency / 2)
        text = json.dumps(body).encode()
        if fault and status == 200:
            return await self._fail(request, fault, text)
        headers = {"Retry-After": str(body["parameters"]["retry_after"])} if status == 429 else {}
        return web.Response(body=text, status=status, content_type="application/json", headers=headers)

    async def _carry_out(self, request: web.Request, name: str) -> object:
        if request.match_info["token"] != self.token or self.revoked:
            raise ApiError(401, "Unauthorized")
        if name not in METHODS:
            self.violations.append(f"unknown method {name}")
            raise ApiError(404, "Not Found")
        arguments = await self._arguments(request, name)
        allowed, run = METHODS[name]
        if strange := set(arguments) - allowed:
            self.violations.append(f"{name}: unknown arguments {', '.join(sorted(strange))}")
        return await run(self, arguments)

    async def _arguments(self, request: web.Request, name: str) -> Arguments:
        if request.method not in {"GET", "POST"}:
            raise ApiError(405, "Method Not Allowed")
        if request.can_read_body and request.content_type != "application/x-www-form-urlencoded":
            self.violations.append(f"{name}: the body is {request.content_type}, not a form")
        form = await request.post()
        return {key: str(value) for key, value in (*request.query.items(), *form.items())}

    async def _fail(self, request: web.Request, fault: Fault, text: bytes) -> web.StreamResponse:
        match fault.kind:
            case Kind.ANSWER:
                return web.Response(body=fault.body, status=fault.status, content_type="application/json")
            case Kind.GARBAGE:
                return web.Response(body=b"<html>proxy error</html>")
            case Kind.HANG:
                await self._stopping.wait()
            case Kind.CUT:
                half = web.StreamResponse(headers={"Content-Length": str(len(text))})
                await half.prepare(request)
                await half.write(text[: len(text) // 2])
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    # long polling

    async def long_poll(self, offset: int, limit: int, seconds: int, allowed: list[str] | None) -> list[dict]:
        """Wait for updates. A newer poll ends an older one, which is answered 409."""
        if self.webhook:
            raise ApiError(409, WEBHOOK_SET)
        self._end_poll(OTHER_POLLER)
        mine = self._poll = asyncio.get_running_loop().create_future()
        self.world.updates = [update for update in self.world.updates if update["update_id"] >= offset]
        until = time.monotonic() + seconds * self.flood.scale
        while not (found := self._wanted(allowed)[:limit]) and not mine.done() and time.monotonic() < until:
            self._news.clear()
            news = asyncio.ensure_future(self._news.wait())
            await asyncio.wait((news, mine), timeout=until - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
        if mine.done() and mine.result() == OTHER_POLLER:
            raise ApiError(409, OTHER_POLLER)
        self._poll = None if self._poll is mine else self._poll
        return found

    def _wanted(self, allowed: list[str] | None) -> list[dict]:
        """Choose what was asked for; an empty or missing list leaves out the kinds that have to be named."""
        kinds = [next(key for key in update if key != "update_id") for update in self.world.updates]
        return [
            update
            for kind, update in zip(kinds, self.world.updates, strict=True)
            if (kind in allowed if allowed else kind not in _UNASKED_UPDATES)
        ]

    def _end_poll(self, why: str) -> bool:
        """End the poll that is waiting, if there is one."""
        poll, self._poll = self._poll, None
        if poll is None or poll.done():
            return False
        poll.set_result(why)
        return True

    def _wake(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(self._news.set)
