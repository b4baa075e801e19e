"""What people type and press, carried out in `asking`; what is answered goes out through `replies`.

An update is confirmed when the next poll asks for later ones, so after its command was carried out: a crash in
between repeats a command, which is harmless, and never loses one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from telegram import Chat as TelegramChat
from telegram import Message as TelegramMessage
from telegram import MessageOriginChannel, Update

from bot.commands import command_named, is_offer, read_line
from bot.core.pace import waits
from bot.core.speech import Reply
from bot.errors import SendError, TryLater
from bot.ports import Clock, Door
from handlers.telegram import render
from handlers.telegram.asking import Asking
from handlers.telegram.client import Client
from handlers.telegram.menu import show_menus
from handlers.telegram.presence import Presence, in_group
from handlers.telegram.presses import Presses
from handlers.telegram.replies import Replies, Send
from handlers.telegram.rights import Rights, Standing
from handlers.telegram.where import chat_of, numbered

log = structlog.get_logger()

T = TypeVar("T")

_REMEMBERED = 1_000  # numbers of updates; a poll brings at most 100


class Listener:
    """One run of listening: from the first request to the cancellation."""

    def __init__(self, client: Client, door: Door, clock: Clock, send: Send) -> None:
        self._client = client
        self._door = door
        self._clock = clock
        self._replies = Replies(send, clock)
        self._rights = Rights(client, clock)
        self._asking = Asking(client, door, self._rights, clock)
        self._presses = Presses(client, self._rights, self._asking, self._replies)
        self._presence = Presence(client, self._rights, self._asking, self._replies, clock)
        self._seen: deque[int] = deque(maxlen=_REMEMBERED)
        self._offset = 0
        self._username = ""

    async def run(self) -> None:
        """Listen until cancelled. `TokenError` ends it; any other trouble is waited out."""
        try:
            await self._patiently(self._introduce)
            while True:
                await self._take(await self._patiently(self._poll))
        finally:
            await self._replies.close()

    async def _poll(self) -> list[Update | int]:
        return await self._client.updates(self._offset)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, after 1 s, 2 s, 4 s … 30 s, or later where Telegram wishes so."""
        pauses = waits()
        while True:
            try:
                return await ask()
            except SendError as error:
                wait = next(pauses)
                log.warning("telegram.unreachable", error=str(error), again_in=wait)
                wished = error.after.total_seconds() if isinstance(error, TryLater) and error.after else 0.0
                await self._clock.sleep(max(wait, wished))

    async def _introduce(self) -> None:
        self._asking.me = await self._client.me()
        self._username = self._asking.me.username or ""
        await self._client.stop_webhook()
        await show_menus(self._client)
        log.info("telegram.listening")

    async def _take(self, updates: list[Update | int]) -> None:
        """Answer a batch: chats side by side, the updates of one chat in order, each update once."""
        by_chat: dict[int, list[Update]] = defaultdict(list)
        for update in updates:
            if _number(update) in self._seen:
                continue
            self._seen.append(_number(update))
            if isinstance(update, int):
                log.warning("update.unreadable", update=update)
            elif update.effective_chat is not None:
                by_chat[update.effective_chat.id].append(update)
            elif update.callback_query is not None:
                by_chat[0].append(update)
        await asyncio.gather(*(self._take_in_order(batch) for batch in by_chat.values()))
        self._offset = max((_number(update) + 1 for update in updates), default=self._offset)

    async def _take_in_order(self, batch: list[Update]) -> None:
        for update in batch:
            try:
                await self._take_one(update)
            except Exception:  # one bad update harms only itself
                log.exception("update.failed", update=update.update_id)

    async def _take_one(self, update: Update) -> None:
        if update.message is not None:
            await self._hear(update.message)
        elif update.callback_query is not None:
            await self._presses.press(update.callback_query)
        elif update.my_chat_member is not None:
            await self._presence.changed(update.my_chat_member)
        elif update.chat_member is not None:
            self._rights.forget(update.chat_member.chat.id, update.chat_member.new_chat_member.user.id)

    async def _hear(self, message: TelegramMessage) -> None:
        here = chat_of(message)
        if message.migrate_to_chat_id:
            await self._door.moved(here, numbered(message.migrate_to_chat_id))
        elif message.migrate_from_chat_id:
            await self._door.moved(numbered(message.migrate_from_chat_id), here)
        elif (answered := await self._answer(message)) is not None:
            self._replies.say(here, render.reply(answered))

    async def _answer(self, message: TelegramMessage) -> Reply | None:
        """Answer what was typed; None where nobody asked."""
        person, origin = message.from_user, message.forward_origin
        in_private = message.chat.type == TelegramChat.PRIVATE
        if in_private and person is not None and isinstance(origin, MessageOriginChannel):
            return await self._asking.speak_for(str(origin.chat.id), (), person)
        line = line_of(message, self._username)
        if line is None:
            return None
        verb, args = read_line(line)
        if not in_private and command_named(verb) is None:
            return None  # in a group nobody asked to be corrected
        starts = not in_private and verb == "start"
        if starts and self._presence.was_just_greeted(message.chat.id) and not is_offer(args):
            return None  # adding by a link writes this by itself
        standing = await self._rights.of_sender(message)
        if standing is Standing.NONE:
            return None
        answered = await self._asking.answer(line, chat_of(message), person, standing)
        return in_group(answered) if starts else answered


def line_of(message: TelegramMessage, username: str) -> str | None:
    """Give what a message asks of the bot; None: it is not addressed to it, or not typed by a person.

    In private, plain words are a line. In groups only commands are, and those for another bot are not.
    Forwarded words, those that another bot wrote for somebody to send, and a linked channel's posts were typed
    elsewhere; other bots are not people.
    """
    typed_here = message.forward_origin is None and message.via_bot is None and not message.is_automatic_forward
    by_person = message.sender_chat is not None or (message.from_user is not None and not message.from_user.is_bot)
    text = (message.text or "").strip()
    if not (text and typed_here and by_person):
        return None
    if not text.startswith("/"):
        return text if message.chat.type == TelegramChat.PRIVATE else None
    _, at, addressee = text.split(maxsplit=1)[0].partition("@")
    return text if not at or addressee.casefold() == username.casefold() else None


def _number(update: Update | int) -> int:
    return update if isinstance(update, int) else update.update_id
