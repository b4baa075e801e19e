"""Telegram: long polling, HTML messages, private chats and groups."""

from __future__ import annotations

from handlers.telegram.room import Telegram

__all__ = ["Telegram"]
