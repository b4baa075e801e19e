"""Somebody who asks the command core: lines in, text out, on a store of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bot.commands import Desk, answer, read_line
from bot.core.model import Chat, Topic, Voice
from bot.core.speech import Call, Reply
from bot.store.memory import MemoryStore
from tests.builders import a_source
from tests.fakes.clock import FakeClock

TOPICS = (
    Topic("tps", "TPS", 'tps OR "temporary protected status"', ("temporary-protected-status",)),
    Topic("removal", "Removal", "deport* OR removal", ("deportation",)),
    Topic("asylum", "Asylum", "asylum"),
    Topic("visas", "Visas", "visa"),
)


def a_desk(**changes: Any) -> Desk:
    desk = Desk(
        store=MemoryStore(),
        topics=TOPICS,
        sources=(a_source(1), a_source(2)),
        not_yet=(),
        voice=Voice(),
        clock=FakeClock(),
    )
    return replace(desk, **changes)


HERE = Chat("web", "", "local")


@dataclass(frozen=True)
class Asker:
    """One person in one chat."""

    desk: Desk
    chat: Chat = HERE
    may_change: bool = True
    is_operator: bool = False

    async def reply(self, line: str) -> Reply:
        verb, args = read_line(line)
        return await answer(self.desk, Call(verb, args, self.chat, self.may_change, self.is_operator))

    async def ask(self, line: str) -> str:
        return text_of(await self.reply(line))

    async def followed(self) -> list[tuple[str, str]]:
        return [(one.query, one.label) for one in await self.desk.store.subscriptions(self.chat)]


def text_of(reply: Reply) -> str:
    return "".join(span.text for span in reply.spans)


def lines_of(reply: Reply) -> list[str]:
    return [choice.line for choice in reply.choices]
