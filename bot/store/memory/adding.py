"""Sources that people added, as the memory store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.added import Added, Refusal, Wanted, why_not
from bot.core.model import Chat


@dataclass(slots=True)
class Additions:
    """What was added and is there; `count` goes on."""

    known: list[Added] = field(default_factory=list)
    at: dict[int, datetime] = field(default_factory=dict)
    count: int = 0

    def add(self, wanted: Wanted, now: datetime) -> Added | Refusal:
        if refusal := why_not(self.known, wanted):
            return refusal
        self.count += 1
        self.known.append(Added(self.count, wanted.kind, wanted.url, wanted.name, wanted.chat))
        self.at[self.count] = now
        return self.known[-1]

    def of(self, chat: Chat) -> list[Added]:
        return [one for one in self.known if one.chat == chat]

    def chat_of(self, source_id: str) -> Chat | None:
        return next((one.chat for one in self.known if one.id == source_id), None)

    def drop(self, ids: Sequence[str]) -> bool:
        """Drop these; say whether any of them was there."""
        count = len(self.known)
        self.known = [one for one in self.known if one.id not in ids]
        return len(self.known) < count

    def move(self, old: Chat, new: Chat) -> None:
        self.known = [replace(one, chat=new) if one.chat == old else one for one in self.known]

    def kept(self, chat: Chat) -> list[Mapping[str, object]]:
        """Lay out what a chat added."""
        return [
            {"number": one.number, "kind": one.kind, "url": one.url, "name": one.name, "added_at": self.at[one.number]}
            for one in self.of(chat)
        ]
