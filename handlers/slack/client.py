"""Calls to Slack's Web API: one shared session, no retry of any kind, no proxy taken from the environment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.model import Chat
from bot.errors import SendError, TokenError
from handlers.slack.errors import FAILURES, meaning, unreadable

log = structlog.get_logger()

CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in the workspace that a bot token belongs to."""

    team: str
    bot_user: str
    bot_name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What Slack hands out for one workspace. `lasts` is in seconds; None where the token does not expire.

    `team` and `bot_user` may be empty where a token only takes the place of another.
    """

    team: str
    bot_user: str
    token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    lasts: int | None = None


class Client:
    """What we ask of Slack, each time with the token that the question needs.

    Errors are `SendError` and `TokenError` only; every method is one request. `api_url` is the root of the Web API;
    `timeout` is in seconds, for a whole request.
    """

    def __init__(self, *, api_url: str, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, CONNECT_SECONDS))
        # Knows no token of its own, so the parts of the library that are given it cannot leak one.
        self.anonymous = _library_client(api_url)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, token: str, chat: Chat, message: Mapping[str, object]) -> str:
        """Post a message and return its ts, which names it within its channel."""
        where = {"channel": chat.id} | ({"thread_ts": chat.thread} if chat.thread else {})
        ts = (await self._call("chat.postMessage", json={**message, **where, "token": token})).get("ts")
        if not isinstance(ts, str) or not ts:
            raise unreadable()
        return ts

    async def identity(self, token: str) -> Identity:
        """Ask who we are: the cheapest proof that a bot token is good."""
        said = await self._call("auth.test", params={"token": token})
        return Identity(str(said.get("team_id")), str(said.get("user_id")), str(said.get("user")))

    async def reachable(self) -> None:
        """Ask nothing of anybody: return where Slack answers at all."""
        await self._call("api.test")

    async def socket_url(self, app_token: str) -> str:
        """Get an address that opens one Socket Mode connection: the proof that the app token is good."""
        url = (await self._call("apps.connections.open", params={"token": app_token})).get("url")
        if not isinstance(url, str):
            raise unreadable()
        return url

    async def grant(self, client_id: str, client_secret: str, **asked: str) -> Grant:
        """Exchange the code of an installation, or a refresh token, for tokens. Either can be used once."""
        app = {"Authorization": aiohttp.encode_basic_auth(client_id, client_secret)}
        return _grant(await self._call("oauth.v2.access", data=dict(asked), headers=app))

    async def user(self, token: str, user_id: str) -> Mapping[str, object] | None:
        """Look somebody up; None where Slack does not say."""
        try:
            user = (await self._call("users.info", params={"user": user_id, "token": token})).get("user")
        except (SendError, TokenError) as error:
            log.warning("slack.lookup_failed", error=str(error))
            return None
        return user if isinstance(user, Mapping) else None

    async def respond(self, response_url: str, answer: Mapping[str, object]) -> bool:
        """Answer somebody through the address that came with their command. False where it could not be done."""
        try:
            async with self.session().post(response_url, json=answer) as response:
                accepted = response.status == HTTPStatus.OK
        except FAILURES as error:
            log.warning("slack.answer_lost", error=type(error).__name__)
            return False
        if not accepted:
            log.warning("slack.answer_refused", status=response.status)
        return accepted

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, object]:
        # slack_sdk moves a `token` among the parameters or in the body into the Authorization header.
        self.anonymous.session = self.session()
        try:
            response = await self.anonymous.api_call(method, **arguments)
        except FAILURES as error:
            raise meaning(error) from None  # the library's errors carry whole answers, message text included
        if not isinstance(response.data, Mapping):
            raise unreadable()
        return response.data

    def session(self) -> aiohttp.ClientSession:
        """Give the one session, opened at first use, for it needs a running loop. It keeps no cookies."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _library_client(api_url: str) -> AsyncWebClient:
    # Left to itself slack_sdk posts again when an answer is lost (two messages), and takes HTTP_PROXY whatever is
    # passed as `proxy`.
    web = AsyncWebClient(base_url=api_url, retry_handlers=[], logger=library_logger())
    web.proxy = None
    return web


def _grant(said: Mapping[str, object]) -> Grant:
    """Read what was granted: without a token it is not to be understood, whatever it claims."""
    team, lasts = said.get("team"), said.get("expires_in")
    team_id = team.get("id") if isinstance(team, Mapping) else None
    texts = (team_id, said.get("bot_user_id"), said.get("access_token"), said.get("refresh_token"))
    team_id, bot_user, token, refresh_token = (text if isinstance(text, str) else "" for text in texts)
    if not token:
        raise unreadable()
    return Grant(team_id, bot_user, token, refresh_token, lasts if isinstance(lasts, int) and refresh_token else None)


def library_logger() -> logging.Logger:
    """Give the libraries a logger that tells where they complain, never what about.

    Their texts hold message text, ids and one-time socket addresses. An explicit level also keeps them from writing
    debug lines that nobody reads: they test `logger.level`, which is 0 where none was set.
    """
    logger = logging.getLogger("handlers.slack.library")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_retell)
    return logger


def _retell(record: logging.LogRecord) -> bool:
    log.warning("slack.library_complained", where=f"{record.module}.{record.funcName}", level=record.levelname.lower())
    return False
