"""One chat floods: it is told once, others are answered as if nothing were, and operators are always heard."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from statistics import quantiles

import pytest

from bot.clock import SystemClock
from bot.commands import read_line
from bot.core.model import Chat
from bot.core.speech import Call, Reply
from bot.daemon import FrontDoor
from bot.ports import Store
from bot.store import open_store
from bot.watching.operators import BY_SHELL
from tests.builders import a_document, a_story, some_changes
from tests.fakes.asker import a_desk, text_of
from tests.fakes.clock import FakeClock
from tests.storing import in_memory_directory

FLOOD = Chat("telegram", "", "666")
SECONDS = 20.0 if os.environ.get("POLICYBELL_SOAK") else 3.0
LINES = ("latest 20", "follow tps haiti", "unfollow tps haiti", "topics", "mydata", "why 1", "folow", "status")


def a_door(clock: FakeClock) -> FrontDoor:
    return FrontDoor(a_desk(clock=clock), asyncio.Lock(), lambda: None)


async def ask(door: FrontDoor, line: str, chat: Chat = FLOOD, *, from_shell: bool = False) -> Reply:
    verb, args = read_line(line)
    actor = BY_SHELL if from_shell else ""
    return await door.answer(Call(verb, args, chat, may_change=True, is_operator=from_shell, actor=actor))


async def test_twenty_commands_a_minute_are_answered_then_one_word_then_nothing() -> None:
    door = a_door(FakeClock())
    replies = [await ask(door, "list") for _ in range(100)]
    assert all(reply.ok for reply in replies[:20])
    assert text_of(replies[20]) == "That is more than 20 commands a minute. Ask again in 60 s."
    assert not replies[20].ok
    assert all(reply == Reply((), ok=False) for reply in replies[21:])


async def test_what_is_over_the_limit_changes_nothing_and_a_minute_later_all_is_well() -> None:
    door = a_door(clock := FakeClock())
    for _ in range(20):
        await ask(door, "list")
    await ask(door, "follow tps")
    await ask(door, "forget yes")
    assert await door.desk.store.subscriptions(FLOOD) == ()
    clock.advance(timedelta(seconds=60))
    assert (await ask(door, "follow tps")).ok
    assert len(await door.desk.store.subscriptions(FLOOD)) == 1


@pytest.mark.parametrize("line", ["nonsense", "", "outbox list", "help"])
async def test_whatever_is_asked_counts(line: str) -> None:
    door = a_door(FakeClock())
    for _ in range(20):
        await ask(door, line)
    assert "more than 20 commands" in text_of(await ask(door, "list"))


async def test_another_chat_and_operators_are_heard_all_the_while() -> None:
    door = a_door(FakeClock())
    for _ in range(200):
        await ask(door, "list")
    assert (await ask(door, "list", Chat("telegram", "", "7"))).ok
    assert all([(await ask(door, "list", from_shell=True)).ok for _ in range(50)])
    here = Chat("web", "", "local")
    assert all([(await door.answer(Call("list", (), here, is_operator=True))).ok for _ in range(50)])


async def test_a_member_who_floods_a_group_does_not_keep_its_administrators_from_the_pause() -> None:
    door = a_door(FakeClock())
    await ask(door, "follow tps")
    for _ in range(200):
        await door.answer(Call("latest", (), FLOOD))
    assert await door.answer(Call("list", (), FLOOD)) == Reply((), ok=False)
    assert (await ask(door, "pause")).ok


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """A database with stories to look through."""
    with in_memory_directory() as directory:
        opened = open_store(f"sqlite:///{directory}/policybell.db")
        text = " ".join(f"word{number % 97} asylum haiti" for number in range(30))
        leads = [a_document(number, title=f"TPS news {number}", text=text) for number in range(1, 101)]
        await opened.commit([some_changes(*(a_story(n, lead) for n, lead in enumerate(leads, 1)))])
        yield opened
        await opened.close()


@pytest.mark.soak
async def test_others_wait_a_second_at_most_while_one_chat_asks_a_hundred_times_a_second(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    door = FrontDoor(a_desk(store=store, clock=SystemClock()), asyncio.Lock(), lambda: None)
    flooding: set[asyncio.Task[Reply]] = set()
    waits: list[float] = []
    ends = time.monotonic() + SECONDS

    async def flood() -> None:
        number = 0
        while time.monotonic() < ends:
            flooding.add(asyncio.create_task(ask(door, LINES[number % len(LINES)])))
            number += 1
            await asyncio.sleep(0.01)

    async def visit(number: int) -> None:
        chat, turn = Chat("telegram", "", str(number)), 0
        while time.monotonic() < ends:
            began = time.monotonic()
            assert (await ask(door, ("list", "follow tps", "latest 5", "missed")[turn % 4], chat)).spans
            waits.append(time.monotonic() - began)
            turn += 1
            await asyncio.sleep(1.2)  # politely: 17 in the longest run

    await asyncio.gather(flood(), *(visit(number) for number in range(10)))
    heard = Counter("answered" if reply.spans else "passed over" for reply in await asyncio.gather(*flooding))
    p95 = quantiles(waits, n=20)[-1]
    with capsys.disabled():
        print(f"\nflood: {len(flooding)} commands in {SECONDS:.0f} s, {heard['answered']} answered; ", end="")
        print(f"others: {len(waits)} replies, p95 {1_000 * p95:.0f} ms, longest {1_000 * max(waits):.0f} ms")
    assert heard["answered"] <= 21
    assert heard["passed over"] > 20 * SECONDS
    assert p95 <= 1.0
