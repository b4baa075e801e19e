"""A proxy that spoils every third request, between the real libraries and the strict servers (R31, R32).

`make test` sends a few from a fixed seed, so that every spoil occurs; `make soak` a thousand to each platform.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.attempting import DeliverDesk
from bot.core.model import Chat, Delivery, DeliveryState
from bot.deliver import Lanes
from bot.ports import Platform
from bot.store.sqlite.store import SqliteStore
from handlers.slack import Slack
from handlers.telegram import Telegram
from tests.builders import a_story, at
from tests.fakes.clock import FakeClock
from tests.fakes.proxy import FaultProxy, Spoil
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.storing import follow, in_memory_directory, publish

SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200 if SOAK else 120)]

CHATS, STORIES = (25, 40) if SOAK else (8, 6)
GIVES_UP = 5.0 if SOAK else 1.5  # seconds after which a silent answer counts as lost
_NUMBER = re.compile(r"measure number (\d+)")


@dataclass(frozen=True, slots=True)
class Street:
    """A platform behind the proxy: its room, its chats, what its server took (as chat and words) and was asked."""

    room: Platform
    chats: tuple[Chat, ...]
    proxy: FaultProxy
    taken: Callable[[], list[tuple[str, str]]]
    asked: Callable[[], int]


def named(chat: str, words: str) -> str:
    return f"{chat} {_NUMBER.findall(words)[0]}"


@asynccontextmanager
async def telegram(spoil: Callable[[], Spoil | None], clock: FakeClock) -> AsyncIterator[Street]:
    def name(target: str, body: bytes) -> str | None:
        form = parse_qs(body.decode())
        return named(form["chat_id"][0], form["text"][0]) if target.endswith("/sendMessage") else None

    async with FakeTelegram(now=lambda: clock.now().timestamp()) as server:
        chats = tuple(Chat("telegram", "", str(701 + number)) for number in range(CHATS))
        for chat in chats:
            server.world.add_private(int(chat.id))
        async with FaultProxy(server.port, watch=name, spoil=spoil) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            room = Telegram(TOKEN, api_url=url, clock=clock, answer_seconds=GIVES_UP)
            yield Street(
                room,
                chats,
                proxy,
                lambda: [(str(one.chat), one.text) for one in server.accepted],
                lambda: server.calls["sendMessage"],
            )
            await room.close()


@asynccontextmanager
async def slack(spoil: Callable[[], Spoil | None], clock: FakeClock) -> AsyncIterator[Street]:
    def name(target: str, body: bytes) -> str | None:
        return named(json.loads(body)["channel"], body.decode()) if target.endswith("/chat.postMessage") else None

    async with FakeSlack(now=lambda: clock.now().timestamp()) as server:
        chats = tuple(Chat("slack", "", f"C{number:04}") for number in range(CHATS))
        for chat in chats:
            server.add_channel(chat.id)
        async with FaultProxy(urlsplit(server.api_url).port or 0, watch=name, spoil=spoil) as proxy:
            url = f"http://127.0.0.1:{proxy.port}/api/"
            room = Slack(server.bot_token, server.app_token, clock=clock, api_url=url, timeout=GIVES_UP)
            yield Street(
                room,
                chats,
                proxy,
                lambda: [
                    (one.channel, json.dumps([one.text, *one.blocks], ensure_ascii=False)) for one in server.accepted
                ],
                lambda: server.calls.get("chat.postMessage", 0),
            )
            await room.close()


def spoils(chance: random.Random) -> Iterator[Spoil | None]:
    """Give each spoil its place among the first requests, and one in twenty of all that follow."""
    first: list[Spoil | None] = [*Spoil, *Spoil, *[None] * 20]
    chance.shuffle(first)
    yield from first
    while True:
        yield next((spoil for spoil in Spoil if chance.random() < 0.05), None)


@pytest.mark.parametrize("street", [telegram, slack])
async def test_every_attempt_is_one_request_and_what_may_have_arrived_is_sent_once_more_at_most(street: object) -> None:
    chance = random.Random(20231005)
    clock = FakeClock(at())
    coming = spoils(chance)
    with in_memory_directory() as directory:
        store = SqliteStore(directory / "policybell.db")
        async with street(lambda: next(coming), clock) as way:  # type: ignore[operator]
            await deliver_all(store, way, clock, chance)
            rows = await store.outbox(list(DeliveryState), CHATS * STORIES + 1)
            await store.close()
            assert len(rows) == CHATS * STORIES
            assert_as_promised(rows, way)
            told(rows, way)


async def deliver_all(store: SqliteStore, way: Street, clock: FakeClock, chance: random.Random) -> None:
    """Publish a few stories at a time, so that none comes late, and deliver until nothing waits.

    A platform that seems to be down is tried again each half minute.
    """
    for chat in way.chats:
        await follow(store, chat, now=clock.now())
    lanes = Lanes(DeliverDesk(store, {way.room.name: way.room}, clock, chance.random, lambda *_: None))
    for number in range(1, STORIES + 1):
        await publish(store, a_story(number), due_at=clock.now())
        while number % 3 == 0 or number == STORIES:
            await lanes.exhaust()
            census = await store.census()
            if not census.deliveries[DeliveryState.PENDING] + census.deliveries[DeliveryState.SENDING]:
                break
            clock.advance(timedelta(seconds=30))
            await asyncio.sleep(0)


def assert_as_promised(rows: tuple[Delivery, ...], way: Street) -> None:
    """Hold rows against what the proxy saw and the server took; each is told by itself."""
    taken: dict[str, list[bool]] = {}
    for chat, words in way.taken():
        taken.setdefault(named(chat, words), []).append("may repeat" in words)
    proxy = way.proxy
    assert proxy.attempts.keys() == {key(row) for row in rows}
    assert sum(row.attempt for row in rows) == sum(map(len, proxy.attempts.values()))
    assert proxy.forwarded == way.asked() == sum(map(len, taken.values()))
    for row in rows:
        met, copies = proxy.attempts[key(row)], taken.get(key(row), [])
        lost = [spoil for spoil in met if spoil not in {None, Spoil.TOO_MANY}]
        assert row.attempt == len(met), "a hidden retry, or an attempt that nobody wrote down"
        assert row.state is (DeliveryState.SENT if met[-1] is None else DeliveryState.MAYBE)
        assert len(lost) == (2 if row.state is DeliveryState.MAYBE else min(len(lost), 1))
        assert row.unsure is bool(lost)
        assert len(copies) == sum(spoil is None or spoil.accepts for spoil in met) <= 2
        assert copies or row.state is DeliveryState.MAYBE, "silently lost"
        assert copies[1:] in ([], [True]), "a second copy that is not marked"
    for chat in way.chats:
        order = [number for one, number in map(str.split, taken) if one == chat.id]
        assert order == sorted(order, key=int)


def key(row: Delivery) -> str:
    return named(row.chat.id, row.alert.story.lead.title)


def told(rows: tuple[Delivery, ...], way: Street) -> None:
    met = Counter(spoil for attempts in way.proxy.attempts.values() for spoil in attempts if spoil)
    assert set(met) == set(Spoil)
    attempts = sum(row.attempt for row in rows)
    copies = Counter(named(chat, words) for chat, words in way.taken())
    print(
        f"\n{way.room.name}: {len(rows)} sends, {met.total()} spoiled: attempts {attempts} in rows = "
        f"{sum(map(len, way.proxy.attempts.values()))} seen by the server, hidden retries 0; silently lost 0, "
        f"copies at most {max(copies.values())}, repeated {sum(n > 1 for n in copies.values())}, "
        f"unconfirmed {sum(row.state is DeliveryState.MAYBE for row in rows)}"
    )
