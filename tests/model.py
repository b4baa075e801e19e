"""What delivering promises, in sixty lines: who is owed what, and what each answer makes of it.

No lanes, no leases, no rests, no limits: only what must be true whenever it is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.core.model import Chat

FURTHEST = ("sent", "sending", "maybe", "pending", "dead", "expired", "cancelled")


@dataclass(slots=True, eq=False)
class Owed:
    """One story owed to one chat, and why."""

    place: tuple[int, str]  # in the order of writing
    reasons: set[str]
    state: str = "pending"
    unsure: bool = False
    plain: bool = False
    arrived: int = 0
    put_back: int = 0

    def wait(self) -> None:
        self.state = "pending" if self.reasons else "cancelled"

    def came_to(self, outcome: str) -> None:
        """Say what an answer means for what is being sent."""
        match outcome:
            case "sent":
                self.state = "sent"
            case "unsure" if self.unsure:
                self.state = "maybe"
            case "refused" if self.plain:
                self.state = "dead"
            case "gone":
                self.state = "cancelled"
            case _:
                self.unsure |= outcome == "unsure"
                self.plain |= outcome == "refused"
                self.wait()


@dataclass(slots=True)
class Model:
    """Chats by their present names; `copies` by the name that was written on each, with its mark."""

    follows: dict[Chat, set[str]] = field(default_factory=dict)
    owed: dict[Chat, dict[int, Owed]] = field(default_factory=dict)
    gone: set[Chat] = field(default_factory=set)
    paused: set[Chat] = field(default_factory=set)
    is_held: bool = False
    former: dict[Chat, Chat] = field(default_factory=dict)
    copies: dict[tuple[Chat, int], list[bool]] = field(default_factory=lambda: defaultdict(list))

    def of(self, chat: Chat) -> Chat:
        return self.former.get(chat, chat)

    def follow(self, chat: Chat, query: str) -> None:
        home = self.of(chat)
        self.follows.setdefault(home, set()).add(query)
        self.owed.setdefault(home, {})
        self.gone.discard(home)

    def unfollow(self, chat: Chat, queries: set[str]) -> None:
        home = self.of(chat)
        self.follows.get(home, set()).difference_update(queries)
        for owed in self.owed.get(home, {}).values():
            if owed.state in {"pending", "sending"}:
                owed.reasons -= queries
            if owed.state == "pending":
                owed.wait()

    def publish(self, story: int, queries: set[str]) -> None:
        for home, asked in self.follows.items():
            if home not in self.gone and asked & queries:
                owed = self.owed[home][story] = Owed((story, str(home)), asked & queries)
                owed.state = "cancelled" if home in self.paused else "pending"

    def pause(self, chat: Chat) -> None:
        home = self.of(chat)
        if home in self.owed:
            self.paused.add(home)
            self.cancel(home)

    def resume(self, chat: Chat) -> None:
        self.paused.discard(self.of(chat))

    def put_back(self, chat: Chat, story: int, reasons: set[str]) -> None:
        """Note that an operator put back what was given up: for these reasons."""
        owed = self.owed[chat][story]
        assert chat not in self.gone, "put back for a chat that cannot be reached"
        assert reasons, "put back for no reason"
        assert reasons <= self.follows[chat], "put back for what nobody follows"
        owed.unsure |= owed.state == "sent"  # in a list
        owed.state, owed.reasons, owed.plain = "pending", reasons, False
        owed.put_back += 1

    def cancel(self, home: Chat) -> None:
        for owed in self.owed[home].values():
            if owed.state == "pending":
                owed.state = "cancelled"

    def begin(self, chat: Chat, stories: tuple[int, ...]) -> list[Owed]:
        """Note that a message leaves: to somebody who is owed just that, next, and nothing else at this moment."""
        lane = self.owed[self.of(chat)]
        assert self.of(chat) == chat, "written to a former name"
        assert chat not in self.paused, "told during a pause"
        assert not self.is_held, "told while an operator holds the platform"
        assert all(owed.state != "sending" for owed in lane.values()), "two at once"
        waiting = [story for story, owed in sorted(lane.items()) if owed.state == "pending"]
        assert list(stories) == waiting[: len(stories)], f"{stories} was sent, and {waiting} wait"
        begun = [lane[story] for story in stories]
        for owed in begun:
            owed.state = "sending"
        return begun

    def arrive(self, chat: Chat, stories: tuple[int, ...], marks: tuple[bool, ...], begun: list[Owed]) -> None:
        """Note that a message was accepted.

        Not counted: what left for a chat that was forgotten since, or whose row gave way to that of another chat that
        turned out to be the same. Both were under way at that moment.
        """
        for story, marked, owed in zip(stories, marks, begun, strict=True):
            if not any(lane.get(story) is owed for lane in self.owed.values()):
                continue
            copies = self.copies[chat, story]
            copies.append(marked)
            owed.arrived += 1
            assert all(copies[1:]), "a second copy that is not marked"
            assert len(copies) <= 2 + owed.put_back, "a third copy that nobody asked for"

    def settle(self, begun: Iterable[Owed], outcome: str) -> None:
        """Note what came of a message. What is not being sent any more stays as it is.

        Nothing waits for a chat that cannot be reached, or wants silence.
        """
        for owed in [owed for owed in begun if owed.state == "sending"]:
            owed.came_to(outcome)
            if owed.state == "pending" and any(owed in self.owed[home].values() for home in self.gone | self.paused):
                owed.state = "cancelled"

    def leave(self, chat: Chat) -> None:
        """Note that a chat cannot be reached, nor any of its threads."""
        for home in self.threads(chat):
            self.gone.add(home)
            self.cancel(home)

    def come_back(self, chat: Chat) -> None:
        self.gone -= {self.of(chat)} | (set() if chat.thread else self.threads(chat))

    def waits(self) -> bool:
        """Tell whether anything is still to come."""
        return any(owed.state in {"pending", "sending"} for lane in self.owed.values() for owed in lane.values())

    def threads(self, chat: Chat) -> set[Chat]:
        return {home for home in self.owed if replace(home, thread=chat.thread) == chat}

    def move(self, chat: Chat, to: Chat) -> None:
        old = self.of(chat)
        if old not in self.owed or old == to:
            return
        new = to if self.of(to) == old else self.of(to)
        self.former = {name: new if home == old else home for name, home in self.former.items() if name != new}
        self.former[old] = new
        theirs, ours = self.owed.pop(old), self.owed.get(new)
        self.gone -= {old, new}  # whoever moved can be reached
        if old in self.paused and (ours is None or (old.platform, old.id) != (new.platform, new.id)):
            self.paused.add(new)  # of two threads that become one, each keeps its pause to itself
        self.paused.discard(old)
        self.follows[new] = self.follows.pop(old) | self.follows.get(new, set())
        self.owed[new] = _joined(theirs, ours or {})
        if ours is not None and new in self.paused:
            self.cancel(new)

    def forget(self, chat: Chat) -> None:
        for home in {self.of(chat)} | (set() if chat.thread else self.threads(chat)):
            self._forget(home)

    def _forget(self, home: Chat) -> None:
        for known in (self.follows, self.owed):
            known.pop(home, None)
        self.gone.discard(home)
        self.paused.discard(home)
        names = {home, *(name for name, there in self.former.items() if there == home)}
        self.former = {name: there for name, there in self.former.items() if there != home}
        for key in [key for key in self.copies if key[0] in names]:
            del self.copies[key]


def _joined(theirs: dict[int, Owed], ours: dict[int, Owed]) -> dict[int, Owed]:
    both = {**theirs, **ours}
    for story in theirs.keys() & ours.keys():
        kept, dropped = sorted((ours[story], theirs[story]), key=lambda owed: (FURTHEST.index(owed.state), owed.place))
        kept.reasons |= dropped.reasons if dropped.state in {"pending", "sending"} else set()
        kept.unsure |= dropped.unsure
        kept.put_back += dropped.put_back
        dropped.state = "dropped"
        both[story] = kept
    return both
