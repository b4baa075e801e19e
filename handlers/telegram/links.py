"""Addresses that open a chat with the bot (core.telegram.org/api/links).

What a link carries reaches the bot as `/start PAYLOAD`, and a link must not change a chat: it only offers.
"""

from __future__ import annotations

import re

from bot.commands import payload_for
from bot.core.model import Topic

PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def chat_link(username: str) -> str:
    return f"https://t.me/{username}"


def topic_link(username: str, topic: Topic) -> str | None:
    """Give the link that offers a topic; None where its name is longer than Telegram's 64 characters."""
    payload = payload_for(topic)
    return f"{chat_link(username)}?start={payload}" if PAYLOAD.fullmatch(payload) else None


def group_link(username: str) -> str:
    """Give the link that adds the bot to a group."""
    return f"{chat_link(username)}?startgroup=true"


def channel_link(username: str) -> str:
    """Give the link that makes the bot an administrator of a channel who may post, and nothing more."""
    return f"{chat_link(username)}?startchannel&admin=post_messages"
