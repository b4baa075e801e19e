"""Lines that people type or press, carried out with their rights: in the chat where they ask, or for a channel.

A channel is spoken for from the private chat of somebody who may post in it, `/channel @name follow tps`. Nobody types
commands into a channel: its readers would see them, and another bot that posts there what it reads would be obeyed.
Every such line asks Telegram anew what its writer may do in the channel; nothing of the writer is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import structlog
from telegram import Chat as TelegramChat
from telegram import ChatFullInfo, User

from bot.commands import command_named, read_line
from bot.core.model import Chat
from bot.core.speech import Call, Choice, Mark, Reply, Span
from bot.core.throttle import Hearing, Throttle
from bot.errors import SendError
from bot.ports import Clock, Door
from handlers.telegram.client import Client
from handlers.telegram.links import channel_link, group_link
from handlers.telegram.rights import Rights, Standing
from handlers.telegram.where import numbered

log = structlog.get_logger()

CHANNEL = "channel"  # the verb
_NAME = re.compile(r"@[A-Za-z]\w{3,31}|-100\d{1,16}", re.ASCII)


class Asking:
    """Answers lines. `me` is the bot itself, known once it was introduced."""

    def __init__(self, client: Client, door: Door, rights: Rights, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._throttle = Throttle()
        self.door = door
        self._rights = rights
        self.me: User | None = None

    async def answer(self, line: str, here: Chat, person: User | None, standing: Standing) -> Reply:
        """Answer a line that was written or pressed in `here` by somebody of that standing there."""
        verb, args = read_line(line)
        in_private = person is not None and here.id == str(person.id)
        if in_private and person is not None and verb == CHANNEL and args:
            return await self.speak_for(args[0], args[1:], person)
        actor = str(person.id) if person is not None and not person.is_bot else ""
        may_change = standing is Standing.CHANGES
        answered = await self.door.answer(
            Call(verb, args, here, may_change=may_change, actor=actor, in_private=in_private)
        )
        if in_private and self.me is not None and answered.ok and _is_plain_help(verb, args):
            return _with_links(answered, self.me.username or "")
        return answered

    async def speak_for(self, name: str, words: Sequence[str], person: User) -> Reply:
        """Carry out a line for the channel that a person names; without one, say what it may follow.

        Telegram is asked about channels as often as the person may command in private; more than that is passed over.
        """
        if self._throttle.hear(numbered(person.id), self._clock.now()) is not Hearing.TAKEN:
            return Reply((), ok=False)
        channel = await self._shared_channel(name, person)
        if channel is None:
            return _no_such_channel(name)
        chat = Chat("telegram", "", str(channel.id))
        verb, args = read_line(" ".join(words)) if words else ("topics", ())
        answered = await self.door.answer(Call(verb, args, chat, may_change=True, actor=str(person.id)))
        return _for_channel(answered, channel)

    async def _shared_channel(self, name: str, person: User) -> ChatFullInfo | None:
        """Find a channel where both the person and the bot may post. Whatever cannot be learned is a no."""
        if self.me is None or not _NAME.fullmatch(name):
            return None
        try:
            found = await self._client.described(Chat("telegram", "", name))
        except SendError as error:
            log.info("channel.unknown", error=str(error))
            return None
        if found.type != TelegramChat.CHANNEL:
            return None
        for user in (self.me, person):
            if await self._rights.in_shared(found.id, str(found.type), user.id) is not Standing.CHANGES:
                return None
        return found


def _for_channel(reply: Reply, channel: ChatFullInfo) -> Reply:
    """Head an answer with the channel that it is about, and let what it offers to type and press be for that."""
    if not reply.spans:
        return reply
    name = f"@{channel.username}" if channel.username else str(channel.id)
    spans = [
        replace(span, text=f"/{CHANNEL} {name} {span.text[1:]}") if _is_typed(span) else span for span in reply.spans
    ]
    choices = [Choice(choice.label, f"{CHANNEL} {channel.id} {choice.line}") for choice in reply.choices]
    return Reply((Span(channel.title or name, Mark.BOLD), Span("\n"), *spans), tuple(choices), reply.ok)


def _is_typed(span: Span) -> bool:
    return span.mark is Mark.CODE and span.text.startswith("/")


def _no_such_channel(name: str) -> Reply:
    told = name if _NAME.fullmatch(name) else "@name"
    said = (
        "I see no such channel where both you and I may post. "
        "Add me to it as an administrator who may post messages, then write "
    )
    return Reply((Span(said), Span(f"/{CHANNEL} {told}", Mark.CODE), Span(".")), ok=False)


def _is_plain_help(verb: str, args: Sequence[str]) -> bool:
    command = command_named(verb)
    return command is not None and command.name == "help" and not args


def _with_links(reply: Reply, username: str) -> Reply:
    to_group = Span("a group", url=group_link(username))
    to_channel = Span("a channel", url=channel_link(username))
    added = (Span("\nAdd me to "), to_group, Span(" or "), to_channel, Span("."))
    return replace(reply, spans=(*reply.spans, *added))
