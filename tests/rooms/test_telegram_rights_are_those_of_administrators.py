"""Nine kinds of senders in a Telegram group, twelve commands: who may change the group's settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from handlers.telegram.client import Client
from handlers.telegram.inbound import Listener
from handlers.telegram.rights import Rights, Standing
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram.senders import SENDERS, USER

COMMANDS = [
    "start",
    "help",
    "topics",
    "follow",
    "unfollow",
    "list",
    "latest",
    "why",
    "status",
    "sources",
    "forget",
    "follow",
]


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as telegram:
        yield telegram


@pytest.fixture
async def client(telegram: FakeTelegram) -> AsyncIterator[Client]:
    client = Client(TOKEN, telegram.api_url)
    yield client
    await client.close()


async def may_change(rights: Rights, group: int) -> bool:
    return await rights.in_shared(group, "supergroup", USER) is Standing.CHANGES


async def swallow(*_: object) -> str:
    return ""


@pytest.mark.parametrize("sender", SENDERS)
async def test_the_matrix_of_senders_and_commands(telegram: FakeTelegram, client: Client, sender: str) -> None:
    speak, expected = SENDERS[sender]
    group = telegram.world.add_group()
    for command in COMMANDS:
        speak(telegram, group, f"/{command}")
    door = FakeDoor()
    listening = asyncio.create_task(Listener(client, door, FakeClock(), swallow).run())
    await until(lambda: not telegram.world.updates)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert [call.may_change for call in door.calls] == ([] if expected is None else [expected] * len(COMMANDS))


async def test_an_error_is_a_no(telegram: FakeTelegram, client: Client) -> None:
    group = telegram.world.add_group(admins=[USER])
    rights = Rights(client, FakeClock())
    for status in (400, 403, 429, 500, 502):
        telegram.fail_next(status, "{}", method="getChatMember")
        assert not await may_change(rights, group)
    telegram.fail_next(200, '{"ok": true, "result": {"status": "administrator"}}', method="getChatMember")
    assert not await may_change(rights, group)
    telegram.drop_before_accept(method="getChatMember")
    assert not await may_change(rights, group)
    assert await may_change(rights, group)


async def test_a_yes_is_kept_for_a_minute_and_a_no_not_at_all(telegram: FakeTelegram, client: Client) -> None:
    clock = FakeClock()
    group = telegram.world.add_group(members=[USER])
    rights = Rights(client, clock)
    assert not await may_change(rights, group)
    telegram.world.rank(group, USER, "administrator")
    assert await may_change(rights, group)
    telegram.world.rank(group, USER, "member")
    clock.advance(timedelta(seconds=59))
    assert await may_change(rights, group)
    clock.advance(timedelta(seconds=1))
    assert not await may_change(rights, group)


async def test_rights_in_one_group_are_none_in_another(telegram: FakeTelegram, client: Client) -> None:
    ours, theirs = telegram.world.add_group(admins=[USER]), telegram.world.add_group(members=[USER])
    rights = Rights(client, FakeClock())
    assert [await may_change(rights, group) for group in (ours, theirs)] == [True, False]


async def test_a_demotion_that_telegram_tells_of_holds_at_once(telegram: FakeTelegram, client: Client) -> None:
    group = telegram.world.add_group(admins=[USER])
    door = FakeDoor()
    listening = asyncio.create_task(Listener(client, door, FakeClock(), swallow).run())
    telegram.world.say(group, USER, "/list")
    await until(lambda: not telegram.world.updates)
    telegram.world.rank(group, USER, "member", told=True)
    telegram.world.say(group, USER, "/list")
    await until(lambda: not telegram.world.updates)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert [call.may_change for call in door.calls] == [True, False]
