"""What is said and asked: an alert before any platform, a message for one, a command line and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.core.model import Chat


class Mark(StrEnum):
    """How a span of text stands out. Each room has its own way to show it, or none."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of plain text; `url` makes it a link. Line breaks are in the text."""

    text: str
    mark: Mark = Mark.PLAIN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """An alert before any platform. `excerpt` has the matched words in bold; `facts` are (name, value) lines."""

    headline: str
    byline: tuple[Span, ...]
    excerpt: tuple[Span, ...]
    facts: tuple[tuple[str, str], ...]
    link: Span
    footer: tuple[Span, ...]
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a room sends: `text` is the plain fallback, `native` the platform's own JSON, `silent` for a repeat."""

    text: str
    native: Mapping[str, object]
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A command line, whatever it came from. `may_change` is the room's word on the actor's rights in this chat.

    `actor` is the platform's id of whoever typed or pressed, empty where it is nobody known; `in_private` says that
    nobody else is in this chat. Neither is kept. `is_operator` is set by rooms of this machine, else by the front door.
    """

    verb: str
    args: tuple[str, ...]
    chat: Chat
    may_change: bool = False
    is_operator: bool = False
    actor: str = ""
    in_private: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: pressing it is typing `line`."""

    label: str
    line: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `ok` is False where the line was refused; the command line turns that into an exit code.

    One without spans is silence: a room says nothing then.
    """

    spans: tuple[Span, ...]
    choices: tuple[Choice, ...] = ()
    ok: bool = True
