"""Logs: events with keys, one line each, and nothing in them that is secret or personal.

Every line, ours or a library's, takes the same way: structlog over the standard library's handlers, exceptions
turned to text, chats to pseudonyms, the whole rendered, and the finished line redacted last. What is redacted is
known twice over: the exact secrets in use, in the spellings they travel in, and everything that looks like one.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Literal
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.core.model import Chat
from bot.pseudonyms import digest, pseudonym

Format = Literal["auto", "console", "json"]

# These log tokens, addresses with tokens in them, or whole messages below WARNING.
_NEVER_BELOW_WARNING = frozenset({"httpx", "httpcore", "telegram", "slack_bolt", "slack_sdk", "aiohttp", "apscheduler"})

_TOKENS = re.compile(
    r"(?<!\d)\d{6,12}(?::|%3A)[A-Za-z0-9_-]{30,}"  # Telegram
    r"|\b(?:xoxe\.)?xox[a-z]-[A-Za-z0-9-]{8,}"  # Slack: bots, users, tokens that expire, refresh tokens
    r"|\bxapp-[A-Za-z0-9-]{8,}"  # Slack: apps
)
_CHATS = re.compile(
    r"\bChat\([^)]*\)"  # the repr of a chat
    r"|\b(?:telegram|slack):(?!//)[\w/-]+(?:#\w+)?"  # a chat as people write it
    r"|(?<!\d)-100\d{8,13}(?!\d)"  # Telegram groups and channels
    r"|(?<![A-Z0-9])[CDGTUW](?=[A-Z]*\d)[A-Z0-9]{7,12}(?![A-Z0-9])"  # Slack channels, teams, people
)
_NUMBERS = re.compile(r"(?<!\d)-?\d{5,}(?!\d)")
_MOST_KNOWN = 10_000  # chats whose bare ids are recognized: those that were logged last
_MOST_LEARNED = 1_000  # secrets that came after the start
_SHORTEST_SECRET = 6  # what is shorter would blot out innocent text
_HIDDEN = "[secret]"


Hide = Callable[[str], None]


def set_up(*, format: Format, level: str, secrets: Collection[str], chat_key: Callable[[], bytes]) -> Hide:  # noqa: A002 - its name in bot.toml
    """Send all logs of this process to stderr, once: ours and those of libraries, redacted last.

    `auto` is for people on a terminal and JSON elsewhere. `chat_key` gives the key of the pseudonyms of chats. Returns
    what is to be told of every secret that comes later, before it is used.
    """
    on_terminal = sys.stderr.isatty()
    shown = "console" if format == "console" or (format == "auto" and on_terminal) else "json"
    colors = on_terminal and not os.environ.get("NO_COLOR")
    redactor = Redactor(secrets, chat_key)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_worth_a_line)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redactor.name_chats,
                redactor.around(_console(colors=colors) if shown == "console" else _json()),
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    set_level(level)
    _log_what_nobody_caught()
    return redactor.hide


def set_level(level: str) -> None:
    """Let lines of this level and above through. `auto` is `error` where somebody chats in this terminal, or `info`."""
    chosen = ("error" if sys.stdin.isatty() else "info") if level == "auto" else level
    number = logging.getLevelNamesMapping()[chosen.upper()]
    logging.root.setLevel(number)
    for library in _NEVER_BELOW_WARNING:
        logging.getLogger(library).setLevel(max(number, logging.WARNING))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(number))


class Redactor:
    """Takes out of a finished line what must not be in it."""

    def __init__(self, secrets: Collection[str], chat_key: Callable[[], bytes]) -> None:
        self._spelled = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _spellings(secret)}
        self._secrets: re.Pattern[str] | None = None
        self._learned: dict[str, None] = {}
        self._key = chat_key
        self._known: dict[str, Chat] = {}

    def hide(self, secret: str) -> None:
        """Take out this secret too, from now on. Of those that were learned so, the latest thousand are known."""
        if len(secret) >= _SHORTEST_SECRET and secret not in self._learned:
            self._learned[secret] = None
            while len(self._learned) > _MOST_LEARNED:
                del self._learned[next(iter(self._learned))]
            self._secrets = None

    def name_chats(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Put pseudonyms where events carry chats, and remember the ids: libraries may write them bare."""
        for key, value in event.items():
            if isinstance(value, Chat):
                event[key], self._known[value.id] = pseudonym(value, self._key()), value
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return event

    def around(self, render: Processor) -> Processor:
        """Return a renderer whose line has been redacted, whatever it was made of."""

        def redacted(logger: WrappedLogger, method: str, event: EventDict) -> str:
            return self.redact(str(render(logger, method, event)))

        return redacted

    def redact(self, text: str) -> str:
        """Return the text without secrets, and with pseudonyms for chats."""
        if self._secrets is None:  # several secrets may have come since: compiling takes 60 ms for a thousand
            self._secrets = _any_of({*self._spelled, *(form for one in self._learned for form in _spellings(one))})
        text = self._secrets.sub(_HIDDEN, text)
        text = _TOKENS.sub(_HIDDEN, text)
        text = _CHATS.sub(lambda found: f"chat~{digest(found[0], self._key())}", text)
        return _NUMBERS.sub(self._named, text)

    def _named(self, number: re.Match[str]) -> str:
        known = self._known.get(number[0])
        return number[0] if known is None else pseudonym(known, self._key())


def _any_of(texts: Collection[str]) -> re.Pattern[str]:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _spellings(secret: str) -> set[str]:
    """Give a secret as it looks in JSON, in a Python literal, in an address, and in one of these inside another."""
    forms = {secret}
    for _ in range(2):
        forms |= {json.dumps(form)[1:-1] for form in forms} | {repr(form)[1:-1] for form in forms}
        forms |= {quote(form) for form in forms} | {quote(form, safe="") for form in forms}
    return forms


def _json() -> Processor:
    return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)


def _console(*, colors: bool) -> Processor:
    # the default of structlog prints the local variables of every frame where rich is installed
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Hold back what chatty libraries say below WARNING, even where they set their own levels."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _NEVER_BELOW_WARNING


def _log_what_nobody_caught() -> None:
    """Have the last resorts of Python write a line as well, instead of a raw traceback on stderr."""
    log = structlog.get_logger("bot.logs")

    def in_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("process.crashed", exc_info=(kind, error, trace))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        log.critical("thread.crashed", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        log.error("error.unraisable", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = in_main, in_thread, unraisable
