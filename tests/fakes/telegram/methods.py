"""The methods that the bot uses, as strict as the official server. An unknown one is answered 404."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.telegram.members import BOT_ID, is_in, member_json, user_json
from tests.fakes.telegram.oracle import MAX_ENTITIES, ApiError, Entity, Formatted, parse
from tests.fakes.telegram.world import Room

if TYPE_CHECKING:
    from tests.fakes.telegram.server import FakeTelegram

Arguments = dict[str, str]
Method = Callable[["FakeTelegram", Arguments], Awaitable[object]]
METHODS: dict[str, tuple[frozenset[str], Method]] = {}

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SCOPES = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators"}
_BUTTON_KEYS = {"text", "callback_data", "url", "style", "icon_custom_emoji_id"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that Telegram took, recorded before the answer. `raw` is what was sent."""

    chat: int
    thread: int
    formatted: Formatted
    raw: str
    silent: bool
    preview: bool
    message: dict
    at: float

    @property
    def text(self) -> str:
        return self.formatted.text

    @property
    def buttons(self) -> list[tuple[str, str]]:
        """Give the (label, data) of every button."""
        rows = self.message.get("reply_markup", {}).get("inline_keyboard", [])
        return [(button["text"], button["callback_data"]) for row in rows for button in row]


def method(name: str, allowed: str = "") -> Callable[[Method], Method]:
    """Enter a method with the arguments that the bot may use; any other is a violation."""

    def enter(run: Method) -> Method:
        METHODS[name] = (frozenset(allowed.split()), run)
        return run

    return enter


@method("getMe")
async def get_me(server: FakeTelegram, arguments: Arguments) -> object:
    abilities = {"can_join_groups": server.joins_groups, "can_read_all_group_messages": server.reads_groups}
    return user_json(BOT_ID) | {"username": server.username, "supports_inline_queries": False} | abilities


@method("deleteWebhook", "drop_pending_updates")
async def delete_webhook(server: FakeTelegram, arguments: Arguments) -> object:
    server.webhook = ""
    return True


@method("getUpdates", "offset limit timeout allowed_updates")
async def get_updates(server: FakeTelegram, arguments: Arguments) -> object:
    timeout = int(arguments.get("timeout", "0"))
    if timeout > 50:
        server.violations.append(f"getUpdates: {timeout} s is longer than the 50 s that Telegram holds a poll")
    allowed = json.loads(arguments.get("allowed_updates", "null"))
    limit = int(arguments.get("limit", "100"))
    return await server.long_poll(int(arguments.get("offset", "0")), limit, timeout, allowed)


@method(
    "sendMessage",
    "chat_id message_thread_id text parse_mode link_preview_options disable_notification reply_markup",
)
async def send_message(server: FakeTelegram, arguments: Arguments) -> object:
    room = find_room(server, arguments)
    formatted = parse(arguments.get("text", ""), arguments.get("parse_mode", ""))
    markup = _keyboard(arguments)
    thread = _thread(room, arguments)
    _check_write(server, room)
    _check_flood(server, room)
    return _accept(server, room, formatted, arguments, thread=thread, **markup)


def _accept(server: FakeTelegram, room: Room, formatted: Formatted, arguments: Arguments, **extra: object) -> dict:
    kept = formatted.entities[:MAX_ENTITIES]
    if len(kept) < len(formatted.entities):
        server.violations.append(f"sendMessage: {len(formatted.entities)} entities, of which {MAX_ENTITIES} count")
    message = server.world.message(room, formatted.text.strip(), **extra) | {"from": user_json(BOT_ID)}
    message |= {"entities": [_entity(entity) for entity in kept]} if kept else {}
    preview = json.loads(arguments.get("link_preview_options", "{}"))
    server.accepted.append(
        Accepted(
            chat=room.id,
            thread=message.get("message_thread_id", 0),
            formatted=Formatted(formatted.text, kept),
            raw=arguments["text"],
            silent=arguments.get("disable_notification", "").lower() == "true",
            preview=not preview.get("is_disabled", False),
            message=message,
            at=server.now(),
        )
    )
    return message


def _entity(entity: Entity) -> dict[str, object]:
    names = {"TextUrl": "text_link", "BlockQuote": "blockquote"}
    described = {"offset": entity.offset, "length": entity.length, "type": names.get(entity.kind, entity.kind.lower())}
    return described | ({"url": entity.url} if entity.url else {})


def find_room(server: FakeTelegram, arguments: Arguments) -> Room:
    """Find the chat that is meant, as `chat_id` is read: an integer or @name, of public chats alone."""
    text = arguments.get("chat_id", "")
    if not text:
        raise ApiError(400, "Bad Request: chat_id is empty")
    rooms = server.world.rooms
    room = rooms.get(int(text)) if re.fullmatch(r"-?\d+", text) else None
    if text.startswith("@") and len(text) > 1:
        named = (one for one in rooms.values() if one.username.casefold() == text[1:].casefold())
        room = next(named, None)
    if room is None:
        raise ApiError(400, "Bad Request: chat not found")
    return room


def _check_write(server: FakeTelegram, room: Room) -> None:
    if room.migrated_to:
        words = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, words, migrate_to_chat_id=room.migrated_to)
    if room.refusal:
        raise ApiError(*room.refusal)
    bot = room.members[BOT_ID]
    _check_in(room)
    if room.kind == "channel" and bot != "administrator":
        raise ApiError(400, "Bad Request: need administrator rights in the channel chat")
    if bot == "muted":
        raise ApiError(400, "Bad Request: not enough rights to send text messages to the chat")


def _check_in(room: Room) -> None:
    """Refuse where the bot is not in the chat, in the words for each way of not being in it."""
    bot = room.members[BOT_ID]
    if room.kind == "private" and bot == "kicked":
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if bot == "kicked":
        raise ApiError(403, f"Forbidden: bot was kicked from the {room.kind} chat")
    if not is_in(bot):
        raise ApiError(403, f"Forbidden: bot is not a member of the {room.kind} chat")


def _check_flood(server: FakeTelegram, room: Room) -> None:
    now = server.now()
    closed = server.flood.closed(room.id, now)
    wait = closed or server.flood.accept(room.id, now)
    if not wait:
        return
    if not (closed and server.announce_closing(room.id)):
        server.violations.append(f"sendMessage: {wait} s too early for chat {room.id}")
    raise ApiError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)


def _thread(room: Room, arguments: Arguments) -> int:
    thread = int(arguments.get("message_thread_id", "0"))
    if thread and thread not in room.topics:
        raise ApiError(400, "Bad Request: message thread not found")
    if thread in room.closed:
        raise ApiError(400, "Bad Request: TOPIC_CLOSED")
    return thread


def _keyboard(arguments: Arguments) -> dict:
    if "reply_markup" not in arguments:
        return {}
    markup = json.loads(arguments["reply_markup"])
    rows = markup.get("inline_keyboard", [])
    if set(markup) != {"inline_keyboard"} or any(len(row) > 8 for row in rows) or sum(map(len, rows)) > 100:
        raise ApiError(400, "Bad Request: REPLY_MARKUP_INVALID")
    for button in (button for row in rows for button in row):
        if set(button) - _BUTTON_KEYS or not button.get("text"):
            raise ApiError(400, "Bad Request: can't parse inline keyboard button: text buttons are unallowed")
        if not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return {"reply_markup": markup} if rows else {}


@method("answerCallbackQuery", "callback_query_id text show_alert cache_time")
async def answer_callback_query(server: FakeTelegram, arguments: Arguments) -> object:
    query = arguments.get("callback_query_id", "")
    if query not in server.world.unanswered:
        words = "Bad Request: query is too old and response timeout expired or query ID is invalid"
        raise ApiError(400, words)
    if len(arguments.get("text", "")) > 200:
        raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
    del server.world.unanswered[query]
    server.toasts.append((query, arguments.get("text", "")))
    return True


@method("getChat", "chat_id")
async def get_chat(server: FakeTelegram, arguments: Arguments) -> object:
    """Describe a chat. A public channel is shown to every bot."""
    room = find_room(server, arguments)
    if room.migrated_to:
        words = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, words, migrate_to_chat_id=room.migrated_to)
    if not room.username:
        _check_in(room)
    gifts = {"unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"}
    return room.json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
        "description": "what it is about",
    }


@method("getChatMember", "chat_id user_id")
async def get_chat_member(server: FakeTelegram, arguments: Arguments) -> object:
    room = find_room(server, arguments)
    user = int(arguments["user_id"])
    if room.refusal:
        raise ApiError(*room.refusal)
    _check_in(room)
    if room.kind == "channel" and room.members[BOT_ID] not in {"administrator", "editor"}:
        raise ApiError(400, "Bad Request: member list is inaccessible")
    if user not in room.members:
        raise ApiError(400, "Bad Request: member not found")
    return member_json(user, room.members[user], room.kind)


@method("setMyCommands", "commands scope language_code")
async def set_my_commands(server: FakeTelegram, arguments: Arguments) -> object:
    commands = json.loads(arguments.get("commands", "[]"))
    scope = json.loads(arguments.get("scope", '{"type": "default"}'))
    if scope["type"] not in _SCOPES:
        raise ApiError(400, "Bad Request: can't parse BotCommandScope: unsupported type specified")
    if len(commands) > 100:
        raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(command["command"]):
            raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    server.menus[scope["type"]] = {command["command"]: command["description"] for command in commands}
    return True


@method("setMyDescription", "description language_code")
async def set_my_description(server: FakeTelegram, arguments: Arguments) -> object:
    return _describe(server, "description", arguments, 512)


@method("setMyShortDescription", "short_description language_code")
async def set_my_short_description(server: FakeTelegram, arguments: Arguments) -> object:
    return _describe(server, "short_description", arguments, 120)


def _describe(server: FakeTelegram, name: str, arguments: Arguments, most: int) -> bool:
    if len(arguments.get(name, "")) > most:
        raise ApiError(400, f"Bad Request: BOT_{name.upper()}_INVALID")
    server.about[name] = arguments.get(name, "")
    return True
