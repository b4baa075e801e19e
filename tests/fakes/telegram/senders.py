"""Who may write in a Telegram group: nine kinds of senders, and whether they may change what is sent there."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.telegram.members import OTHER_BOT, SERVICE_USER
from tests.fakes.telegram.server import FakeTelegram

USER, CHANNEL = 7, -1_009_999

Speak = Callable[[FakeTelegram, int, str], object]


def with_rank(rank: str) -> Speak:
    def speak(telegram: FakeTelegram, group: int, text: str) -> object:
        telegram.world.rank(group, USER, rank)
        return telegram.world.say(group, USER, text)

    return speak


def as_bot(telegram: FakeTelegram, group: int, text: str) -> object:
    telegram.world.rank(group, OTHER_BOT, "administrator")
    return telegram.world.say(group, OTHER_BOT, text)


def as_linked_channel(telegram: FakeTelegram, group: int, text: str) -> object:
    telegram.world.rank(group, SERVICE_USER, "administrator")
    sender = {"id": CHANNEL, "type": "channel", "title": "News"}
    return telegram.world.say(group, SERVICE_USER, text, sender_chat=sender, is_automatic_forward=True)


SENDERS: dict[str, tuple[Speak, bool | None]] = {  # None: not heard at all
    "the owner": (with_rank("creator"), True),
    "an administrator": (with_rank("administrator"), True),
    "an anonymous administrator": (lambda telegram, group, text: telegram.world.say_as_chat(group, group, text), True),
    "a member": (with_rank("member"), False),
    "a restricted member": (with_rank("restricted"), False),
    "somebody who left": (with_rank("left"), False),
    "a channel as sender": (lambda telegram, group, text: telegram.world.say_as_chat(group, CHANNEL, text), False),
    "a linked channel": (as_linked_channel, None),
    "another bot": (as_bot, None),
}
