"""What Telegram's own parser makes of a text: TDLib, the code that the official Bot API server links, offline."""

from __future__ import annotations

import json
from dataclasses import dataclass

import tdjson

MAX_RAW_BYTES = 1 << 15  # before parsing (telegram-bot-api, Client::get_formatted_text)
MAX_VISIBLE = 4_096  # after parsing; counted in UTF-16 units, the stricter reading of the documentation
MAX_ENTITIES = 100  # further ones are dropped without a word


class ApiError(Exception):
    """A refusal, as the Bot API words it."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, object]:
        answer: dict[str, object] = {"ok": False, "error_code": self.status, "description": self.description}
        return answer | ({"parameters": self.parameters} if self.parameters else {})


@dataclass(frozen=True, slots=True)
class Entity:
    """A run of formatted text; offsets are UTF-16 units. `kind` is TDLib's: Bold, TextUrl, Mention …"""

    kind: str
    offset: int
    length: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text as readers see it."""

    text: str
    entities: tuple[Entity, ...]

    def part(self, entity: Entity) -> str:
        """Give the words that an entity covers."""
        units = self.text.encode("utf-16-le")
        return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")

    def parts(self, kind: str) -> list[str]:
        return [self.part(entity) for entity in self.entities if entity.kind == kind]

    def links(self) -> list[tuple[str, str]]:
        """Give the (label, address) of every link that survived."""
        return [(self.part(entity), entity.url) for entity in self.entities if entity.kind == "TextUrl"]


def units(text: str) -> int:
    """Count UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(text: str, parse_mode: str) -> Formatted:
    """Read a text as sendMessage does; raise `ApiError` with the true words where it is refused."""
    if not text:
        raise ApiError(400, "Bad Request: message text is empty")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_RAW_BYTES:
        raise ApiError(400, "Bad Request: text is too long")
    if parse_mode.lower() not in {"", "none", "html"}:
        raise ApiError(400, "Bad Request: unsupported parse_mode")
    formatted = parse_html(text) if parse_mode.lower() == "html" else Formatted(text, ())
    if not formatted.text.strip():
        raise ApiError(400, "Bad Request: text must be non-empty")
    if units(formatted.text) > MAX_VISIBLE:
        raise ApiError(400, "Bad Request: message is too long")
    return formatted


def parse_html(text: str) -> Formatted:
    """Parse HTML as TDLib does, of any length."""
    mode = {"@type": "textParseModeHTML"}
    answer = _ask({"@type": "parseTextEntities", "text": text, "parse_mode": mode})
    if answer["@type"] == "error":
        words = str(answer["message"])
        raise ApiError(int(answer["code"]), f"Bad Request: {words[0].lower()}{words[1:]}")
    return Formatted(str(answer["text"]), _entities(answer))


def found_in(text: str) -> Formatted:
    """Find what Telegram makes clickable by itself: mentions, commands, addresses, hashtags."""
    return Formatted(text, _entities(_ask({"@type": "getTextEntities", "text": text})))


def _ask(request: dict[str, object]) -> dict:
    return json.loads(tdjson.td_execute(json.dumps(request).encode()))


def _entities(answer: dict) -> tuple[Entity, ...]:
    return tuple(
        Entity(
            entity["type"]["@type"].removeprefix("textEntityType"),
            entity["offset"],
            entity["length"],
            entity["type"].get("url", ""),
        )
        for entity in answer["entities"]
    )


_ask({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})  # else every call is written to stderr
