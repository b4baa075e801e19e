"""Pressed buttons. A press is the line behind the button, written by whoever pressed, and can do no more than that.

A button needs no signature: Telegram says who pressed and in which chat, and both are looked at again. What a modified
client sends in its place is only another line.
"""

from __future__ import annotations

import structlog
from telegram import CallbackQuery, User
from telegram import Chat as TelegramChat

from bot.core.model import Chat
from bot.core.speech import Reply
from bot.core.text import cut
from bot.errors import SendError
from handlers.telegram import render
from handlers.telegram.asking import Asking
from handlers.telegram.client import Client
from handlers.telegram.replies import Replies
from handlers.telegram.rights import Rights, Standing
from handlers.telegram.where import chat_of

log = structlog.get_logger()

_TOAST = 200
_FOREIGN = "This button is from another version. Write /help to begin anew."
_LOST = "This message is too old for its buttons. Write the command instead."
_STRANGER = "I cannot see that you may do this here. Write the command instead."
_ANONYMOUS_HINT = " If you are an anonymous administrator, write the command instead."


class Presses:
    """Runs what is pressed, and stops the spinner on every button, whatever came of it."""

    def __init__(self, client: Client, rights: Rights, asking: Asking, replies: Replies) -> None:
        self._client = client
        self._rights = rights
        self._asking = asking
        self._replies = replies

    async def press(self, query: CallbackQuery) -> None:
        toast = ""
        try:
            toast = await self._run(query)
        finally:
            try:
                await self._client.answer_press(query.id, toast)
            except SendError as error:  # "query is too old": its spinner has stopped by itself
                log.info("press.unanswered", error=str(error))

    async def _run(self, query: CallbackQuery) -> str:
        """Carry a press out; return what only whoever pressed shall read."""
        message, data = query.message, query.data
        if message is None or not data:
            return ""
        if not data.startswith(render.CHOICE) or len(data.encode()) > render.CALLBACK_BYTES:
            return _FOREIGN
        if not message.is_accessible and message.chat.is_forum:
            return _LOST  # Telegram no longer tells in which topic it was
        standing = await self._rights.of(message.chat, query.from_user)
        if standing is Standing.NONE:
            return _STRANGER
        line = data.removeprefix(render.CHOICE)
        return await self._answer(line, chat_of(message), query.from_user, standing, kind=str(message.chat.type))

    async def _answer(self, line: str, here: Chat, person: User, standing: Standing, *, kind: str) -> str:
        answered = await self._asking.answer(line, here, person, standing)
        in_private = kind == TelegramChat.PRIVATE
        if kind == TelegramChat.CHANNEL or not (answered.ok or in_private):
            # Readers of a channel did not ask, and a group need not read who was refused what.
            return _toast(answered, "" if standing is Standing.CHANGES else _ANONYMOUS_HINT)
        self._replies.say(here, render.reply(answered))
        return ""


def _toast(reply: Reply, hint: str) -> str:
    said = " ".join("".join(span.text for span in reply.spans).split())
    return cut(said, _TOAST - len(hint), len) + hint if said else ""
