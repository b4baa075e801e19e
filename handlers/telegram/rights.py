"""What somebody may do in a chat, as Telegram says within the last minute.

| | may change | may ask |
|---|---|---|
| private chat | the person | the person |
| group | owner, administrators; anonymous ones where they type | members who may write |
| channel | owner, administrators who may post | the same |

Nobody else may do anything, nor anybody in a chat of another kind, and an error of Telegram's is a no. A yes to
changes is kept for a minute at most, a no not at all: whoever was just made administrator shall not be turned away
once more. Telegram is asked about one person in one chat as often as a chat may command, and no more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from telegram import Chat as TelegramChat
from telegram import ChatMember, ChatMemberAdministrator, ChatMemberRestricted, User
from telegram import Message as TelegramMessage
from telegram.constants import ChatID

from bot.core.model import Chat
from bot.core.throttle import Hearing, Throttle
from bot.errors import SendError
from bot.ports import Clock
from handlers.telegram.client import Client

log = structlog.get_logger()

_KEPT = timedelta(seconds=60)
_HEARD = {TelegramChat.PRIVATE, TelegramChat.GROUP, TelegramChat.SUPERGROUP}


class Standing(StrEnum):
    """What somebody may do in a chat."""

    CHANGES = "may change what is sent there"
    ASKS = "may ask"
    NONE = "may do nothing"


class Rights:
    """Asks `getChatMember` for whoever Telegram names as the sender or presser."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._until: dict[tuple[int, int], datetime] = {}
        self._asked = Throttle()

    async def of_sender(self, message: TelegramMessage) -> Standing:
        """Say what whoever wrote a message may do in its chat.

        What is written in a group's own name is from an anonymous administrator, whom Telegram hides behind a bot;
        that bot's number alone proves nothing. Every other chat that writes is a stranger who may ask.
        """
        sender, chat = message.from_user, message.chat
        if chat.type not in _HEARD or chat.is_direct_messages:
            return Standing.NONE  # nothing is said where it is not clear who listens
        if message.sender_chat is not None:
            anonymous = sender is not None and sender.id == ChatID.ANONYMOUS_ADMIN
            return Standing.CHANGES if anonymous and message.sender_chat.id == chat.id else Standing.ASKS
        if sender is None or (chat.type == TelegramChat.PRIVATE and chat.id != sender.id):
            return Standing.NONE
        # Whatever the answer, whoever writes in a chat may ask there.
        return Standing.CHANGES if await self.of(chat, sender) is Standing.CHANGES else Standing.ASKS

    async def of(self, chat: TelegramChat, user: User) -> Standing:
        """Say what somebody may do in a chat, whether or not they may write there."""
        if chat.type not in {*_HEARD, TelegramChat.CHANNEL} or chat.is_direct_messages:
            return Standing.NONE
        if chat.type == TelegramChat.PRIVATE:
            return Standing.CHANGES if chat.id == user.id else Standing.NONE
        return await self.in_shared(chat.id, str(chat.type), user.id)

    async def in_shared(self, chat_id: int, kind: str, user_id: int) -> Standing:
        """Say what somebody may do in a group or channel."""
        now = self._clock.now()
        self._until = {key: until for key, until in self._until.items() if until > now}
        if (chat_id, user_id) in self._until:
            return Standing.CHANGES
        if self._asked.hear(Chat("telegram", str(user_id), str(chat_id)), now) is not Hearing.TAKEN:
            return Standing.NONE
        try:
            member = await self._client.member(chat_id, user_id)
        except SendError as error:
            log.warning("rights.unknown", error=str(error))
            return Standing.NONE
        standing = _standing(member, kind)
        if standing is Standing.CHANGES:
            self._until[chat_id, user_id] = now + _KEPT
        return standing

    def forget(self, chat_id: int, user_id: int) -> None:
        """Ask anew next time: Telegram told that somebody's rank has changed."""
        self._until.pop((chat_id, user_id), None)


def may_write(member: ChatMember, kind: str) -> bool:
    """Say whether a member may write messages in a chat of this kind."""
    match member:
        case ChatMemberAdministrator():
            return kind != TelegramChat.CHANNEL or bool(member.can_post_messages)
        case ChatMemberRestricted():
            return bool(member.is_member and member.can_send_messages)
        case _:
            return member.status == ChatMember.OWNER or (
                member.status == ChatMember.MEMBER and kind != TelegramChat.CHANNEL
            )


def _standing(member: ChatMember, kind: str) -> Standing:
    if not may_write(member, kind):
        return Standing.NONE
    return Standing.CHANGES if member.status in {ChatMember.OWNER, ChatMember.ADMINISTRATOR} else Standing.ASKS
