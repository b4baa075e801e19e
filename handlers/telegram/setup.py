"""What is needed once to set up a bot: what Telegram shows of it, and the links that bring people to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telegram import User

from bot.core.model import Topic
from handlers.telegram.client import Client
from handlers.telegram.links import channel_link, chat_link, group_link, topic_link
from handlers.telegram.menu import ABOUT, SHORT, show_menus


@dataclass(frozen=True, slots=True)
class Presented:
    """A bot that is set up. `links` are (what it opens, address) pairs, `advice` what only its owner can change."""

    username: str
    links: tuple[tuple[str, str], ...]
    advice: tuple[str, ...]


async def set_up(token: str, api_url: str, topics: Iterable[Topic]) -> Presented:
    """Let Telegram show what the bot is and knows. Raises `SendError` or `TokenError`."""
    client = Client(token, api_url)
    try:
        me = await client.me()
        await show_menus(client)
        await client.set_about(ABOUT, SHORT)
    finally:
        await client.close()
    username = me.username or ""
    return Presented(username, tuple(_links(username, topics)), tuple(_advice(me)))


def _links(username: str, topics: Iterable[Topic]) -> Iterator[tuple[str, str]]:
    yield "a private chat", chat_link(username)
    yield "into a group", group_link(username)
    yield "into a channel", channel_link(username)
    for topic in topics:
        if (link := topic_link(username, topic)) is not None:
            yield topic.name, link


def _advice(me: User) -> Iterator[str]:
    if me.can_join_groups is False:
        yield "No group can add this bot. To allow it, send /setjoingroups to @BotFather."
    if me.can_read_all_group_messages:
        yield (
            "Telegram gives this bot all that is written in its groups. "
            "It needs commands alone: send /setprivacy to @BotFather."
        )
