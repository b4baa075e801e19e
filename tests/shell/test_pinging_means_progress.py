"""The dead-man switch: one call when the bot gets on, none when it does not, and its address in no log."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.gate import AddrInfo, Gate
from bot.watching.pinging import Pinger

CANARY = "0f9f5f2e-canary-4b1c"


class Switch:
    """Somebody who waits for our call, and answers as told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 200
        self.hangs = False
        self.released = asyncio.Event()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.calls.append(f"{request.method} {request.path}")
        if self.hangs:
            await self.released.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"} if self.status == 302 else None)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    switch = Switch()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", switch.take)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    switch.url = f"http://{host}:{port}/ping/{CANARY}"
    yield switch
    switch.released.set()
    await runner.cleanup()


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def pinger(url: str, *, gets_on: bool = True, gate: Gate | None = None) -> Pinger:
    return Pinger(lambda: url, yes if gets_on else no, gate or Gate(allow_private=True), seconds=0.3)


async def test_a_bot_that_gets_on_calls_once(switch: Switch) -> None:
    assert await pinger(switch.url).ping()
    assert switch.calls == [f"GET /ping/{CANARY}"]


async def test_a_bot_that_does_not_get_on_does_not_call(switch: Switch) -> None:
    assert not await pinger(switch.url, gets_on=False).ping()
    assert switch.calls == []


async def test_without_an_address_nobody_is_called_and_nothing_is_said() -> None:
    with capture_logs() as logs:
        assert not await pinger("").ping()
    assert logs == []


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_refusal_is_one_line_no_second_call_and_no_redirect(switch: Switch, status: int) -> None:
    switch.status = status
    with capture_logs() as logs:
        assert not await pinger(switch.url).ping()
    assert len(switch.calls) == 1
    assert [line["event"] for line in logs] == ["ping.failed"]
    assert CANARY not in repr(logs)


async def test_a_switch_that_does_not_answer_is_given_up_in_time(switch: Switch) -> None:
    switch.hangs = True
    with capture_logs() as logs:
        assert not await pinger(switch.url).ping()
    assert len(switch.calls) == 1
    assert CANARY not in repr(logs)


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{CANARY}", f"http://no-such-name.invalid/{CANARY}"])
async def test_an_address_that_cannot_be_reached_is_not_named_in_the_log(url: str) -> None:
    with capture_logs() as logs:
        assert not await pinger(url).ping()
    assert [line["event"] for line in logs] == ["ping.failed"]
    assert CANARY not in repr(logs)


async def test_the_gate_keeps_the_call_out_of_the_operators_own_network(switch: Switch) -> None:
    assert not await pinger(switch.url, gate=Gate()).ping()
    assert switch.calls == []


class LooseInWords:
    """A gate that lets any address pass as text, and is the real one where it is dialed: a name may lead anywhere."""

    def check_url(self, _url: str) -> str | None:
        return None

    def socket_factory(self, address: AddrInfo) -> socket.socket:
        return Gate().socket_factory(address)


async def test_the_gate_judges_what_is_really_dialed(switch: Switch) -> None:
    assert not await pinger(switch.url, gate=cast("Gate", LooseInWords())).ping()
    assert switch.calls == []
