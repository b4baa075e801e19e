"""Who may operate the bot from a chat, whoever says so; and the record of what operators did."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bot.commands import COMMANDS, Desk, Who
from bot.core.model import Changes, Chat
from bot.core.speech import Call
from bot.daemon import FrontDoor
from bot.errors import StoreError
from bot.operate import operate
from bot.store.memory import MemoryStore
from bot.watching.operators import Operators
from tests.builders import a_cursor, a_verdict
from tests.fakes.asker import a_desk, text_of
from tests.fakes.clock import NOON
from tests.fakes.house import Breaking

OLGA = Chat("telegram", "", "501884223")
SAM = Chat("slack", "", "U0SAM1234")
TEA = Chat("slack", "T1", "U0TEA1234")

PRIVATE = Chat("telegram", "", "501884223")
GROUP = Chat("telegram", "", "-1001884223000")

# Who calls, from where: (chat, actor, in private), and whether that is an operator.
CALLERS = {
    "operator in private": (PRIVATE, "501884223", True, True),
    "operator in a group": (GROUP, "501884223", False, False),
    "operator in a group that claims to be private": (GROUP, "501884223", True, False),
    "operator in a thread": (replace(PRIVATE, thread="5"), "501884223", True, False),
    "stranger in private": (Chat("telegram", "", "777000777"), "777000777", True, False),
    "stranger in the operator's chat": (PRIVATE, "777000777", True, False),
    "nobody known": (PRIVATE, "", True, False),
    "number with a sign": (PRIVATE, "+501884223", True, False),
    "number with zeros": (Chat("telegram", "", "0501884223"), "0501884223", True, False),
    "number with a space": (PRIVATE, "501884223 ", True, False),
    "name instead of a number": (Chat("telegram", "", "@olga"), "@olga", True, False),
    "a chat that writes the whole entry": (PRIVATE, "telegram:501884223", True, False),
    "the same number on slack": (Chat("slack", "", "D1"), "501884223", True, False),
    "the slack operator, in private": (Chat("slack", "", "D0SAM5678"), "U0SAM1234", True, True),
    "the slack operator, in a channel": (Chat("slack", "", "C0NEWS123"), "U0SAM1234", False, False),
    "the slack operator's id on telegram": (Chat("telegram", "", "U0SAM1234"), "U0SAM1234", True, False),
    "the slack operator in lower case": (Chat("slack", "", "D0SAM5678"), "u0sam1234", True, False),
    "an operator of one workspace": (Chat("slack", "T1", "D1"), "U0TEA1234", True, True),
    "their id in another workspace": (Chat("slack", "T2", "D1"), "U0TEA1234", True, False),
    "an id without its workspace, where there are several": (Chat("slack", "T1", "D1"), "U0SAM1234", True, False),
    "an actor called shell": (Chat("telegram", "", "shell"), "shell", True, False),
}
FOR_OPERATORS = [name for name, known in COMMANDS.items() if known.who is Who.OPERATORS]
LINES = [
    *((name,) for name in FOR_OPERATORS),
    *(("sources", what, "source-1") for what in sorted(COMMANDS["sources"].steers)),
]


class Front:
    """A front door on a store of its own."""

    def __init__(self, **changes: Any) -> None:
        self.desk: Desk = a_desk(**changes)
        self.store = cast("MemoryStore", self.desk.store)
        self.heard: list[tuple[str, str, str]] = []
        operators = Operators(lambda: (OLGA, SAM, TEA), lambda: b"november")
        self.door = FrontDoor(
            self.desk, asyncio.Lock(), lambda: None, operators, lambda *heard: self.heard.append(heard)
        )

    async def ask(self, line: tuple[str, ...], caller: str, **changes: Any) -> bool:
        chat, actor, in_private, _ = CALLERS[caller]
        verb, *args = line
        call = Call(verb, tuple(args), chat, actor=actor, in_private=in_private)
        return (await self.door.answer(replace(call, **changes))).ok


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("line", LINES, ids=" ".join)
async def test_an_operator_is_a_listed_number_in_a_private_chat(caller: str, line: tuple[str, ...]) -> None:
    front = Front()
    await front.store.register(front.desk.sources)
    await front.store.pause_source("source-1", NOON)
    await front.store.commit([Changes(a_cursor(), (a_verdict(matches=(), held=True),))])
    refused = {("sources", "pause"), ("sources", "poll"), ("sources", "move")}
    expected = CALLERS[caller][3] and line[:2] not in refused
    assert await front.ask(line, caller, may_change=True) is expected
    assert len(await front.store.audit(9)) == CALLERS[caller][3]  # refused by the state of things is a command too


@pytest.mark.parametrize("caller", sorted(set(CALLERS) - {"an actor called shell"}))  # no platform has such ids
async def test_a_room_cannot_make_an_operator_of_anybody(caller: str) -> None:
    assert not await Front().ask(("outbox",), caller, is_operator=True)


@pytest.mark.parametrize("platform", ["web", "console"])
async def test_whoever_has_this_machine_is_an_operator_by_their_rooms_word(platform: str) -> None:
    front = Front()
    here = Chat(platform, "", "local")
    assert (await front.door.answer(Call("outbox", (), here, is_operator=True))).ok
    assert not (await front.door.answer(Call("outbox", (), here))).ok
    (entry,) = await front.store.audit(9)
    assert entry.actor == platform


async def test_the_list_is_read_anew_for_every_call() -> None:
    listed: list[Chat] = []
    operators = Operators(lambda: listed)
    call = Call("outbox", (), PRIVATE, actor=OLGA.id, in_private=True)
    assert not operators.recognized(call).is_operator
    listed.append(OLGA)
    assert operators.recognized(call).is_operator


async def test_the_audit_says_what_was_done_and_not_who_or_for_whom() -> None:
    front = Front()
    await front.store.register(front.desk.sources)
    await front.ask(("sources", "pause", "source-1"), "operator in private")
    await front.ask(("outbox", "discard", "telegram:-1001884223000"), "operator in private")
    await front.ask(("outbox", "show", "-1001884223000", "C0NEWS1234", "@olga", "x" * 300), "operator in private")
    newest, refused, paused = await front.store.audit(9)
    assert (paused.verb, paused.args, paused.outcome, paused.at) == ("sources", "pause source-1", "done", NOON)
    assert (refused.args, refused.outcome) == ("discard [chat]", "refused")
    assert newest.args.startswith("show [chat] [chat] [chat] xxx")
    assert len(newest.args) <= 200
    assert {entry.actor for entry in (newest, refused, paused)} == {paused.actor}
    assert paused.actor.startswith("telegram~")
    assert OLGA.id not in repr(await front.store.audit(9))


async def test_what_everybody_may_do_is_not_recorded() -> None:
    front = Front()
    for line in (("status",), ("sources",), ("follow", "tps"), ("nonsense",)):
        await front.ask(line, "operator in private", may_change=True)
    assert await front.store.audit(9) == ()


async def test_the_shell_is_recorded_as_the_shell() -> None:
    front = Front()
    await front.store.register(front.desk.sources)
    assert (await operate(front.desk, front.door.answer, ["sources", "pause", "source-1"])).ok
    assert (await operate(front.desk, front.door.answer, ["say", "outbox"])).ok
    assert (await operate(front.desk, front.door.answer, ["follow", "telegram:501884223", "tps"])).ok
    assert [(entry.actor, entry.verb) for entry in await front.store.audit(9)] == [
        ("shell", "outbox"),
        ("shell", "sources"),
    ]


async def test_an_audit_that_cannot_be_written_is_told_by_the_log() -> None:
    store = Breaking("note", StoreError("the disk is full"))
    store.breaks = True
    front = Front(store=store)
    with capture_logs() as logs:
        assert await front.ask(("alarms",), "operator in private")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["audit.not_written"]


async def test_what_goes_wrong_is_recorded_as_that() -> None:
    for error, outcome in ((StoreError("the disk is full"), "failed"), (ZeroDivisionError(), "crashed")):
        store = Breaking("outbox", error)
        store.breaks = True
        front = Front(store=store)
        assert not await front.ask(("outbox",), "operator in private")
        assert [entry.outcome for entry in await store.inner.audit(9)] == [outcome]
        assert front.heard == [("telegram", "outbox", outcome)]


async def test_how_every_answer_went_is_counted_without_peoples_own_words() -> None:
    front = Front()
    await front.ask(("status",), "stranger in private")
    await front.ask(("outbox",), "stranger in private")
    await front.ask(("my secret",), "stranger in private")
    assert front.heard == [
        ("telegram", "status", "done"),
        ("telegram", "outbox", "refused"),
        ("telegram", "unknown", "refused"),
    ]


async def test_operators_are_shown_their_commands_in_private_and_nowhere_else() -> None:
    front = Front()
    chat, actor, *_ = CALLERS["operator in private"]
    shown = text_of(await front.door.answer(Call("help", (), chat, actor=actor, in_private=True)))
    assert "alarms" in shown
    hidden = text_of(await front.door.answer(Call("help", (), GROUP, actor=actor)))
    assert "needs an operator" not in hidden
    assert timedelta(0) == front.desk.clock.now() - NOON
