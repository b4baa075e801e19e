"""Chats and people as operators write them, checked before anything is sent or anybody is believed."""

from __future__ import annotations

import re

from bot.core.model import PLATFORMS, Chat

_TELEGRAM_CHAT = re.compile(r"-?[0-9]{1,19}")
_TELEGRAM_PERSON = re.compile(r"[1-9][0-9]{0,18}")
_SLACK_CHAT = re.compile(r"[A-Z][A-Z0-9]+")
_SLACK_PERSON = re.compile(r"[UW][A-Z0-9]+")


def read_chat(text: str) -> Chat:
    """Read a chat as people type it; raise `ValueError` with a sentence where it is none."""
    chat = Chat.parse(text)
    if chat.platform not in PLATFORMS:
        raise ValueError(f"{chat.platform!r} is not a platform. Those there are: {', '.join(PLATFORMS)}.")
    if chat.platform == "telegram" and not _TELEGRAM_CHAT.fullmatch(chat.id):
        raise ValueError(f"A Telegram chat is a number, such as telegram:-1001234; got {chat.id!r}.")
    if chat.platform == "slack" and not _SLACK_CHAT.fullmatch(chat.id):
        raise ValueError(f"A Slack chat is its id, such as slack:C0123ABCD; got {chat.id!r}.")
    return chat


def read_person(text: str) -> Chat:
    """Read a person by the number that their platform knows them by, as `telegram:123` or `slack:U0123ABCD`."""
    person = Chat.parse(text)
    known = {"telegram": _TELEGRAM_PERSON, "slack": _SLACK_PERSON}.get(person.platform)
    if known is None:
        raise ValueError(f"{text!r}: only people of telegram and slack are named; whoever has this machine is one.")
    if person.thread or not known.fullmatch(person.id):
        raise ValueError(f"{text!r} is not a person's number, such as telegram:123456 or slack:U0123ABCD.")
    return person
