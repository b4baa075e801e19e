"""Any order of events, on both stores at once: they must agree on every answer, and on what always holds."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.core.lateness import LIST_SIZE, Patience
from bot.core.model import Changes, Chat, Delivery, DeliveryState, Voice
from bot.core.outcome import Gone, Later, Moved, Outcome, Refused, Sent, Unsure
from bot.ports import Store
from bot.store import open_store
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_story, some_changes
from tests.storing import EVERYWHERE, LEASE, addressed, in_memory_directory

R = TypeVar("R")

ALL = list(DeliveryState)
CHATS = (a_chat(1), a_chat(2), a_chat(2, thread="7"), a_chat(3, platform="slack"))
QUERIES = ("topic:tps", "topic:asylum", "own words")
SOON_LATE = Patience(max_age=timedelta(minutes=5), retry_for=timedelta(minutes=11))
WAITS = st.sampled_from([timedelta(0), timedelta(seconds=10), timedelta(minutes=6)])

chats = st.sampled_from(CHATS)
queries = st.sampled_from(QUERIES)


@st.composite
def outcomes(draw: st.DrawFn) -> Callable[[Delivery], Outcome]:
    kind = draw(st.sampled_from([Sent, Sent, Later, Unsure, Refused, Moved, Gone]))
    wait, to, counted = draw(WAITS), draw(chats), draw(st.booleans())
    made: dict[type, Callable[[Delivery], Outcome]] = {
        Sent: lambda row: Sent(f"{row.chat} {row.alert.story.number}", NOW + wait),
        Later: lambda _: Later(NOW + wait, "slow down", counted=counted),
        Unsure: lambda _: Unsure(NOW + wait, "no answer"),
        Refused: lambda _: Refused(NOW + wait, "bad text"),
        Moved: lambda _: Moved(to),
        Gone: lambda _: Gone("kicked"),
    }
    return made[kind]


class Names:
    """What the store must know of names: which chats there are, and where a former name leads."""

    def __init__(self) -> None:
        self.known: set[Chat] = set()
        self.former: dict[Chat, Chat] = {}

    def of(self, chat: Chat) -> Chat:
        return self.former.get(chat, chat)

    def move(self, chat: Chat, to: Chat) -> tuple[Chat, Chat] | None:
        old = self.of(chat)
        if old not in self.known or old == to:
            return None
        new = to if self.of(to) == old else self.of(to)
        self.former = {name: new if home == old else home for name, home in self.former.items() if name != new}
        self.former[old] = new
        self.known = (self.known - {old}) | {new}
        return old, new

    def with_threads(self, chat: Chat) -> set[Chat]:
        return {self.of(chat)} | {home for home in self.known if replace(home, thread="") == chat}

    def forget(self, home: Chat) -> None:
        self.known.discard(home)
        self.former = {name: there for name, there in self.former.items() if there != home}


class Stores(RuleBasedStateMachine):
    """Chats follow, leave, move and are forgotten while stories are planned, written, sent, lost and put back."""

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        directory = self.cleanup.enter_context(in_memory_directory())
        self.runner = self.cleanup.enter_context(asyncio.Runner())
        self.memory = open_store("memory:")
        self.sqlite = SqliteStore(directory / "policybell.db")
        self.now = NOW
        self.story = 0
        self.planned: list[Changes] = []
        self.under_way: list[Delivery] = []
        self.names = Names()
        self.promised: set[tuple[Chat, int]] = set()  # which chats must have a row for which story

    def teardown(self) -> None:
        self.runner.run(self.sqlite.close())
        self.cleanup.close()

    def both(self, ask: Callable[[Store], Awaitable[R]]) -> R:
        """Ask both stores the same; they must give the same answer."""

        async def asked() -> R:
            one, other = await ask(self.memory), await ask(self.sqlite)
            assert one == other, f"{one}\n{other}"
            return one

        return self.runner.run(asked())

    def rows(self) -> tuple[Delivery, ...]:
        return self.both(lambda store: store.outbox(ALL, 999))

    def followed(self) -> set[tuple[Chat, int]]:
        """Which active chat follows which query."""
        log = self.both(lambda store: store.queries_since(0))
        readers = self.both(lambda store: store.subscribers([query.id for query in log.added]))
        return {(reader.chat, reader.query_id) for reader in readers}

    def moved(self, chat: Chat, to: Chat) -> None:
        if names := self.names.move(chat, to):
            self.promised = {(names[1] if home == names[0] else home, story) for home, story in self.promised}

    @initialize()
    def begin(self) -> None:
        for chat in CHATS:
            for query in QUERIES:
                self.follow(chat, query)

    @rule(chat=chats, query=queries)
    def follow(self, chat: Chat, query: str) -> None:
        self.both(lambda store: store.follow(chat, Voice(), query, query, self.now))
        self.names.known.add(self.names.of(chat))

    @rule(chat=chats, query=st.sampled_from([*QUERIES, None]))
    def unfollow(self, chat: Chat, query: str | None) -> None:
        self.both(lambda store: store.unfollow(chat, query, self.now))
        left = self.both(lambda store: store.subscriptions(chat))
        assert query not in [line.query for line in left]
        assert query is not None or not left

    @rule(asked=st.sets(queries, min_size=1), wait=WAITS)
    def plan(self, asked: set[str], wait: timedelta) -> None:
        """Decide what a poll will write; the world may change before it does."""
        self.story += 1
        story, due = a_story(self.story), self.now + wait
        deliveries = self.both(lambda store: addressed(store, story, *asked, due_at=due))
        self.planned.append(some_changes(story, deliveries=deliveries))

    @rule(stories=st.integers(1, 4), asked=st.sets(queries, min_size=1), age=WAITS, at_once=st.booleans())
    def publish(self, stories: int, asked: set[str], age: timedelta, at_once: bool) -> None:
        """Decide and write without anything between, as nearly every poll does; it may be some time ago."""
        for _ in range(stories):
            self.plan(asked, -age)
        self.commit()
        if at_once:
            self.claim(9, EVERYWHERE, SOON_LATE)

    @precondition(lambda self: self.planned)
    @rule()
    def commit(self) -> None:
        changes, self.planned = self.planned, []
        followed = self.followed()
        self.both(lambda store: store.commit(changes))
        for delivery in (delivery for one in changes for delivery in one.deliveries):
            chat = self.names.of(delivery.chat)
            if any((chat, why.query_id) in followed for why in delivery.alert.why):
                self.promised.add((chat, delivery.alert.story.number))

    @rule(
        limit=st.sampled_from([0, 1, 3, 9, 9]),
        platforms=st.sampled_from([EVERYWHERE, EVERYWHERE, EVERYWHERE, ("slack",)]),
        patience=st.sampled_from([None, SOON_LATE]),
    )
    def claim(self, limit: int, platforms: tuple[str, ...], patience: Patience | None) -> None:
        before, followed = self.rows(), self.followed()
        held = self.both(lambda store: store.held())
        claimed = self.both(
            lambda store: store.claim(self.now, limit=limit, platforms=platforms, lease=LEASE, patience=patience)
        )
        for message in claimed:
            lane = [one for one in before if one.chat == message.chat]
            assert message.chat.platform not in held, "told on a platform that is paused"
            assert all(one.state is not DeliveryState.SENDING for one in lane), "a second message to one chat"
            waiting = [one.id for one in lane if one.state is DeliveryState.PENDING]
            told = [message.id, *(row.id for row in message.also)]
            assert waiting[: len(told)] == told, "a row overtook an older one"
            assert len(told) <= LIST_SIZE
            assert len(told) == 1 or not any(row.plain for row in (message, *message.also)), "refused with others"
        for row in (row for message in claimed for row in (message, *message.also)):
            preferences = self.both(lambda store, chat=row.chat: store.preferences(chat))
            assert preferences is not None
            assert preferences.mute is None or not preferences.mute.holds(self.now), "told during a pause"
            asked = {(row.chat, why.query_id) for why in row.alert.why}
            assert asked <= followed, "told what nobody there follows"
        self.under_way.extend(claimed)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 99), outcome=outcomes())
    def settle(self, which: int, outcome: Callable[[Delivery], Outcome]) -> None:
        """Answer a claim, however old it is; then answer it again, which changes nothing."""
        row = self.under_way.pop(which % len(self.under_way))
        what = outcome(row)
        attempts = {(one.id, one.attempt) for one in (row, *row.also)}
        leased = [
            one for one in self.rows() if one.state is DeliveryState.SENDING and (one.id, one.attempt) in attempts
        ]
        if leased and isinstance(what, Moved):
            self.moved(leased[0].chat, what.to)
        state = self.both(lambda store: store.settle(row, what, self.now))
        assert self.both(lambda store: store.settle(row, Gone("again"), self.now)) is state

    @rule(platform=st.sampled_from(["telegram", "slack"]), release=st.booleans())
    def pause_or_resume(self, platform: str, release: bool) -> None:
        self.both(lambda store: store.release(platform) if release else store.hold(platform, self.now))

    @rule(by=WAITS, back=st.booleans())
    def the_clock_is_set(self, by: timedelta, back: bool) -> None:
        by = -by if back else by
        self.now += by
        self.both(lambda store: store.clock_was_set(by, self.now, self.now))

    @rule(rest=WAITS)
    def pull_back(self, rest: timedelta) -> None:
        self.both(lambda store: store.pull_back(self.now, rest))

    @rule(every_lease=st.booleans())
    def recover(self, every_lease: bool) -> None:
        self.both(lambda store: store.recover(self.now, every_lease=every_lease))
        assert not every_lease or all(row.state is not DeliveryState.SENDING for row in self.rows())

    @rule(wait=WAITS)
    def expire(self, wait: timedelta) -> None:
        self.both(lambda store: store.expire(self.now - wait))

    @rule(chat=chats, to=chats)
    def move(self, chat: Chat, to: Chat) -> None:
        self.both(lambda store: store.move(chat, to, self.now))
        self.moved(chat, to)

    @rule(chat=chats)
    def forget(self, chat: Chat) -> None:
        self.both(lambda store: store.forget(chat))
        for gone in self.names.with_threads(chat):
            self.promised = {(home, story) for home, story in self.promised if home != gone}
            self.names.forget(gone)

    @rule(chat=chats, query=st.sampled_from([*QUERIES, None]), wait=st.sampled_from([None, timedelta(minutes=5)]))
    def mute(self, chat: Chat, query: str | None, wait: timedelta | None) -> None:
        self.both(lambda store: store.mute(chat, query, wait and self.now + wait, self.now))

    @rule(chat=chats, query=st.sampled_from([*QUERIES, None]))
    def unmute(self, chat: Chat, query: str | None) -> None:
        self.both(lambda store: store.unmute(chat, query, self.now))

    @rule(chat=chats)
    def wake(self, chat: Chat) -> None:
        self.both(lambda store: store.wake(chat))

    @precondition(lambda self: self.promised)
    @rule(which=st.integers(0, 99))
    def retry(self, which: int) -> None:
        rows = self.rows()
        row = rows[which % len(rows)]
        self.both(lambda store: store.retry(row.id, self.now))

    @precondition(lambda self: self.promised)
    @rule(which=st.integers(0, 99))
    def discard(self, which: int) -> None:
        rows = self.rows()
        self.both(lambda store: store.discard(rows[which % len(rows)].id, self.now))

    @rule(by=WAITS)
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @invariant()
    def every_match_has_exactly_one_row_and_both_stores_show_the_same(self) -> None:
        rows, *_ = self.both(self.everything)
        counted = Counter((row.chat, row.alert.story.number) for row in rows)
        assert set(counted) == self.promised
        assert set(counted.values()) <= {1}

    async def everything(self, store: Store) -> tuple[tuple[Delivery, ...], list[object]]:
        """Ask all at once: questions that wait together share a transaction in the SQLite store."""
        rows, *rest = await asyncio.gather(
            store.outbox(ALL, 999),
            store.census(),
            store.attempted_since(NOW),
            store.queries_since(self.story // 2),
            *(store.subscriptions(chat) for chat in CHATS),
            *(store.history(chat, 9) for chat in CHATS),
            *(store.told(chat, story) for chat in CHATS for story in range(1, 4)),
            *(store.preferences(chat) for chat in CHATS),
            *(store.missed(chat, NOW, 9) for chat in CHATS),
        )
        return rows, rest

    @invariant()
    def the_database_keeps_its_own_rules(self) -> None:
        def broken(connection: sqlite3.Connection) -> list[object]:
            lanes = connection.execute("SELECT * FROM lanes ORDER BY chat_id").fetchall()
            heads = connection.execute("SELECT * FROM lane_heads ORDER BY chat_id").fetchall()
            assert [tuple(row) for row in lanes] == [tuple(row) for row in heads]
            return connection.execute("PRAGMA foreign_key_check").fetchall()

        assert self.runner.run(self.sqlite.writer.run(broken)) == []


pytestmark = pytest.mark.soak

# A long proof runs many, other ones each time; `make test` runs a share of that, always the same one.
SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
Stores.TestCase.settings = settings(
    max_examples=1000 if SOAK else 40,
    stateful_step_count=50,
    derandomize=not SOAK,
    print_blob=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_any_order_of_events_leaves_both_stores_sound_and_agreed = Stores.TestCase
