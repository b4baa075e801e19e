"""The people and chats of the test server, and what they do: verbs that become updates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.fakes.telegram.members import ANONYMOUS_ADMIN, BOT_ID, CHANNEL_BOT, member_json, user_json

EPOCH = 1_795_500_000  # when messages of the test server are dated


@dataclass(slots=True)
class Room:
    """One chat. `members` maps a user, the bot among them, to a status: see `members`.

    `topics` are those of a forum beside the general one; `closed` ones take no messages, 0 being the general one.
    """

    id: int
    kind: str
    title: str = ""
    members: dict[int, str] = field(default_factory=dict)
    topics: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    username: str = ""
    is_forum: bool = False
    refusal: tuple[int, str] | None = None
    migrated_to: int = 0

    def json(self) -> dict[str, object]:
        if self.kind == "private":
            return {"id": self.id, "type": "private", "first_name": "Ana"}
        name = {"username": self.username} if self.username else {}
        forum = {"is_forum": True} if self.is_forum else {}
        return {"id": self.id, "type": self.kind, "title": self.title} | name | forum


class World:
    """All chats, and the queue of updates that `getUpdates` reads."""

    def __init__(self, news: Callable[[], None], username: str) -> None:
        self.rooms: dict[int, Room] = {}
        self.updates: list[dict] = []
        self.unanswered: dict[str, str] = {}
        self.username = username
        self._news = news
        self._update_ids = itertools.count(1_001)
        self._message_ids = itertools.count(1)
        self._group_ids = itertools.count(1)

    # people do things

    def say(self, chat: int, user: int, text: str, *, thread: int = 0, **more: object) -> dict | None:
        """Write a message. In a group the bot sees only what privacy mode shows it: commands."""
        room = self.rooms.get(chat) or self.add_private(chat)
        if room.kind != "private" and not text.startswith("/"):
            return None
        message = self.message(room, text, thread=thread) | {"from": user_json(user)} | more
        return self.push({"message": message})

    def say_as_chat(self, chat: int, sender: int, text: str) -> dict | None:
        """Write as a chat: the group itself (an anonymous administrator) or some channel."""
        kind = "supergroup" if sender == chat else "channel"
        sender_chat = {"id": sender, "type": kind, "title": "Somewhere"}
        return self.say(chat, ANONYMOUS_ADMIN if sender == chat else CHANNEL_BOT, text, sender_chat=sender_chat)

    def edit(self, chat: int, user: int, text: str) -> dict:
        """Change a message that was sent before."""
        message = self.message(self.rooms[chat], text) | {"from": user_json(user), "edit_date": EPOCH + 9}
        return self.push({"edited_message": message})

    def press(self, message: dict, label: str, user: int) -> str:
        """Press the button with this label; give the id of the query, which has to be answered."""
        rows = message["reply_markup"]["inline_keyboard"]
        data = next(button["callback_data"] for row in rows for button in row if button["text"] == label)
        return self.press_data(message, data, user)

    def press_data(self, message: dict, data: str, user: int) -> str:
        """Press a button with any data, as a modified client can."""
        query = f"query-{next(self._message_ids)}"
        self.unanswered[query] = data
        press = {"id": query, "from": user_json(user), "message": message, "chat_instance": "1", "data": data}
        self.push({"callback_query": press})
        return query

    # chats come and go

    def add_private(self, user: int) -> Room:
        return self.rooms.setdefault(user, Room(user, "private", members={user: "member", BOT_ID: "member"}))

    def add_group(
        self,
        *,
        admins: Iterable[int] = (),
        members: Iterable[int] = (),
        kind: str = "supergroup",
        topics: Iterable[int] = (),
    ) -> int:
        """Make a group with the bot in it."""
        number = next(self._group_ids)
        chat = -number if kind == "group" else -1_000_000_000_000 - number
        people = dict.fromkeys(members, "member") | dict.fromkeys(admins, "administrator") | {BOT_ID: "member"}
        room = Room(chat, kind, f"Group {number}", people, set(topics), is_forum=bool(topics))
        self.rooms[chat] = room
        return chat

    def add_channel(self, name: str = "", *, admins: Iterable[int] = (), bot: str = "administrator") -> int:
        """Make a channel, public under a name or private; `bot` is what the bot is in it."""
        number = next(self._group_ids)
        chat = -1_000_000_000_000 - number
        people = dict.fromkeys(admins, "administrator") | {BOT_ID: bot}
        self.rooms[chat] = Room(chat, "channel", f"Channel {number}", people, username=name)
        return chat

    def invite(self, chat: int, user: int, status: str = "member") -> dict:
        """Add the bot to a group or channel: it is told so."""
        self.rooms[chat].members[BOT_ID] = "left"
        return self.become(chat, user, status)

    def become(self, chat: int, user: int, status: str) -> dict:
        """Let somebody change what the bot is in a chat, or what it may do there: it is told so."""
        room = self.rooms[chat]
        old, room.members[BOT_ID] = room.members[BOT_ID], status
        room.refusal = None
        was, now = member_json(BOT_ID, old, room.kind), member_json(BOT_ID, status, room.kind)
        change = {"chat": room.json(), "from": user_json(user), "date": EPOCH}
        return self.push({"my_chat_member": change | {"old_chat_member": was, "new_chat_member": now}})

    def rank(self, chat: int, user: int, status: str, *, told: bool = False) -> None:
        """Change what somebody is in a group; `told`: the bot is an administrator and hears of it."""
        old = self.rooms[chat].members.get(user, "left")
        self.rooms[chat].members[user] = status
        if told:
            kind = self.rooms[chat].kind
            was, now = member_json(user, old, kind), member_json(user, status, kind)
            head = {"chat": self.rooms[chat].json(), "from": user_json(user), "date": EPOCH}
            self.push({"chat_member": head | {"old_chat_member": was, "new_chat_member": now}})

    def refuse(self, chat: int, status: int, description: str) -> None:
        """Refuse every message to a chat from now on, in these words."""
        self.rooms[chat].refusal = (status, description)

    def block(self, user: int) -> None:
        self.refuse(user, 403, "Forbidden: bot was blocked by the user")

    def kick(self, chat: int) -> None:
        kind = "supergroup" if self.rooms[chat].kind == "supergroup" else "group"
        self.refuse(chat, 403, f"Forbidden: bot was kicked from the {kind} chat")

    def welcome_back(self, chat: int) -> None:
        self.rooms[chat].refusal = None

    def delete_topic(self, chat: int, thread: int) -> None:
        self.rooms[chat].topics.discard(thread)

    def close_topic(self, chat: int, thread: int) -> None:
        self.rooms[chat].closed.add(thread)

    def upgrade_group(self, chat: int, *, told: bool = True) -> int:
        """Turn a group into a supergroup; `told`: both service messages reach the bot."""
        old = self.rooms[chat]
        new = self.add_group(kind="supergroup")
        self.rooms[new].members = dict(old.members)
        old.migrated_to = new
        if told:
            sender = {"from": user_json(ANONYMOUS_ADMIN)}
            self.push({"message": self.message(old, "", migrate_to_chat_id=new) | sender})
            self.push({"message": self.message(self.rooms[new], "", migrate_from_chat_id=chat) | sender})
        return new

    # what it looks like to the bot

    def message(self, room: Room, text: str, *, thread: int = 0, **more: object) -> dict:
        """Describe a message."""
        message: dict = {"message_id": next(self._message_ids), "date": EPOCH, "chat": room.json()} | more
        if text:
            message["text"] = text
        if thread:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        return message

    def push(self, update: dict) -> dict:
        """Queue an update, as it is."""
        update = {"update_id": next(self._update_ids)} | update
        self.updates.append(update)
        self._news()
        return update

    def redeliver(self, update: dict) -> None:
        """Deliver an update once more under the same id, as happens when its confirmation was lost."""
        self.updates.append(update)
        self._news()
