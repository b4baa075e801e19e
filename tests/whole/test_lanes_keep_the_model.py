"""Any order of events, through the store and the lanes: what is sent to whom is what the model says (R44, R20).

`make test` takes 200 walks of 50 steps, always the same ones; `make soak` 2,000 others, and some on a database file.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from bot.attempting import DeliverDesk
from bot.core.intake import Cursor
from bot.core.model import Changes, Chat, DeliveryState, Match, State, Verdict, Voice
from bot.core.plan import plan
from bot.deliver import Lanes
from bot.errors import BadMessage, ChatGone, ChatMoved, MaybeSent, TokenError, TryLater
from bot.ports import Platform, Store
from bot.store import open_store
from bot.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_chat, a_story, a_verdict
from tests.fakes.post import Post, Sending, StillClock
from tests.model import Model, Owed
from tests.storing import in_memory_directory

SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
ALL = list(DeliveryState)
RETRIABLE = (DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.CANCELLED)
CHATS = (a_chat(1), a_chat(2), a_chat(2, thread="7"), a_chat(3))
QUERIES = ("topic:tps", "topic:asylum", "own words")
chats, queries = st.sampled_from(CHATS), st.sampled_from(QUERIES)

# What may come of a message: the error that the room raises, whether it arrived all the same, what it means.
ANSWERS: dict[str, tuple[Callable[[], Exception] | None, bool, str]] = {
    "arrives": (None, True, "sent"),
    "answer lost": (lambda: MaybeSent("no answer"), True, "unsure"),
    "message lost": (lambda: MaybeSent("no answer"), False, "unsure"),
    "bug": (ZeroDivisionError, False, "unsure"),
    "not now": (lambda: TryLater("429", after=timedelta(seconds=20)), False, "later"),
    "token": (lambda: TokenError("revoked"), False, "later"),
    "refused": (lambda: BadMessage("can't parse"), False, "refused"),
}


class Walk(RuleBasedStateMachine):
    """People come and go, stories appear, answers are given in any order, the process dies and starts again."""

    ROUNDS = 2  # until the store has answered all that follows from one event

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        self.cleanup.enter_context(capture_logs())
        self.runner = self.cleanup.enter_context(asyncio.Runner())
        self.clock = StillClock(NOW)
        self.model = Model()
        self.begun: dict[Sending, list[Owed]] = {}
        self.complaints: list[AssertionError] = []
        self.store = self.open()
        self.story = 0
        self.was_set = False  # the clock
        self.runner.run(self.start())

    def open(self) -> Store:
        return open_store("memory:")

    async def quiet(self) -> None:
        """Let all that can go on go on, until only answers and time are missing."""
        for _ in range(self.ROUNDS):
            self.lanes.wake()
            await self.store.census()
            for _ in range(8):
                await asyncio.sleep(0)
        if self.complaints:
            raise self.complaints[0]
        if self.task.done():
            self.task.result()

    async def start(self) -> None:
        self.post = Post(self.begin)
        self.rooms: dict[str, Platform] = {"telegram": self.post}
        desk = DeliverDesk(self.store, self.rooms, self.clock, lambda: 0.5, lambda name, _: self.rooms.pop(name, None))
        self.lanes = Lanes(desk)
        self.task = asyncio.create_task(self.lanes.run())
        await self.quiet()

    def begin(self, sending: Sending) -> None:
        try:
            self.begun[sending] = self.model.begin(sending.chat, sending.stories)
        except AssertionError as complaint:  # the lanes would take it for a failed message
            self.complaints.append(complaint)

    async def kill(self) -> None:
        """End every task at once, as a process ends; what is in the store stays."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # people

    @initialize(query=queries)
    def settle_down(self, query: str) -> None:
        for chat in CHATS[:2]:
            self.subscribe(chat, query)

    @rule(chat=chats, query=queries)
    def subscribe(self, chat: Chat, query: str) -> None:
        self.runner.run(self.store.follow(chat, Voice(), query, query, self.clock.now()))
        self.model.follow(chat, query)
        self.runner.run(self.quiet())

    @rule(chat=chats, query=st.sampled_from([*QUERIES, None]))
    def unsubscribe(self, chat: Chat, query: str | None) -> None:
        self.runner.run(self.store.unfollow(chat, query, self.clock.now()))
        self.model.unfollow(chat, {query} if query else set(QUERIES))
        self.runner.run(self.quiet())

    @rule(chat=chats)
    def forget(self, chat: Chat) -> None:
        self.runner.run(self.store.forget(chat))
        self.model.forget(chat)
        self.runner.run(self.quiet())

    @rule(chat=chats, to=chats)
    def migrate(self, chat: Chat, to: Chat) -> None:
        self.runner.run(self.store.move(chat, to, self.clock.now()))
        self.model.move(chat, to)
        self.runner.run(self.quiet())

    @rule(chat=chats)
    def come_back(self, chat: Chat) -> None:
        self.runner.run(self.store.wake(chat))
        self.model.come_back(chat)
        self.runner.run(self.quiet())

    @rule(chat=chats, silent=st.booleans())
    def pause(self, chat: Chat, silent: bool) -> None:
        """Ask for silence, or end it."""
        if silent:
            self.runner.run(self.store.mute(chat, None, None, self.clock.now()))
            self.model.pause(chat)
        else:
            self.runner.run(self.store.unmute(chat, None, self.clock.now()))
            self.model.resume(chat)
        self.runner.run(self.quiet())

    # stories

    @rule(asked=st.sets(queries, min_size=1), twice=st.booleans())
    def publish(self, asked: set[str], twice: bool) -> None:
        """Commit what a poll found, as `plan` says; deciding it twice changes nothing."""
        self.story += 1

        async def poll() -> None:
            ids = {query.id for query in (await self.store.queries_since(0)).added if query.text in asked}
            verdict = a_verdict(a_story(self.story).lead, self.story, matches=tuple(Match(one, ()) for one in ids))
            readers = await self.store.subscribers(ids)
            changes = plan(Cursor("source-1", etag=str(self.story)), (verdict,), readers, self.clock.now())
            await self.store.commit((changes,) * (1 + twice))

        self.runner.run(poll())
        self.model.publish(self.story, asked)
        self.runner.run(self.quiet())

    @precondition(lambda self: self.story)
    @rule()
    def revise(self) -> None:
        """Find the newest story in other words: nobody is told again."""
        lead = a_story(self.story).lead
        lead = replace(lead, text=f"{lead.text} Corrected.", digest=f"{self.story:032}")
        verdict = Verdict(lead, State.REVISION, "in other words", self.story)
        self.runner.run(self.store.commit((Changes(Cursor("source-1"), (verdict,)),)))
        self.runner.run(self.quiet())

    # answers

    @precondition(lambda self: self.post.under_way)
    @rule(which=st.integers(0, 9), how=st.sampled_from(["arrives", "arrives", *ANSWERS]))
    def answer(self, which: int, how: str) -> None:
        sending = self.post.under_way[which % len(self.post.under_way)]
        error, arrives, outcome = ANSWERS[how]
        self.runner.run(self.answered(sending, error and error(), arrives=arrives))
        self.model.settle(self.begun[sending], outcome)
        self.runner.run(self.quiet())

    async def answered(self, sending: Sending, error: Exception | None, *, arrives: bool) -> None:
        if arrives:
            self.model.arrive(sending.chat, sending.stories, sending.marks, self.begun[sending])
        if error is None:
            sending.answer.set_result("receipt")
        else:
            sending.answer.set_exception(error)

    @precondition(lambda self: self.post.under_way)
    @rule(which=st.integers(0, 9), to=st.none() | chats)
    def lose(self, which: int, to: Chat | None) -> None:
        """Answer that the chat is gone, or that it has another name now."""
        sending = self.post.under_way[which % len(self.post.under_way)]
        begun = self.begun[sending]
        homes = [home for home, lane in self.model.owed.items() if any(owed in lane.values() for owed in begun)]
        held = [owed for owed in begun if owed.state == "sending"]
        self.runner.run(self.answered(sending, ChatMoved(to) if to else ChatGone("blocked"), arrives=False))
        if held and homes:
            renamed = homes[0] != sending.chat
            self.model.settle(begun, "gone" if to is None and not renamed else "moved")
            if to is not None:
                self.model.move(homes[0], to)
            elif not renamed:
                self.model.leave(homes[0])
        self.runner.run(self.quiet())

    # operators

    @rule(is_held=st.booleans())
    def hold(self, is_held: bool) -> None:
        """Pause the platform, or end that."""
        self.runner.run(self.store.hold("telegram", self.clock.now()) if is_held else self.store.release("telegram"))
        self.model.is_held = is_held
        self.runner.run(self.quiet())

    @precondition(lambda self: self.model.owed and not self.was_set)
    @rule(which=st.integers(0, 99))
    def put_back(self, which: int) -> None:
        """Send again what was given up. What the clock was set under waits for its time: that is left out."""
        rows = self.runner.run(self.store.outbox(RETRIABLE, 9999))
        if not rows:
            return
        row = rows[which % len(rows)]
        if self.runner.run(self.store.retry(row.id, self.clock.now())):
            again = self.runner.run(self.store.delivery(row.id))
            assert again is not None
            self.model.put_back(row.chat, row.alert.story.number, {why.label for why in again.alert.why})
        self.runner.run(self.quiet())

    # the process

    @rule(arrived=st.booleans())
    def die(self, arrived: bool) -> None:
        """Die with messages under way, which arrived or not, and start again."""

        async def died() -> None:
            for sending in self.post.under_way if arrived else ():
                self.model.arrive(sending.chat, sending.stories, sending.marks, self.begun[sending])
            await self.kill()
            self.model.settle([owed for lane in self.model.owed.values() for owed in lane.values()], "unsure")
            await self.store.recover(self.clock.now(), every_lease=True)
            await self.start()

        self.runner.run(died())

    @rule(by=st.sampled_from([1, 30, 400, 3600, 100_000]))
    def time_passes(self, by: int) -> None:
        self.clock.advance(timedelta(seconds=by))
        self.rooms["telegram"] = self.post  # a token was renewed, if it had to be
        self.runner.run(self.quiet())

    @rule(by=st.sampled_from([-86_400, -3600, 3600, 86_400 * 3650]))
    def clock_is_set(self, by: int) -> None:
        self.was_set = True
        self.clock.jump(timedelta(seconds=by))
        self.runner.run(self.quiet())

    # what holds

    @invariant()
    def the_rows_are_those_of_the_model(self) -> None:
        rows = self.runner.run(self.store.outbox(ALL, 9999))
        counted = Counter((row.chat, row.alert.story.number) for row in rows)
        assert set(counted.values()) <= {1}, "two rows for one story"
        shown = {(row.chat, row.alert.story.number): (told(row.state), row.unsure) for row in rows}
        owed = {
            (home, story): (one.state, one.unsure)
            for home, lane in self.model.owed.items()
            for story, one in lane.items()
        }
        wrong = {key: (shown.get(key), owed.get(key)) for key in shown.keys() | owed.keys()}
        assert shown == owed, {f"{chat} {story}": both for (chat, story), both in wrong.items() if len(set(both)) > 1}

    def teardown(self) -> None:
        try:
            if not self.complaints:
                self.all_ends_well()
        finally:
            self.runner.run(self.kill())
            self.runner.run(self.store.close())
            self.cleanup.close()

    def all_ends_well(self) -> None:
        """Let every message arrive from now on: nothing waits for ever, and what counts as sent did arrive."""
        rounds = 0
        for chat in CHATS:
            self.pause(chat, silent=False)
        self.hold(is_held=False)
        while self.model.waits():
            rounds += 1
            assert rounds < 20 + 2 * self.story, "something waits for ever"
            while self.post.under_way:
                self.answer(0, "arrives")
            self.time_passes(1000)
        self.the_rows_are_those_of_the_model()
        for lane in self.model.owed.values():
            for owed in lane.values():
                assert owed.arrived or owed.state != "sent", "silently lost"


def told(state: DeliveryState) -> str:
    """Read a state as the model has it: what a list told too late was told all the same."""
    return "sent" if state is DeliveryState.EXPIRED else state.value


class WalkOnDisk(Walk):
    """The same on a database file, whose answers come from a thread."""

    ROUNDS = 9

    def open(self) -> Store:
        directory = self.cleanup.enter_context(in_memory_directory())
        return SqliteStore(directory / "policybell.db")


def walks(count: int) -> settings:
    return settings(
        max_examples=count,
        stateful_step_count=50,
        derandomize=not SOAK,
        print_blob=True,
        # To shorten a walk that went wrong takes minutes.
        phases=tuple(Phase) if SOAK else (Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800 if SOAK else 120)]
Walk.TestCase.settings = walks(2000 if SOAK else 200)
WalkOnDisk.TestCase.settings = walks(200 if SOAK else 5)
test_any_order_of_events_is_delivered_as_the_model_says = Walk.TestCase
test_the_same_holds_on_a_database_file = WalkOnDisk.TestCase
