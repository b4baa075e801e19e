"""Who operates the bot from a chat, and the record of what operators did (security S31).

An operator is a number on a list, in a chat with nobody else in it. What a platform shows as a name counts for
nothing, and a number counts on its own platform alone. Whoever has this machine needs no list: the shell, the terminal
and the web page say so themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

import structlog

from bot.commands import command_named
from bot.core.model import PLATFORMS, Chat
from bot.core.speech import Call
from bot.core.text import clean_controls, cut
from bot.errors import StoreError
from bot.ports.oversight import Audited, Oversight
from bot.pseudonyms import pseudonym

log = structlog.get_logger()

BY_SHELL = "shell"
_HERE = frozenset({"web", "console"})
_ARGS_SIZE = 200
_MAY_NAME_A_CHAT = re.compile(
    rf"(?:{'|'.join(PLATFORMS)}):\S+"  # as people write it
    r"|(?<!\w)[-@]?\d{5,}(?!\w)"  # numbers of Telegram
    r"|@\w+"
    r"|(?<![A-Za-z0-9])[CDGTUW](?=[A-Z]*\d)[A-Z0-9]{7,12}(?![A-Za-z0-9])"  # channels, teams and people of Slack
)


class Operators:
    """`allowed` gives the people on the list, each written as a chat; `key` that of the pseudonyms."""

    def __init__(self, allowed: Callable[[], Collection[Chat]] = tuple, key: Callable[[], bytes] = bytes) -> None:
        self._allowed = allowed
        self._key = key

    def recognized(self, call: Call) -> Call:
        """Say of a call whether an operator gave it. What rooms of this machine say of themselves stands."""
        if call.is_operator:
            return call if call.chat.platform in _HERE else replace(call, is_operator=call.actor == BY_SHELL)
        return replace(call, is_operator=self._is_listed(call))

    def _is_listed(self, call: Call) -> bool:
        if not (call.in_private and call.actor) or call.chat.thread:
            return False
        if call.chat.platform == "telegram" and call.chat.id != call.actor:
            return False  # a private chat of Telegram has its person's number
        here = (call.chat.platform, call.chat.workspace, call.actor)  # a number is one person's in one workspace only
        return any((one.platform, one.workspace, one.id) == here for one in self._allowed())

    async def audit(self, store: Oversight, call: Call, outcome: str, now: datetime) -> None:
        """Remember a command that only operators may give. One that is not written is told by the log."""
        command = command_named(call.verb)
        if command is None or not call.is_operator or not command.is_on_record(call.args):
            return
        entry = Audited(now, self._name(call), command.name, _without_chats(call.args), outcome)
        log.info("operator.did", actor=entry.actor, verb=entry.verb, args=entry.args, outcome=outcome)
        try:
            await store.note(entry)
        except StoreError as error:
            log.error("audit.not_written", error=str(error))  # noqa: TRY400 - the error is a sentence

    def _name(self, call: Call) -> str:
        if call.actor == BY_SHELL or call.chat.platform in _HERE:
            return call.actor or call.chat.platform
        return pseudonym(Chat(call.chat.platform, call.chat.workspace, call.actor), self._key())


def _without_chats(args: tuple[str, ...]) -> str:
    return cut(_MAY_NAME_A_CHAT.sub("[chat]", clean_controls(" ".join(args))), _ARGS_SIZE, len)
