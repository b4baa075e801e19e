"""What is asked of the Bot API, once each, and what its refusals mean.

The library is python-telegram-bot; of it only `Bot` and its transport are used, and no loop of its own:

* Its polling loop confirms updates before they are read, dies in silence when the token is revoked, spins on an
  update that it cannot parse, and prints what it read to the log. `Client.updates` is one plain request.
* `Bot.initialize` puts the token into the message of its error. It is not called.
* Its errors forget the HTTP status: 413 looks like a lost connection, 429 without a delay like a server error.
  `_Transport` raises `Refusal` instead, which keeps it. No request is ever repeated, here or below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from ssl import SSLContext
from typing import Any
from urllib.parse import quote

import httpx
from telegram import Bot, BotCommand, BotCommandScope, ChatFullInfo, ChatMember, Update, User
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.core.model import Chat
from bot.core.speech import Message
from bot.errors import BadMessage, ChatGone, ChatMoved, MaybeSent, SendError, TokenError, TryLater, Unreachable

POLL_SECONDS = 50  # as long as Telegram holds a poll open
_CONNECTIONS = 32  # 30 messages a second at an answer within a second, and a little air
_UPDATES = ("message", "callback_query", "my_chat_member", "chat_member")
_SENTENCE_SIZE = 200

_NOBODY = Chat("telegram", "", "")  # asked of no chat
_UNREADABLE = (
    KeyError,
    TypeError,
    AttributeError,
    ValueError,
)  # what the library raises at an object it did not expect
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

# Parts of the texts of 400 (telegram-bot-api, Client.cpp, and MTProto's error names), lower-case.
_GONE = (
    "chat not found",
    "user not found",
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "group chat was deactivated",
    "channel_private",
    "chat_admin_required",
    "chat_restricted",
    "chat_send_plain_forbidden",
    "chat_write_forbidden",
    "peer_id_invalid",
    "user_banned_in_channel",
    "user_is_blocked",
)
_NO_SUCH_THREAD = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")

_NOT_OURS = (
    "Telegram does not accept the bot token ({status}). Set POLICYBELL_TELEGRAM__TOKEN to the one that @BotFather "
    "shows, and telegram.api_url, if set, to the root of a Bot API server."
)
_OTHER_POLLER = (
    "Another program reads this bot's messages with the same token. Stop the other one, or give each its own bot."
)


class Refusal(TelegramError):
    """An answer with a status other than 2xx."""

    def __init__(self, status: int, description: str, parameters: Mapping[str, Any]) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    @classmethod
    def read(cls, status: int, body: bytes) -> Refusal:
        answer = _read_object(body)
        parameters = answer.get("parameters")
        return cls(status, str(answer.get("description", "")), parameters if isinstance(parameters, dict) else {})


class _Transport(HTTPXRequest):
    """The library's transport at the two points that it leaves open: reading a status and reading a body."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        status, body = await super().do_request(*args, **kwargs)
        if not httpx.codes.is_success(status):
            raise Refusal.read(status, body)
        return status, body

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = _read_object(payload)
        if "result" not in answer:
            raise TelegramError("the answer has no result")  # the library's own version logs the whole body
        return answer


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def meaning(error: TelegramError, chat: Chat) -> SendError | TokenError:
    """Say what an error of the library means. The sentences hold no ids and no tokens."""
    if isinstance(error, Refusal):
        return _meaning_of_refusal(error, chat)
    cause = type(error.__cause__).__name__ if error.__cause__ else "its answer could not be read"
    if isinstance(error.__cause__, _NOT_SENT):
        return Unreachable(f"Telegram could not be reached ({cause})")
    return MaybeSent(f"Telegram's answer was lost ({cause})")


def _meaning_of_refusal(error: Refusal, chat: Chat) -> SendError | TokenError:
    said = f"Telegram answered {error.status}: {error.description or 'no reason given'}"[:_SENTENCE_SIZE]
    match error.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            return TokenError(_NOT_OURS.format(status=error.status))
        case HTTPStatus.CONFLICT:
            return TokenError(_OTHER_POLLER)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TryLater(said, after=_delay(error.parameters))
        case HTTPStatus.BAD_REQUEST:
            return _meaning_of_bad_request(error, chat, said)
        case HTTPStatus.FORBIDDEN:
            return ChatGone(said)
    return _meaning_of_class(error.status, said)


def _meaning_of_class(status: int, said: str) -> SendError:
    if httpx.codes.is_redirect(status):
        return TryLater(f"{said}; a redirect: is telegram.api_url right?")
    return BadMessage(said) if httpx.codes.is_client_error(status) else MaybeSent(said)


def _meaning_of_bad_request(error: Refusal, chat: Chat, said: str) -> SendError:
    words = error.description.casefold()
    if new_id := error.parameters.get("migrate_to_chat_id"):
        return ChatMoved(Chat(chat.platform, chat.workspace, str(new_id)))
    if any(part in words for part in _NO_SUCH_THREAD):
        return ChatMoved(replace(chat, thread="")) if chat.thread else ChatGone(said)
    if any(part in words for part in _GONE):
        return ChatGone(said)
    return BadMessage(said)


def _delay(parameters: Mapping[str, Any]) -> timedelta | None:
    seconds = parameters.get("retry_after")
    return timedelta(seconds=min(seconds, 10**9)) if isinstance(seconds, int) and seconds > 0 else None


@contextmanager
def _translated(chat: Chat) -> Iterator[None]:
    try:
        yield
    except TelegramError as error:
        raise meaning(error, chat) from None  # the cause holds the address, and the address the token
    except _UNREADABLE as error:
        raise MaybeSent("Telegram's answer could not be read") from error


class Client:
    """One bot at one Bot API. Every method raises `SendError` or `TokenError`, and nothing else of the library's."""

    def __init__(self, token: str, api_url: str, *, answer_seconds: float = 20.0) -> None:
        root = f"{api_url.rstrip('/')}/bot"
        # A poll is answered within POLL_SECONDS; a message within seconds, or the repeat that follows is a copy.
        tls = httpx.create_ssl_context(trust_env=False)  # one for both: it holds every authority's certificate
        self._polls = _transport(tls, connections=2, read_seconds=POLL_SECONDS + 15)
        self._calls = _transport(tls, connections=_CONNECTIONS, read_seconds=answer_seconds)
        self._bot = Bot(token, base_url=root, request=self._calls, get_updates_request=self._polls)
        self._poll_url = f"{root}{token}/getUpdates"

    async def close(self) -> None:
        await self._polls.shutdown()
        await self._calls.shutdown()

    async def send(self, chat: Chat, message: Message) -> str:
        """Send a message and return its number."""
        native = dict(message.native)
        text = str(native.pop("text"))
        with _translated(chat):
            sent = await self._bot.send_message(
                _address(chat),
                text,
                message_thread_id=int(chat.thread) if chat.thread else None,
                disable_notification=message.silent or None,
                api_kwargs=native,
            )
            return str(sent.message_id)

    async def updates(self, offset: int) -> list[Update | int]:
        """Wait for updates from `offset` on; one that cannot be read is represented by its number.

        Asking from `offset` confirms all before it: Telegram forgets them.
        """
        wanted = quote(json.dumps(_UPDATES))
        with _translated(_NOBODY):
            found: object = await self._polls.post(
                f"{self._poll_url}?offset={offset}&timeout={POLL_SECONDS}&allowed_updates={wanted}"
            )
        if not isinstance(found, list):
            raise MaybeSent("Telegram's answer holds no updates")
        return [self._read_update(update) for update in found if isinstance(update, dict) and "update_id" in update]

    def _read_update(self, update: dict[str, Any]) -> Update | int:
        try:
            return Update.de_json(update, self._bot)
        except _UNREADABLE:
            return int(update["update_id"])

    async def me(self) -> User:
        with _translated(_NOBODY):
            return await self._bot.get_me()

    async def stop_webhook(self) -> None:
        """Make polling possible, whatever this token was used for before; nothing that waits is dropped."""
        with _translated(_NOBODY):
            await self._bot.delete_webhook(drop_pending_updates=False)

    async def set_menu(self, commands: Iterable[tuple[str, str]], scope: BotCommandScope) -> None:
        """Set what the menu of commands shows, as (name, description) pairs. For show only: rights are checked."""
        with _translated(_NOBODY):
            await self._bot.set_my_commands([BotCommand(name, about) for name, about in commands], scope)

    async def set_about(self, about: str, short: str) -> None:
        """Set what a person reads before the first message (512 characters), and on the bot's profile (120)."""
        with _translated(_NOBODY):
            await self._bot.set_my_description(about)
            await self._bot.set_my_short_description(short)

    async def member(self, chat_id: int, user_id: int) -> ChatMember:
        """Say what a user is in a group or channel, and may do there."""
        with _translated(_NOBODY):
            return await self._bot.get_chat_member(chat_id, user_id)

    async def described(self, chat: Chat) -> ChatFullInfo:
        """Look a chat up, by its number or its @name."""
        with _translated(chat):
            return await self._bot.get_chat(_address(chat))

    async def answer_press(self, query_id: str, text: str = "") -> None:
        """Stop the spinner on a pressed button, and show a text (200 characters) to whoever pressed it."""
        with _translated(_NOBODY):
            await self._bot.answer_callback_query(query_id, text or None, show_alert=bool(text) or None)


def _address(chat: Chat) -> int | str:
    """Give what the API calls `chat_id`."""
    if chat.id.startswith("@"):
        return chat.id
    if not re.fullmatch(r"-?\d{1,19}", chat.id):
        raise ChatGone("this is no Telegram chat: its id is a number, or @name for a public one")
    return int(chat.id)


def _transport(tls: SSLContext, *, connections: int, read_seconds: float) -> _Transport:
    return _Transport(
        connection_pool_size=connections,
        connect_timeout=10,
        read_timeout=read_seconds,
        write_timeout=10,
        pool_timeout=10,
        httpx_kwargs={"verify": tls, "trust_env": False},  # no proxy that nobody configured here
    )
