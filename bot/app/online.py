"""Trying what the settings name: every source once, as politely as ever, and every token for what it is good for.

Nothing is remembered and nobody hears of it: no message is sent, no database is opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.app.world import open_fetcher, real_world
from bot.commands.wording import plural
from bot.core.intake import Cursor, FeedResponse, Parsed, SourceSpec
from bot.errors import BotError
from bot.ports import Fetch, Read
from bot.reading import ReadingRoom
from config import Settings

_ANSWER_SECONDS = 20.0
_PATIENCE = timedelta(minutes=2)  # for sources of one host, one after another


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying one thing: `what` names it as the settings do."""

    what: str
    ok: bool
    words: str


async def try_everything(settings: Settings) -> AsyncIterator[Tried]:
    """Try every token and every source, many at once, and tell of each as soon as it is known; tokens first."""
    async with AsyncExitStack() as closing:
        for asked in _tokens(settings, closing):
            yield await asked
        world = real_world(settings, settings.bot.data_dir)
        world = replace(world, fetching=replace(world.fetching, patience=_PATIENCE))
        fetcher = open_fetcher(settings, world)
        closing.push_async_callback(fetcher.close)
        reading = ReadingRoom()
        closing.push_async_callback(reading.close)
        places = asyncio.Semaphore(settings.fetch.concurrency)
        for tried in asyncio.as_completed([_source(one, fetcher, reading, places) for one in world.sources]):
            yield await tried


def _tokens(settings: Settings, closing: AsyncExitStack) -> list[Coroutine[Any, Any, Tried]]:
    """Say which questions prove the tokens that are set. A platform's library is imported only where it has one."""
    asked: list[Coroutine[Any, Any, Tried]] = []
    if settings.telegram.is_on:
        from handlers.telegram.client import Client as Telegram  # noqa: PLC0415

        telegram = Telegram(
            settings.telegram.token.get_secret_value(), settings.telegram.api_url, answer_seconds=_ANSWER_SECONDS
        )
        closing.push_async_callback(telegram.close)
        asked.append(_token("telegram.token", telegram.me()))
    if settings.slack.is_on:
        from handlers.slack.client import Client as Slack  # noqa: PLC0415

        slack = Slack(api_url=settings.slack.api_url, timeout=_ANSWER_SECONDS)
        closing.push_async_callback(slack.close)
        if bot_token := settings.slack.bot_token.get_secret_value():
            asked.append(_token("slack.bot_token", slack.identity(bot_token)))
        if app_token := settings.slack.app_token.get_secret_value():
            asked.append(_token("slack.app_token", slack.socket_url(app_token)))
    return asked


async def _token(what: str, question: Coroutine[Any, Any, object]) -> Tried:
    try:
        await question
    except BotError as error:
        return Tried(what, ok=False, words=str(error))
    return Tried(what, ok=True, words="accepted")


async def _source(source: SourceSpec, fetch: Fetch, read: Read, places: asyncio.Semaphore) -> Tried:
    async with places:
        got = await fetch(source, source.url, Cursor(source.id))
    match await read(source, got) if isinstance(got, FeedResponse) else got:
        case Parsed(entries=entries):
            return Tried(source.id, ok=True, words=plural(len(entries), "item"))
        case failure:
            return Tried(source.id, ok=False, words=str(failure))
