"""The bot is added, removed, blocked, let back in, or may write no longer: Telegram tells (`my_chat_member`).

So a chat rests before a message to it fails, and wakes when it can be written to again, whoever saw to that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from telegram import Chat as TelegramChat
from telegram import ChatMember, ChatMemberUpdated

from bot.core.model import Chat
from bot.core.speech import Reply, Span
from bot.errors import BadMessage, ChatGone, ChatMoved, SendError
from bot.ports import Clock
from handlers.telegram import render
from handlers.telegram.asking import Asking
from handlers.telegram.client import Client
from handlers.telegram.replies import Replies
from handlers.telegram.rights import Rights, may_write
from handlers.telegram.where import numbered

log = structlog.get_logger()

_GROUPS = {TelegramChat.GROUP, TelegramChat.SUPERGROUP}
_ABSENT = {ChatMember.LEFT, ChatMember.BANNED}
_ONCE_IN = timedelta(minutes=1)
_IN_A_GROUP = (
    "\nIn a group its administrators choose what is sent. Where there are topics, write the command in the one that "
    "alerts shall go to."
)
_WHY = {ChatMember.LEFT: "the bot is no longer in this chat", ChatMember.BANNED: "the bot was removed or blocked"}
_MUTED = "the bot may not write in this chat any more"


class Presence:
    """Keeps what the store knows of chats true to where the bot is."""

    def __init__(self, client: Client, rights: Rights, asking: Asking, replies: Replies, clock: Clock) -> None:
        self._client = client
        self._rights = rights
        self._asking = asking
        self._replies = replies
        self._clock = clock
        self._greeted: dict[int, datetime] = {}

    async def changed(self, change: ChatMemberUpdated) -> None:
        """Take note of what the bot is and may in a chat now."""
        here, kind = numbered(change.chat.id), str(change.chat.type)
        old, new = change.old_chat_member, change.new_chat_member
        self._rights.forget(change.chat.id, new.user.id)
        if not may_write(new, kind):
            await self._leave(here, kind, _WHY.get(new.status, _MUTED))
        elif not may_write(old, kind):
            await self._asking.door.returned(here)
            await self._greet(change, came=old.status in _ABSENT)

    def was_just_greeted(self, chat_id: int) -> bool:
        """Say whether a group was greeted within the last minute: adding by a link also writes /start there."""
        now = self._clock.now()
        self._greeted = {chat: at for chat, at in self._greeted.items() if now - at < _ONCE_IN}
        return chat_id in self._greeted

    async def _leave(self, here: Chat, kind: str, why: str) -> None:
        """Tell a group that the bot was removed from from one that became a supergroup, and so was left behind.

        Where Telegram does not say which, nothing is noted: the next message to the group will tell.
        """
        try:
            if kind == TelegramChat.GROUP:
                await self._client.described(here)
        except ChatMoved as moved:
            await self._asking.door.moved(here, moved.to)
            return
        except (ChatGone, BadMessage):
            pass
        except SendError as error:
            log.warning("chat.unclear", platform=here.platform, error=type(error).__name__)
            return
        await self._asking.door.left(here, why)

    async def _greet(self, change: ChatMemberUpdated, *, came: bool) -> None:
        """Say how to begin: in a group that the bot came to, and to whoever put it into a channel."""
        person, chat = change.from_user, change.chat
        if chat.type == TelegramChat.CHANNEL:
            offer = await self._asking.speak_for(str(chat.id), (), person)
            if offer.ok:
                self._replies.say(numbered(person.id), render.reply(offer))
        elif came and chat.type in _GROUPS and not self.was_just_greeted(chat.id):
            self._greeted[chat.id] = self._clock.now()
            here = numbered(chat.id)
            standing = await self._rights.of(chat, person)
            answered = await self._asking.answer("start", here, person, standing)
            self._replies.say(here, render.reply(in_group(answered)))


def in_group(welcome: Reply) -> Reply:
    """Add to the first words who may choose, and where. What is not answered stays so."""
    return replace(welcome, spans=(*welcome.spans, Span(_IN_A_GROUP))) if welcome.spans else welcome
