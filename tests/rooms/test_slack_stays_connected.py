"""Socket Mode connections end often, announced or not; people must hardly notice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bot.errors import TokenError
from handlers.slack import Slack
from handlers.slack.sockets import Rhythm
from handlers.slack.told import REMEMBERED, Told
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, Answer, FakeSlack

QUICK = Rhythm(ping=0.05, opening=1.0, absence=0.15)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@contextlib.asynccontextmanager
async def listening(slack: FakeSlack, door: FakeDoor) -> AsyncIterator[tuple[Slack, asyncio.Task[None]]]:
    room = Slack(BOT_TOKEN, APP_TOKEN, api_url=slack.api_url, clock=FakeClock(), rhythm=QUICK)
    task = asyncio.create_task(room.listen(door))
    try:
        yield room, task
    finally:
        task.cancel()
        await asyncio.wait([task])
        await room.close()


async def ask(slack: FakeSlack) -> None:
    envelope = await slack.slash("C0NEWS", "U0ANA", "latest")
    await envelope.answer()


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_an_announced_end_is_followed_by_a_new_connection(slack: FakeSlack, reason: str) -> None:
    door = FakeDoor()
    async with listening(slack, door) as (room, _):
        await ask(slack)
        for opened in (2, 3):
            await slack.disconnect(reason)
            await until(lambda opened=opened: slack.sockets.opened == opened and room.is_connected)
            await ask(slack)
    assert len(door.calls) == 3
    assert slack.sockets.connected == 0


async def test_a_broken_connection_is_followed_by_a_new_one(slack: FakeSlack) -> None:
    async with listening(slack, FakeDoor()) as (room, _):
        for opened in (1, 2, 3):
            await until(lambda opened=opened: slack.sockets.opened >= opened and room.is_connected)
            await ask(slack)
            slack.cut_sockets()
        await until(lambda: room.is_connected and slack.sockets.opened >= 4)


async def test_what_was_told_before_the_connection_broke_takes_effect_once(slack: FakeSlack) -> None:
    door = FakeDoor()
    async with listening(slack, door) as (room, _):
        envelope = await slack.slash("C0NEWS", "U0ANA", "follow tps")
        slack.cut_sockets()
        await until(lambda: room.is_connected and slack.sockets.opened >= 2)
        await slack.repeat(envelope, attempt=1)
    assert len(door.calls) == 1


async def test_an_outage_ends_as_soon_as_slack_is_back(slack: FakeSlack) -> None:
    async with listening(slack, FakeDoor()) as (room, task):
        await ask(slack)
        await slack.stop()
        await until(lambda: not room.is_connected)
        await asyncio.sleep(0.3)  # longer than the library gets to bring the connection back
        assert not task.done()
        await slack.restart()
        await ask(slack)
        assert room.is_connected


async def test_slack_down_at_the_start_is_waited_for(slack: FakeSlack) -> None:
    await slack.stop()
    async with listening(slack, FakeDoor()) as (room, task):
        await asyncio.sleep(0.1)
        assert not task.done()
        assert not room.is_connected
        await slack.restart()
        await ask(slack)


async def test_answers_that_slack_garbles_are_asked_for_again(slack: FakeSlack) -> None:
    for method in ("auth.test", "apps.connections.open"):
        slack.garbage(method)
        slack.flood(method=method)
        slack.fail_next(method, Answer('{"ok": true}'))
    async with listening(slack, FakeDoor()):
        await ask(slack)


async def test_an_address_that_opens_no_connection_is_not_tried_for_ever(slack: FakeSlack) -> None:
    """The library alone would: it asks for a new address only once it had a connection."""
    stale = f'{{"ok": true, "url": "{slack.api_url.replace("http", "ws").replace("api/", "link?ticket=used")}"}}'
    slack.fail_next("apps.connections.open", Answer(stale))
    async with listening(slack, FakeDoor()):
        await ask(slack)


async def test_a_token_revoked_during_an_outage_ends_listening(slack: FakeSlack) -> None:
    async with listening(slack, FakeDoor()) as (_, task):
        await ask(slack)
        slack.revoke("token_revoked", token=APP_TOKEN)
        slack.cut_sockets()
        with pytest.raises(TokenError):
            await asyncio.wait_for(task, 10)


async def test_stopping_leaves_nothing_behind(slack: FakeSlack) -> None:
    before = asyncio.all_tasks()
    for _ in range(3):
        async with listening(slack, FakeDoor()):
            await ask(slack)
    await until(lambda: slack.sockets.connected == 0)
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}
    assert not {name for name in left if "SocketMode" in name or "Connection" in name}


def test_what_was_told_is_remembered_for_a_while_and_not_for_ever() -> None:
    told = Told()
    for number in range(REMEMBERED + 1):
        assert not told.before({}, f"envelope {number}")
    assert told.before({}, "envelope 1")
    assert not told.before({}, "envelope 0")
