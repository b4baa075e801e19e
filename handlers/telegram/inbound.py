"""What people type and press, turned into calls; what is answered goes out through `replies`.

An update is confirmed when the next poll asks for later ones, so after its command was carried out: a crash in
between repeats a command, which is harmless, and never loses one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from telegram import (
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeDefault,
    CallbackQuery,
    ChatMemberUpdated,
    MaybeInaccessibleMessage,
    Update,
)
from telegram import Chat as TelegramChat
from telegram import Message as TelegramMessage

from bot.commands import COMMANDS, Who, command_named, read_line
from bot.core.model import Chat
from bot.core.speech import Call, Reply
from bot.core.text import cut
from bot.errors import SendError, TryLater
from bot.ports import Clock, Door
from handlers.telegram import render
from handlers.telegram.client import Client
from handlers.telegram.replies import Replies, Send
from handlers.telegram.rights import Rights

log = structlog.get_logger()

T = TypeVar("T")

_REMEMBERED = 1_000  # numbers of updates; a poll brings at most 100
_LONGEST_WAIT = 30.0
_TOAST = 200
_ABSENT = {"left", "kicked"}
_ANONYMOUS_HINT = " If you are an anonymous administrator, type the command instead."


class Listener:
    """One run of listening: from the first request to the cancellation."""

    def __init__(self, client: Client, door: Door, clock: Clock, send: Send) -> None:
        self._client = client
        self._door = door
        self._clock = clock
        self._rights = Rights(client, clock)
        self._replies = Replies(send, clock)
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
        wait = 1.0
        while True:
            try:
                return await ask()
            except SendError as error:
                log.warning("telegram.unreachable", error=str(error), again_in=wait)
                wished = error.after.total_seconds() if isinstance(error, TryLater) and error.after else 0.0
                await self._clock.sleep(max(wait, wished))
                wait = min(_LONGEST_WAIT, 2 * wait)

    async def _introduce(self) -> None:
        self._username = (await self._client.me()).username or ""
        await self._client.stop_webhook()
        shown = [command for command in COMMANDS.values() if command.who is not Who.OPERATORS]
        everything = [(command.name, command.help) for command in shown]
        asking = [(command.name, command.help) for command in shown if command.who is Who.EVERYBODY]
        await self._client.set_menu(everything, BotCommandScopeDefault())
        await self._client.set_menu(asking, BotCommandScopeAllGroupChats())
        await self._client.set_menu(everything, BotCommandScopeAllChatAdministrators())
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
            await self._press(update.callback_query)
        elif update.my_chat_member is not None:
            await self._enter(update.my_chat_member)
        elif update.chat_member is not None:
            self._rights.forget(update.chat_member.chat.id, update.chat_member.new_chat_member.user.id)

    # what people do

    async def _hear(self, message: TelegramMessage) -> None:
        here = _chat(message)
        if message.migrate_to_chat_id:
            return await self._door.moved(here, Chat("telegram", "", str(message.migrate_to_chat_id)))
        if message.migrate_from_chat_id:
            return await self._door.moved(Chat("telegram", "", str(message.migrate_from_chat_id)), here)
        line = line_of(message, self._username)
        if line is None:
            return None
        verb, args = read_line(line)
        in_private = message.chat.type == TelegramChat.PRIVATE
        if not in_private and command_named(verb) is None:
            return None  # in a group nobody asked to be corrected
        call = Call(verb, args, here, may_change=in_private or await self._may_change(message))
        return self._replies.say(here, render.reply(await self._door.answer(call)))

    async def _may_change(self, message: TelegramMessage) -> bool:
        """Tell whether a group's message is from an administrator, named or anonymous."""
        if message.sender_chat is not None:  # as the group itself write its anonymous administrators, and only they
            return message.sender_chat.id == message.chat.id
        return message.from_user is not None and await self._rights.may_change(message.chat.id, message.from_user.id)

    async def _press(self, query: CallbackQuery) -> None:
        """Run a pressed line as if whoever pressed had typed it. The spinner is stopped whatever comes of it."""
        toast = ""
        try:
            if query.message is not None and query.data:
                toast = await self._run_press(query.message, query.data, query.from_user.id)
        finally:
            try:
                await self._client.answer_press(query.id, toast)
            except SendError as error:
                log.info("press.unanswered", error=str(error))

    async def _run_press(self, message: MaybeInaccessibleMessage, line: str, user_id: int) -> str:
        here = _chat(message)
        in_private = message.chat.type == TelegramChat.PRIVATE
        may_change = in_private or await self._rights.may_change(message.chat.id, user_id)
        verb, args = read_line(line)
        answered = await self._door.answer(Call(verb, args, here, may_change=may_change))
        if answered.ok or in_private:
            self._replies.say(here, render.reply(answered))
            return ""
        return _toast(answered, "" if may_change else _ANONYMOUS_HINT)  # a group need not read who was refused what

    async def _enter(self, change: ChatMemberUpdated) -> None:
        """Introduce the bot to a group that it was added to, or came back to."""
        added = change.old_chat_member.status in _ABSENT and change.new_chat_member.status not in _ABSENT
        if added and change.chat.type in {TelegramChat.GROUP, TelegramChat.SUPERGROUP}:
            here = Chat("telegram", "", str(change.chat.id))
            may_change = await self._rights.may_change(change.chat.id, change.from_user.id)
            answered = await self._door.answer(Call("start", (), here, may_change=may_change))
            self._replies.say(here, render.reply(answered))


def line_of(message: TelegramMessage, username: str) -> str | None:
    """Give what a message asks of the bot; None: it is not addressed to it, or not typed by a person.

    In private, plain words are a line. In groups only commands are, and those for another bot are not.
    Forwarded words and a linked channel's posts were typed elsewhere; other bots are not people.
    """
    typed_here = message.forward_origin is None and not message.is_automatic_forward
    by_person = message.sender_chat is not None or (message.from_user is not None and not message.from_user.is_bot)
    text = (message.text or "").strip()
    if not (text and typed_here and by_person):
        return None
    if not text.startswith("/"):
        return text if message.chat.type == TelegramChat.PRIVATE else None
    _, at, addressee = text.split(maxsplit=1)[0].partition("@")
    return text if not at or addressee.casefold() == username.casefold() else None


def _chat(message: MaybeInaccessibleMessage) -> Chat:
    """Name the chat of a message; a topic of a forum is a chat of its own."""
    in_topic = isinstance(message, TelegramMessage) and message.is_topic_message
    thread = message.message_thread_id if isinstance(message, TelegramMessage) and in_topic else None
    return Chat("telegram", "", str(message.chat.id), str(thread or ""))


def _toast(reply: Reply, hint: str) -> str:
    said = " ".join("".join(span.text for span in reply.spans).split())
    return cut(said, _TOAST - len(hint), len) + hint


def _number(update: Update | int) -> int:
    return update if isinstance(update, int) else update.update_id
