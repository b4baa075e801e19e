"""What is wrong is told to every chat that asked to know, once, whatever else is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from structlog.testing import capture_logs

from bot.core.alarms import Facts, SourceHealth, Thresholds
from bot.core.model import Chat
from bot.core.pace import Limit
from bot.errors import BadMessage, ChatGone, ChatMoved, MaybeSent, SendError, TokenError, TryLater
from bot.ports import Platform
from bot.watching.alarming import QUIET_AT_START, Alarms
from bot.watching.measuring import Measured
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.platform import FakePlatform

ANA, BEN = Chat("telegram", "", "-1001"), Chat("slack", "", "C0OPS1234")
MINUTE = timedelta(minutes=1)
WELL = Facts(NOON)
FULL = replace(WELL, disk_free=0)
FAILING = replace(WELL, sources=(SourceHealth("eoir", "EOIR memos", failures=5, failing_since=NOON),))


class Watch:
    """Alarms over two rooms, on facts that the test makes."""

    def __init__(self, *chats: Chat) -> None:
        self.clock = FakeClock()
        self.facts = WELL
        self.chats = list(chats or (ANA, BEN))
        self.rooms = {name: FakePlatform(self.clock, name) for name in ("telegram", "slack")}
        self.open = cast("dict[str, Platform]", dict(self.rooms))
        self.stopped: dict[str, str] = {}
        self.alarms = self.started()

    def started(self) -> Alarms:
        return Alarms(
            measure=self.measure,
            limits=Thresholds,
            chats=lambda: self.chats,
            rooms=self.open,
            stop_room=self.stop,
            clock=self.clock,
            tell_seconds=0.2,
            last_seconds=0.2,
        )

    async def measure(self) -> Measured:
        return Measured(replace(self.facts, now=self.clock.now(), stopped=dict(self.stopped)))

    def stop(self, name: str, why: str) -> None:
        self.stopped[name] = why
        self.open.pop(name, None)

    async def minutes(self, count: int = 1) -> None:
        """Let so many minutes pass, with a look at the end of each."""
        for _ in range(count):
            self.clock.advance(MINUTE)
            await self.alarms.look()

    def said(self, chat: Chat = ANA) -> list[str]:
        return [text.partition("\n")[0] for text in self.rooms[chat.platform].texts(chat)]


DISK = "Alarm · The disk of the database is nearly full."
DISK_OVER = "Over after 3 min · The disk of the database is nearly full."


async def test_while_all_is_well_nobody_is_told_anything() -> None:
    watch = Watch()
    await watch.minutes(90)
    assert watch.said(ANA) == watch.said(BEN) == []


async def test_every_chat_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    watch = Watch()
    await watch.minutes(2)
    watch.facts = FULL
    await watch.minutes(3)
    watch.facts = WELL
    await watch.minutes(60)
    assert watch.said(ANA) == watch.said(BEN) == [DISK, DISK_OVER]


async def test_a_machine_that_slept_and_a_clock_that_was_set_are_given_a_moment() -> None:
    watch = Watch()
    await watch.minutes(2)
    for by in (timedelta(hours=9), timedelta(hours=-20)):
        watch.facts = FULL  # as everything looks old for a moment
        watch.clock.advance(by)
        await watch.alarms.look()
        watch.facts = WELL
        await watch.minutes(9)
    assert watch.said() == []
    watch.facts = FULL
    watch.clock.advance(timedelta(hours=9))
    await watch.alarms.look()
    await watch.minutes(1)
    assert watch.said() == [DISK]


async def test_what_stands_at_a_start_is_told_again_once() -> None:
    watch = Watch()
    watch.facts = FULL
    await watch.minutes(2)
    watch.alarms = watch.started()
    await watch.minutes(20)
    assert watch.said() == [DISK, DISK]


async def test_a_bot_that_starts_again_and_again_does_not_repeat_itself() -> None:
    watch = Watch()
    watch.facts = FULL
    for _ in range(100):
        watch.alarms = watch.started()
        await watch.alarms.look()
        watch.clock.advance(QUIET_AT_START - timedelta(seconds=1))
        await watch.alarms.look()
        await watch.alarms.last_words("The database is damaged.")
    assert watch.said() == []
    assert [alarm.key for alarm in watch.alarms.standing] == ["disk"]  # whoever asks is answered all the same


async def test_a_token_that_dies_is_told_by_the_other_platform_and_nothing_old_is_told_when_it_is_back() -> None:
    watch = Watch()
    await watch.minutes()
    watch.stop("telegram", "Telegram does not accept the bot token (401).")
    await watch.minutes()
    (told,) = watch.rooms["slack"].texts(BEN)
    assert "telegram is stopped, its alerts wait: Telegram does not accept the bot token (401)." in told
    watch.facts = FULL
    await watch.minutes(3)
    watch.facts = WELL
    await watch.minutes(30)
    watch.stopped.clear()
    watch.open["telegram"] = cast("Platform", watch.rooms["telegram"])
    await watch.minutes(30)
    assert watch.said(ANA) == []  # all was over before it could be told
    assert len(watch.said(BEN)) == 4


async def test_what_still_stands_is_told_when_the_platform_is_back() -> None:
    watch = Watch(ANA)
    watch.stop("telegram", "no")
    watch.facts = FULL
    await watch.minutes(600)
    watch.stopped.clear()
    watch.open["telegram"] = cast("Platform", watch.rooms["telegram"])
    await watch.minutes()
    assert watch.said() == [DISK]


async def test_a_token_that_dies_while_telling_stops_its_room_like_at_any_message() -> None:
    watch = Watch()
    watch.rooms["telegram"].fail_next(TokenError("revoked"))
    watch.facts = FULL
    await watch.minutes()
    assert watch.stopped == {"telegram": "revoked"}
    assert watch.said(BEN) == [DISK]


@pytest.mark.parametrize(
    ("error", "times"),
    [(TryLater("busy"), 2), (MaybeSent("no answer"), 1), (ChatGone("kicked"), 1), (BadMessage("no"), 1)],
)
async def test_what_was_not_confirmed_is_tried_again_only_where_it_cannot_have_arrived(
    error: SendError, times: int
) -> None:
    watch = Watch(ANA)
    watch.rooms["telegram"].fail_next(error)
    watch.facts = FULL
    await watch.minutes(10)
    assert watch.rooms["telegram"].attempts == times


async def test_a_chat_that_cannot_be_told_is_told_of_by_the_others_until_it_can() -> None:
    mail = Chat("mail", "", "ops@example.org")
    watch = Watch(ANA, BEN, mail)
    assert watch.alarms.unheard(watch.rooms) == {"mail"}
    watch.chats = [ANA, BEN]
    watch.rooms["telegram"].fail_next(ChatGone("kicked"))
    watch.facts = FULL
    await watch.minutes()
    assert watch.alarms.unheard(watch.rooms) == {"telegram"}
    watch.facts = WELL
    await watch.minutes(10)
    assert watch.said(ANA) == [DISK_OVER.replace("3 min", "60 s")]
    assert watch.alarms.unheard(watch.rooms) == frozenset()


async def test_a_bug_in_a_room_is_one_line_in_the_log_and_the_other_chat_is_told() -> None:
    watch = Watch()
    watch.rooms["telegram"].fail_next(ZeroDivisionError())
    watch.facts = FULL
    with capture_logs() as logs:
        await watch.minutes(5)
    assert [line["event"] for line in logs].count("notice.broke") == 1
    assert watch.said(BEN) == [DISK]


async def test_a_platform_that_wants_silence_gets_it() -> None:
    watch = Watch(ANA)
    watch.rooms["telegram"].fail_next(TryLater("flood", after=timedelta(minutes=30)))
    watch.facts = FULL
    await watch.minutes(30)
    assert watch.rooms["telegram"].attempts == 1
    await watch.minutes(2)
    assert watch.said() == [DISK]


async def test_a_chat_that_moved_is_told_where_it_is_now() -> None:
    watch, there = Watch(ANA), Chat("telegram", "", "-100200300")
    watch.rooms["telegram"].fail_next(ChatMoved(there))
    watch.facts = FULL
    await watch.minutes(3)
    assert watch.said(there) == [DISK]
    assert watch.said(ANA) == []


async def test_a_chat_that_hangs_holds_up_no_other_and_not_the_next_look() -> None:
    watch = Watch()
    watch.rooms["telegram"].hangs = True
    watch.facts = FULL
    await watch.minutes()
    assert watch.said(BEN) == [DISK]
    watch.rooms["telegram"].hangs = False
    await watch.minutes(3)
    assert watch.said(ANA) == []  # nobody knows whether it arrived, so it is not said twice


async def test_the_list_of_chats_is_read_anew_at_each_look() -> None:
    watch = Watch(ANA)
    watch.facts = FULL
    await watch.minutes(2)
    watch.chats = [BEN]
    await watch.minutes(2)
    watch.chats = [ANA, BEN]
    await watch.minutes(2)
    assert (watch.said(ANA), watch.said(BEN)) == ([DISK, DISK], [DISK])


async def test_notices_wait_their_turn_with_alerts_and_no_longer_than_a_look_may_take() -> None:
    watch = Watch(ANA)
    watch.rooms["telegram"] = FakePlatform(watch.clock, "telegram", per_chat=(Limit(1, timedelta(hours=1)),))
    watch.open["telegram"] = cast("Platform", watch.rooms["telegram"])
    watch.rooms["telegram"].pace.recall(ANA, watch.clock.now())
    watch.facts = FULL
    watch.clock.advance(MINUTE)
    await watch.alarms.look()  # the fake clock sleeps the hour away
    assert watch.said() == [DISK]


async def test_eighty_failing_sources_are_one_message() -> None:
    watch = Watch(ANA)
    watch.facts = replace(
        WELL, sources=tuple(SourceHealth(f"s{n}", f"Source {n}", failures=9, failing_since=NOON) for n in range(80))
    )
    watch.clock.advance(timedelta(hours=7))
    await watch.minutes(3)
    assert watch.rooms["telegram"].attempts == 1


async def test_what_is_known_of_what_was_told_stays_small() -> None:
    watch = Watch()
    for number in range(500):
        watch.facts = replace(WELL, stopped={}, reload_failed="x" if number % 2 else "")
        watch.stopped = {f"room{number}": "gone"}
        await watch.minutes(1)
    known = [len(listener.known) for listener in watch.alarms._listeners.values()]
    assert max(known) < 100


async def test_the_last_words_are_said_everywhere_at_once_and_in_time() -> None:
    watch = Watch()
    watch.clock.advance(timedelta(hours=1))
    watch.rooms["telegram"].hangs = True
    began = asyncio.get_running_loop().time()
    await watch.alarms.last_words("The database cannot be written: disk full.")
    watch.chats = []
    await watch.alarms.last_words("There is nobody to tell.")
    assert asyncio.get_running_loop().time() - began < 2
    (told,) = watch.rooms["slack"].texts(BEN)
    assert told.startswith("Policybell stops · The database cannot be written: disk full.")


async def test_beginnings_and_ends_are_in_the_log_once() -> None:
    watch = Watch()
    with capture_logs() as logs:
        for facts in (WELL, FULL, FULL, WELL, WELL):
            watch.facts = facts
            await watch.minutes()
    events: Sequence[str] = [line["event"] for line in logs if line["event"].startswith("alarm.")]
    assert events == ["alarm.began", "alarm.ended"]
