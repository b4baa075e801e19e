"""Forged, stale and broken lines: none brings the door down, and none does what its sender may not.

A button's data is a line like any other: it is read, and its sender's rights are looked at, as if it had been typed.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS, Who, read_line
from bot.core.model import Chat
from bot.core.speech import Call, Reply
from bot.daemon import FrontDoor
from bot.store import open_store
from tests.builders import a_document, a_story
from tests.fakes.asker import a_desk, text_of
from tests.fakes.clock import FakeClock
from tests.storing import in_memory_directory, publish

HERE, OTHER = Chat("telegram", "", "-1001"), Chat("telegram", "", "-1002")
RUNS = 2_000 if os.environ.get("POLICYBELL_SOAK") else 48
NOT_FOR_ALL = [name for name, known in COMMANDS.items() if known.who is not Who.EVERYBODY]
WORDS = {name for known in COMMANDS.values() for name in (known.name, *known.aliases)}

anything = st.one_of(
    st.text(max_size=80),
    st.text(st.characters(codec=None), max_size=40),  # with halves of surrogate pairs, which JSON can carry
    st.binary(max_size=64).map(lambda data: data.decode("utf-8", "surrogateescape")),
    st.binary(max_size=64).map(lambda data: data.decode("latin-1")),
)
tails = st.one_of(
    anything, st.sampled_from(["tps", "all yes", "yes", "1", "99999999999999999999", "8h", "tps 8h", "es"])
)
prefixes = st.sampled_from(["", "/", "1|", "0|", "2|", "1|1|", "/policybell ", "//", "1|/"])
lines = st.one_of(
    anything,
    st.builds("{}{} {}".format, prefixes, st.sampled_from(sorted(WORDS)), tails),
    st.builds("{}{}@{} {}".format, prefixes, st.sampled_from(sorted(WORDS)), anything, tails),
)


@asynccontextmanager
async def a_door(kind: str = "memory") -> AsyncIterator[FrontDoor]:
    """A door behind which two chats follow something, are muted, and have been told something."""
    with in_memory_directory() as directory:
        store = open_store("memory:" if kind == "memory" else f"sqlite:///{directory}/policybell.db")
        door = FrontDoor(a_desk(store=store, clock=FakeClock()), asyncio.Lock(), lambda: None)
        for chat in (HERE, OTHER):
            for line in ("follow tps", "follow asylum haiti", "mute asylum haiti 2d"):
                assert (await ask(door, line, chat, may_change=True)).ok
        await publish(store, a_story(1, a_document(1, title="TPS news")))
        yield door
        await store.close()


async def ask(door: FrontDoor, line: str, chat: Chat = HERE, *, may_change: bool = False) -> Reply:
    verb, args = read_line(line)
    return await door.answer(Call(verb, args, chat, may_change=may_change))


async def all_kept(door: FrontDoor) -> str:
    return json.dumps([await door.desk.store.kept(chat) for chat in (HERE, OTHER)])


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("may_change", [True, False])
def test_no_line_brings_the_door_down_or_does_more_than_its_sender_may(kind: str, may_change: bool) -> None:
    async def say(said: list[str]) -> None:
        async with a_door(kind) as door:
            before, others = await all_kept(door), json.dumps(await door.desk.store.kept(OTHER))
            for line in said:
                reply = await ask(door, line, may_change=may_change)
                assert text_of(reply).strip()
                assert "Something went wrong" not in text_of(reply), line
                assert "That did not work" not in text_of(reply), line
            assert may_change or await all_kept(door) == before
            assert json.dumps(await door.desk.store.kept(OTHER)) == others

    @settings(max_examples=RUNS // 2, suppress_health_check=list(HealthCheck))
    @given(st.lists(lines, min_size=1, max_size=10))
    def runs(said: list[str]) -> None:
        asyncio.run(say(said))

    runs()


@pytest.mark.parametrize("prefix", ["", "/", "1|", "1|/", "/policybell "])
@pytest.mark.parametrize("name", NOT_FOR_ALL)
async def test_every_changing_line_is_refused_to_who_may_not_change(name: str, prefix: str) -> None:
    async with a_door() as door:
        before = await all_kept(door)
        for rest in ("", " tps", " yes", " all yes", " 1", " 8h", " tps 8h", " pacific", " en"):
            reply = await ask(door, f"{prefix}{name}{rest}")
            assert text_of(reply).startswith("Only "), f"{name}{rest}"
            assert not reply.ok
        assert await all_kept(door) == before


@pytest.mark.parametrize(
    "data", ["0|follow asylum", "2|forget yes", "v1|follow asylum", "follow|asylum", "|follow asylum"]
)
async def test_a_button_of_another_version_does_nothing_and_offers_a_new_menu(data: str) -> None:
    async with a_door() as door:
        before = await all_kept(door)
        reply = await ask(door, data, may_change=True)
        assert text_of(reply) == "This menu is from an earlier version."
        assert [choice.line for choice in reply.choices] == ["topics", "help"]
        assert await all_kept(door) == before


async def test_a_stale_button_says_how_things_are_now() -> None:
    async with a_door() as door:
        (tps, *_) = await door.desk.store.subscriptions(HERE)
        assert (await ask(door, "1|unfollow tps", may_change=True)).ok
        for stale in ("1|unfollow tps", f"1|unfollow {tps.id}", "1|mute tps 24h", "1|unmute tps"):
            reply = await ask(door, stale, may_change=True)
            assert "does not follow that" in text_of(reply)
            assert not reply.ok
        assert len(await door.desk.store.subscriptions(OTHER)) == 2


async def test_a_button_pressed_in_another_chat_acts_there_and_nowhere_else() -> None:
    async with a_door() as door:
        before = json.dumps(await door.desk.store.kept(HERE))
        assert (await ask(door, "1|forget yes", OTHER, may_change=True)).ok
        assert json.dumps(await door.desk.store.kept(HERE)) == before
        assert await door.desk.store.kept(OTHER) == {}
