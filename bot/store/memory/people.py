"""Chats, their names, and what they follow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.core.added import is_private
from bot.core.model import Chat, Mute, Reader, StoredQuery, Subscription, Voice
from bot.ports import QueryLog
from bot.store.memory.adding import Additions
from bot.store.rules import Mutes, longer, muted, of_one_chat

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Query:
    text: str
    added: int
    dropped: int | None = None


@dataclass(slots=True)
class Home:
    """A chat under its present name."""

    voice: Voice
    since: datetime
    gone: bool = False
    gone_since: datetime = NEVER
    not_before: datetime = NEVER
    mute: Mute | None = None
    subscriptions: list[Subscription] = field(default_factory=list)

    def follows(self) -> set[int]:
        return {one.query_id for one in self.subscriptions}

    def mutes(self) -> Mutes:
        return Mutes(self.mute, {one.query_id: one.mute for one in self.subscriptions if one.mute is not None})

    def take_over(self, other: Home) -> None:
        """Become both chats: at rest while one was, following what both followed."""
        self.not_before = max(self.not_before, other.not_before)
        self.subscriptions.extend([one for one in other.subscriptions if one.query_id not in self.follows()])
        self.subscriptions.sort(key=lambda one: one.id)


@dataclass(slots=True)
class People:
    """All chats by their present names; `former` names lead there in one step."""

    homes: dict[Chat, Home] = field(default_factory=dict)
    former: dict[Chat, Chat] = field(default_factory=dict)
    queries: dict[int, _Query] = field(default_factory=dict)
    version: int = 0
    subscribed: int = 0
    added: Additions = field(default_factory=Additions)

    def name(self, chat: Chat) -> Chat:
        return self.former.get(chat, chat)

    def names(self, chat: Chat) -> tuple[Chat, ...]:
        """All names of a chat, the present one first."""
        present = self.name(chat)
        return present, *(former for former, name in self.former.items() if name == present)

    def home(self, chat: Chat) -> Home | None:
        return self.homes.get(self.name(chat))

    def settle_in(self, chat: Chat, voice: Voice, now: datetime) -> Home:
        """Find a chat, or make it known with this voice."""
        return self.homes.setdefault(self.name(chat), Home(voice, now))

    def threads(self, chat: Chat) -> dict[Chat, Home]:
        """Everything that has the chat's number as its present name: platforms limit and remove it as one.

        A chat without a number stands for its whole workspace.
        """
        everywhere = chat.workspace and not chat.id
        return {
            name: home
            for name, home in self.homes.items()
            if replace(name, thread=chat.thread, id="" if everywhere else name.id) == chat
        }

    def with_threads(self, chat: Chat) -> set[Chat]:
        """Name what is known of a chat, without a thread also all its threads."""
        return {self.name(chat), *(() if chat.thread else self.threads(chat))} & self.homes.keys()

    def follow(self, chat: Chat, voice: Voice, query: str, label: str, now: datetime) -> bool:
        home = self.settle_in(chat, voice, now)
        home.gone = False
        query_id = self._query_id(query)
        if query_id in home.follows():
            return False
        self.subscribed += 1
        home.subscriptions.append(Subscription(self.subscribed, query_id, query, label))
        return True

    def unfollow(self, chat: Chat, query: str | None) -> tuple[Subscription, ...]:
        home = self.home(chat)
        if home is None:
            return ()
        dropped = tuple(one for one in home.subscriptions if query is None or one.query == query)
        home.subscriptions = [one for one in home.subscriptions if one not in dropped]
        self._drop_unfollowed()
        return dropped

    def mute(self, chat: Chat, query: str | None, until: datetime | None, now: datetime) -> bool:
        return self._set_mute(chat, query, muted(self.mute_of(chat, query), until, now))

    def unmute(self, chat: Chat, query: str | None, now: datetime) -> Mute | None:
        old = self.mute_of(chat, query)
        self._set_mute(chat, query, None)
        return old if old is not None and old.holds(now) else None

    def mute_of(self, chat: Chat, query: str | None) -> Mute | None:
        home = self.home(chat)
        if home is None:
            return None
        if query is None:
            return home.mute
        return next((one.mute for one in home.subscriptions if one.query == query), None)

    def _set_mute(self, chat: Chat, query: str | None, mute: Mute | None) -> bool:
        home = self.home(chat)
        if home is None:
            return False
        if query is None:
            home.mute = mute
            return True
        lines = home.subscriptions
        home.subscriptions = [replace(one, mute=mute) if one.query == query else one for one in lines]
        return any(one.query == query for one in lines)

    def subscribers(self, query_ids: Collection[int], source_id: str = "") -> tuple[Reader, ...]:
        owner = self.added.chat_of(source_id) if is_private(source_id) else None
        found = [
            (one.id, Reader(chat, home.voice, one.query_id, one.label))
            for chat, home in self.homes.items()
            if not home.gone and (owner == chat or not is_private(source_id))
            for one in home.subscriptions
            if one.query_id in query_ids
        ]
        return tuple(reader for _, reader in sorted(found, key=lambda pair: pair[0]))

    def move(self, chat: Chat, to: Chat) -> tuple[Chat, Chat] | None:
        """Rename or merge a chat; return its two names, None where there is nothing to do."""
        old, new = self.name(chat), self.name(to)
        if old not in self.homes or old == to:
            return None
        new = to if new == old else new
        self.former.pop(new, None)
        self.former |= dict.fromkeys([name for name, home in self.former.items() if home == old] + [old], new)
        moved = self.homes.pop(old)
        self.added.move(old, new)
        self.homes.setdefault(new, moved)
        if self.homes[new] is not moved:
            self.homes[new].take_over(moved)
            if not of_one_chat(old, new):
                self.homes[new].mute = longer(self.homes[new].mute, moved.mute)
        self.homes[new].gone = False  # whoever moved can be reached, whatever was told before
        return old, new

    def forget(self, chat: Chat) -> None:
        name = self.name(chat)
        self.added.drop([one.id for one in self.added.of(name)])
        self.homes.pop(name, None)
        self.former = {former: home for former, home in self.former.items() if home != name}
        self._drop_unfollowed()

    def queries_since(self, version: int) -> QueryLog:
        added = [
            StoredQuery(query_id, query.text)
            for query_id, query in self.queries.items()
            if query.added > version and query.dropped is None
        ]
        removed = [
            query_id
            for query_id, query in self.queries.items()
            if query.dropped is not None and query.added <= version < query.dropped
        ]
        return QueryLog(self.version, tuple(added), tuple(removed))

    def _query_id(self, text: str) -> int:
        for query_id, query in self.queries.items():
            if query.text == text and query.dropped is None:
                return query_id
        self.version += 1
        self.queries[len(self.queries) + 1] = _Query(text, self.version)
        return len(self.queries)

    def _drop_unfollowed(self) -> None:
        followed = {query_id for home in self.homes.values() for query_id in home.follows()}
        dropped = [one for query_id, one in self.queries.items() if one.dropped is None and query_id not in followed]
        self.version += bool(dropped)
        for query in dropped:
            query.text, query.dropped = "", self.version
