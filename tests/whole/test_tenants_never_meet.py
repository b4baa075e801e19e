"""Two chats use one bot at random: neither reads, changes or is sent anything of the other's.

Each step is taken in a world that both share and in a world where its chat is alone. The chat must not be able to
tell the two apart. Numbers are left out of the comparison: those of subscriptions are counted over all chats.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS, Desk, Who, command_named, read_line
from bot.core.model import Chat, Story
from bot.core.outcome import Sent
from bot.core.plan import delivery_id
from bot.core.speech import Reply
from bot.ports import Store
from bot.store import open_store
from tests.builders import a_document, a_story, some_changes
from tests.fakes.asker import TOPICS, Asker, a_desk, text_of
from tests.fakes.clock import FakeClock
from tests.storing import addressed, claim, in_memory_directory

PAIRS = (
    (Chat("telegram", "", "1"), Chat("telegram", "", "2")),
    (Chat("telegram", "", "-100", "5"), Chat("telegram", "", "-100", "6")),
    (Chat("telegram", "", "-100"), Chat("telegram", "", "-100", "6")),
    (Chat("slack", "T1", "C1"), Chat("slack", "T2", "C1")),
    (Chat("slack", "", "1"), Chat("telegram", "", "1")),
)
SHARE = 10 if os.environ.get("POLICYBELL_SOAK") else 1  # 200 walks, and 2,000 at full length
OF_CHATS = [name for name, known in COMMANDS.items() if known.who is not Who.OPERATORS]

topics = st.sampled_from([topic.id for topic in TOPICS[:2]])
words = st.sampled_from(
    ["haiti", "venezuela", '"own words"', "all", "yes", "1h", "until monday", "pacific", "nonsense"]
)
lines = st.builds(
    lambda verb, topic, some: " ".join((verb, *topic, *some)),
    st.sampled_from([*OF_CHATS, "unknown"]),
    st.lists(topics, max_size=1),
    st.lists(words, max_size=2),
)
likely = st.one_of(
    st.builds("follow {} {}".format, topics, st.sampled_from(["", "haiti", "venezuela"])),
    st.builds("mute {} 1h".format, topics),
    st.sampled_from(["pause", "pause 1h", "resume", "missed", "mydata", "list", "forget yes", "timezone pacific"]),
)
actors = st.integers(0, 1)
steps = st.one_of(
    st.tuples(st.just("line"), actors, lines, st.booleans()),
    st.tuples(st.just("line"), actors, likely, st.just(True)),
    st.tuples(st.just("guess"), actors, st.sampled_from(["unfollow", "mute", "unmute"]), st.integers(1, 6)),
    st.tuples(st.just("why"), actors, st.integers(0, 2)),
    st.tuples(st.just("news"), st.sets(st.sampled_from(["haiti", "tps", "removal"]), min_size=1, max_size=2)),
    st.tuples(st.just("send")),
    st.tuples(st.just("wait"), st.integers(1, 200)),
)
BEGINNING = [("line", who, f"follow {topic}", True) for who, topic in ((0, "tps"), (1, "tps"), (1, "removal"))]


@dataclass
class World:
    """One bot with its store, and what it sent to whom."""

    desk: Desk
    sent: list[tuple[Chat, int, tuple[str, ...]]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.desk.store

    async def ask(self, chat: Chat, line: str, *, may_change: bool = True) -> Reply:
        return await Asker(self.desk, chat, may_change).reply(line)

    async def publish(self, story: Story) -> None:
        """Make an alert for every chat one of whose queries has a word of the title."""
        queries = [query.text for query in (await self.store.queries_since(0)).added]
        wanted = [text for text in queries if set(re.findall(r"\w+", text)) & set(story.lead.title.split())]
        rows = await addressed(self.store, story, *wanted, due_at=self.desk.clock.now()) if wanted else ()
        named = [replace(row, id=delivery_id(row.chat, story.number, story.lead.id)) for row in rows]
        await self.store.commit([some_changes(story, deliveries=named)])

    async def send(self) -> None:
        now = self.desk.clock.now()
        while rows := await claim(self.store, now):
            for row in rows:
                self.sent.append((row.chat, row.alert.story.number, tuple(sorted(why.label for why in row.alert.why))))
                await self.store.settle(row, Sent("r", now), now)

    async def told(self, chat: Chat) -> list[tuple[Chat, int, tuple[str, ...]]]:
        return [one for one in self.sent if one[0] == chat]


@asynccontextmanager
async def a_world(kind: str, clock: FakeClock) -> AsyncIterator[World]:
    with in_memory_directory() as directory:
        store = open_store("memory:" if kind == "memory" else f"sqlite:///{directory}/policybell.db")
        yield World(a_desk(store=store, clock=clock))
        await store.close()


def without_numbers(reply: Reply) -> str:
    choices = "".join(f"\n[{choice.label}: {choice.line}]" for choice in reply.choices)
    return re.sub(r"\d+", "#", text_of(reply) + choices)


def comparable(reply: Reply) -> str:
    """A reply without what is counted over all chats: how the bot as a whole is doing."""
    return re.sub(r" \(the oldest for .*?\)", "", without_numbers(reply)).replace("alerts", "alert")


async def kept(world: World, chat: Chat) -> str:
    return json.dumps(await world.store.kept(chat), sort_keys=True)


class Walk:
    """The steps, each in the shared world and in that of its chat."""

    def __init__(self, pair: Sequence[Chat], shared: World, alone: Sequence[World], clock: FakeClock) -> None:
        self.pair, self.shared, self.alone, self.clock = pair, shared, alone, clock
        self.stories = 0

    async def line(self, who: int, line: str, may_change: bool) -> None:
        mine, theirs = self.pair[who], self.pair[1 - who]
        before = await kept(self.shared, mine), await kept(self.shared, theirs)
        together = await self.shared.ask(mine, line, may_change=may_change)
        alone = await self.alone[who].ask(mine, line, may_change=may_change)
        if command_named(read_line(line)[0]) is not COMMANDS["mydata"]:  # each kind of store names its own columns
            assert comparable(together) == comparable(alone), line
        if may_change and read_line(line) == ("forget", ("yes",)) and replace(theirs, thread="") == mine:
            # a group's topics are its own: who forgets the group forgets them, alone in the world or not
            await self.alone[1 - who].store.forget(theirs)
            assert await kept(self.shared, theirs) == await kept(self.alone[1 - who], theirs), line
        else:
            assert await kept(self.shared, theirs) == before[1], f"{line} changed another chat"
        assert may_change or await kept(self.shared, mine) == before[0], f"{line} changed a chat without the right to"

    async def guess(self, who: int, verb: str, number: int) -> None:
        """Guess the number of a subscription. Another chat's is the same as one that does not exist."""
        mine, theirs = self.pair[who], self.pair[1 - who]
        held = {one.id: one.query for one in await self.shared.store.subscriptions(mine)}
        own = {one.query: one.id for one in await self.alone[who].store.subscriptions(mine)}
        before = await kept(self.shared, theirs)
        together = await self.shared.ask(mine, f"{verb} {number}{' 1h' * (verb == 'mute')}")
        twin = own[held[number]] if number in held else 99_999
        alone = await self.alone[who].ask(mine, f"{verb} {twin}{' 1h' * (verb == 'mute')}")
        assert without_numbers(together) == without_numbers(alone)
        assert await kept(self.shared, theirs) == before

    async def why(self, who: int, back: int) -> None:
        await self.line(who, f"why {self.stories - back}", True)

    async def news(self, some: set[str]) -> None:
        self.stories += 1
        lead = a_document(self.stories, title=" ".join(sorted({"News", *some})), seen_at=self.clock.now())
        for world in (self.shared, *self.alone):
            await world.publish(a_story(self.stories, lead))

    async def send(self) -> None:
        for world in (self.shared, *self.alone):
            await world.send()

    async def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    async def end(self) -> None:
        for who in (0, 1):
            for question in ("list", "missed 20", *(f"why {number}" for number in range(self.stories + 2))):
                await self.line(who, question, False)
        await self.send()
        assert {chat for chat, *_ in self.shared.sent} <= set(self.pair)
        for chat, world in zip(self.pair, self.alone, strict=True):
            assert await self.shared.told(chat) == world.sent, "a chat was sent something else than alone"
            mine, lonely = await self.shared.store.kept(chat), await world.store.kept(chat)
            assert _counted(mine) == _counted(lonely)


def _counted(kept: Mapping[str, Sequence[object]]) -> dict[str, int]:
    return {table: len(kept.get(table, ())) for table in ("chats", "queries", "subscriptions", "deliveries")}


async def walk(kind: str, pair: Sequence[Chat], taken: Sequence[tuple[str, ...]]) -> None:
    clock = FakeClock()
    async with a_world(kind, clock) as shared, a_world("memory", clock) as one, a_world("memory", clock) as other:
        walking = Walk(pair, shared, (one, other), clock)
        for what, *values in taken:
            await getattr(walking, what)(*values)
        await walking.end()


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "walks"), [("memory", 140), ("sqlite", 60)])
def test_two_tenants_of_one_bot_cannot_tell_that_the_other_is_there(kind: str, walks: int) -> None:
    @settings(
        max_examples=walks * SHARE,
        phases=[Phase.generate],  # a walk is short enough to be read; making it shorter takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(pair=st.sampled_from(PAIRS), taken=st.lists(steps, min_size=8, max_size=16))
    def runs(pair: Sequence[Chat], taken: Sequence[tuple[str, ...]]) -> None:
        asyncio.run(walk(kind, pair, (*BEGINNING, *taken)))

    runs()
