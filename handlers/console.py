"""The terminal chat: the smallest room, and the pattern for the others.

Lines are read as the terminal gives them and answered in order; an alert may come at any moment and gets a fresh
prompt. Everything printed is plain text without control characters; bold is used only where somebody can see it.
"""

from __future__ import annotations

import asyncio
import os
import textwrap
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TextIO

from bot.commands import read_line
from bot.core.card import card, late_list
from bot.core.model import Alert, Chat, Delivery
from bot.core.pace import Limit, Pace
from bot.core.speech import Call, Card, Mark, Message, Reply, Span
from bot.core.text import clean_controls
from bot.errors import TryLater
from bot.ports import Door

CHAT = Chat("console", "", "local")

_BOLD, _NORMAL = "\x1b[1m", "\x1b[0m"
_BAR = "  | "
_COLUMNS = 80  # where a terminal does not say how wide it is
_READ_BYTES = 4096


def wants_style(screen: TextIO, environ: Mapping[str, str]) -> bool:
    """Say whether bold makes sense: on a terminal, unless people asked for none (no-color.org)."""
    return screen.isatty() and not environ.get("NO_COLOR")


def wrapped(text: str, columns: int) -> str:
    """Break long lines between words. A quotation keeps its bar, an address stays whole."""
    lines = (
        textwrap.fill(
            line,
            max(columns - 1, 20),
            subsequent_indent=_BAR if line.startswith(_BAR) else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )
    return "\n".join(lines)


class Console:
    """The chat in this terminal. `keyboard` is read by its file descriptor, so that waiting for it blocks nobody."""

    name = "console"

    def __init__(self, keyboard: TextIO, screen: TextIO, *, styled: bool) -> None:
        self.pace = Pace(Limit(1_000, timedelta(seconds=1)), lambda _: ())  # a terminal has no limits to keep
        self._keyboard = keyboard
        self._screen = screen
        self._styled = styled
        self._prompt = ""

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        """Lay the alert out as lines of text. Pure."""
        laid_out = card(alert, repeat=repeat)
        styled = _text(_alert_spans(laid_out), styled=self._styled and not plain)
        text = _text(_alert_spans(laid_out), styled=False)
        return Message(text, {"text": styled, "id": f"a{alert.story.number}"}, silent=repeat)

    def render_list(self, late: Sequence[Delivery]) -> Message:
        """Lay late alerts out as lines of text. Pure."""
        spans = late_list(late)
        styled, text = (_text(spans, styled=styled) for styled in (self._styled, False))
        native = {"text": styled, "id": f"l{late[0].alert.story.number}"}
        return Message(text, native, silent=all(row.unsure for row in late))

    async def probe(self) -> None:
        """A terminal is always there."""

    async def send(self, chat: Chat, message: Message) -> str:  # noqa: ARG002  there is one chat here
        """Print the message above a fresh prompt."""
        try:
            self._print(f"\n{message.native['text']}\n\n")
        except OSError as error:
            raise TryLater("the terminal cannot be written to") from error
        return str(message.native["id"])

    async def tell(self, chat: Chat, reply: Reply) -> None:  # noqa: ARG002  there is one chat here
        """Print what is said above a fresh prompt."""
        try:
            self._print(f"\n{_text(_reply_spans(reply), styled=self._styled)}\n")
        except OSError as error:
            raise TryLater("the terminal cannot be written to") from error

    async def listen(self, door: Door) -> None:
        """Answer typed lines until cancelled. After the last line (Ctrl-D) alerts are still printed."""
        self._prompt = "> "
        self._print("")
        async for line in _lines(self._keyboard.fileno()):
            verb, args = read_line(line)
            reply = await door.answer(Call(verb, args, CHAT, may_change=True, is_operator=True)) if verb else _NOTHING
            self._print(_text(_reply_spans(reply), styled=self._styled))
        self._prompt = ""
        self._print("\nNothing more can be typed here. Ctrl-C stops the bot.\n")
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Leave the terminal on a line of its own. Closing twice is safe."""
        if self._prompt:
            self._prompt = ""
            self._print("\n")

    def _print(self, text: str) -> None:
        encoding = self._screen.encoding or "utf-8"
        if self._screen.isatty():
            text = wrapped(text, os.get_terminal_size(self._screen.fileno()).columns or _COLUMNS)
        self._screen.write(f"{text}{self._prompt}".encode(encoding, "replace").decode(encoding))
        self._screen.flush()


_NOTHING = Reply(())


async def _lines(keyboard: int) -> AsyncIterator[str]:
    """Yield whole lines as they are typed, until the end of input."""
    rest = b""
    async for piece in _pieces(keyboard):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


async def _pieces(keyboard: int) -> AsyncIterator[bytes]:
    """Yield what is typed when it is typed. The descriptor stays a blocking one: the screen may share it."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    def take() -> None:
        piece = _read(keyboard)
        pieces.put_nowait(piece)
        if not piece:
            loop.remove_reader(keyboard)  # the end is readable for ever

    try:
        loop.add_reader(keyboard, take)
    except PermissionError:  # a file or /dev/null is always ready, and cannot be watched
        while piece := _read(keyboard):
            yield piece
        return
    try:
        while piece := await pieces.get():
            yield piece
    finally:
        loop.remove_reader(keyboard)


def _read(keyboard: int) -> bytes:
    try:
        return os.read(keyboard, _READ_BYTES)
    except OSError:  # the terminal was closed
        return b""


def _alert_spans(laid_out: Card) -> Iterable[Span]:
    notice = f"[{laid_out.notice}] " if laid_out.notice else ""
    yield from (Span(notice), Span(laid_out.headline, Mark.BOLD), Span("\n"))
    yield from (*laid_out.byline, Span("\n"))
    if laid_out.excerpt:
        yield from (Span(_BAR), *laid_out.excerpt, Span("\n"))
    for name, value in laid_out.facts:
        yield Span(f"{name}: {value}\n")
    yield from (laid_out.link, Span("\n"), *laid_out.footer)


def _reply_spans(reply: Reply) -> Iterable[Span]:
    yield from (*reply.spans, Span("\n"))
    if reply.choices:
        yield Span(f"Next: {' · '.join(choice.line for choice in reply.choices)}\n")


def _text(spans: Iterable[Span], *, styled: bool) -> str:
    return "".join(_span_text(span, styled=styled) for span in spans)


def _span_text(span: Span, *, styled: bool) -> str:
    text = clean_controls(span.text)
    if span.url:
        text = f"{text} <{clean_controls(span.url)}>"
    return f"{_BOLD}{text}{_NORMAL}" if styled and span.mark is Mark.BOLD else text
