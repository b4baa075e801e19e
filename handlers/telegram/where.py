"""Which chat a message is in, and who is to be told."""

from __future__ import annotations

from telegram import MaybeInaccessibleMessage
from telegram import Message as TelegramMessage

from bot.core.model import Chat


def chat_of(message: MaybeInaccessibleMessage) -> Chat:
    """Name the chat of a message; a topic of a forum is a chat of its own, except the general one."""
    in_topic = isinstance(message, TelegramMessage) and message.is_topic_message
    thread = message.message_thread_id if isinstance(message, TelegramMessage) and in_topic else None
    return numbered(message.chat.id, str(thread or ""))


def numbered(chat_id: int, thread: str = "") -> Chat:
    """Name the chat that has a number."""
    return Chat("telegram", "", str(chat_id), thread)
