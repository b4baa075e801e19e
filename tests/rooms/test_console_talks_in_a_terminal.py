"""The terminal chat: typed lines are answered, alerts come between them, nothing typed or sent moves the cursor."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.model import Chat
from bot.core.speech import Choice, Mark, Reply, Span
from bot.errors import TryLater
from handlers.console import Console, wants_style, wrapped
from tests.builders import a_document, a_story, an_alert
from tests.fakes.door import FakeDoor, until

CHAT = Chat("console", "", "local")


@dataclass
class Terminal:
    console: Console
    screen: io.StringIO
    keys: int

    def type(self, text: str) -> None:
        os.write(self.keys, text.encode())

    async def shows(self, text: str) -> None:
        await until(lambda: text in self.screen.getvalue())


@asynccontextmanager
async def a_terminal(door: FakeDoor, *, styled: bool = False) -> AsyncIterator[Terminal]:
    read, write = os.pipe()
    with os.fdopen(read) as keyboard, os.fdopen(write, "wb"):
        terminal = Terminal(Console(keyboard, screen := io.StringIO(), styled=styled), screen, write)
        listening = asyncio.create_task(terminal.console.listen(door))
        try:
            yield terminal
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await terminal.console.close()


async def test_lines_are_answered_in_order_with_what_to_type_next():
    answers = Reply((Span("Following "), Span("TPS", Mark.BOLD)), (Choice("Undo", "unfollow tps"),))
    async with a_terminal(door := FakeDoor(lambda _: answers)) as terminal:
        await terminal.shows("> ")
        terminal.type("Follow  tps\n\nlist")
        terminal.type("\n")
        await terminal.shows("Following TPS\nNext: unfollow tps\n> \n> Following TPS")
    assert [(call.verb, call.args) for call in door.calls] == [("follow", ("tps",)), ("list", ())]
    assert all(call.chat == CHAT and call.may_change and call.is_operator for call in door.calls)


async def test_an_alert_comes_between_lines_and_gets_a_fresh_prompt():
    async with a_terminal(FakeDoor()) as terminal:
        await terminal.shows("> ")
        alert = an_alert(a_story(5, a_document(5)), CHAT)
        receipt = await terminal.console.send(CHAT, terminal.console.render(alert, repeat=False, plain=False))
        shown = terminal.screen.getvalue()
    assert receipt == "a5"
    for part in ("measure number 5", "Newsroom 1", "https://newsroom-1.example/news/5", "#5", "Topic: TPS"):
        assert part in shown
    assert shown.endswith("\n\n> ")


async def test_before_it_listens_alerts_are_printed_without_a_prompt():
    console = Console(io.StringIO(), screen := io.StringIO(), styled=False)
    alert = an_alert(chat=CHAT)
    await console.send(CHAT, console.render(alert, repeat=True, plain=False))
    await console.close()
    assert "> " not in screen.getvalue()
    assert "[↻ may repeat]" in screen.getvalue()


async def test_the_end_of_input_leaves_the_bot_running():
    async with a_terminal(door := FakeDoor()) as terminal:
        terminal.type("status")
        os.close(os.dup(terminal.keys))
        os.dup2(os.open(os.devnull, os.O_WRONLY), terminal.keys)
        await terminal.shows("Nothing more can be typed here")
        await terminal.console.send(CHAT, terminal.console.render(an_alert(chat=CHAT), repeat=False, plain=False))
        assert not terminal.screen.getvalue().endswith("> ")
    assert [call.verb for call in door.calls] == ["status"]


async def test_a_terminal_that_hangs_up_is_an_end_of_input():
    near, far = os.openpty()  # reading the near end fails (EIO) once the far end is closed
    with os.fdopen(near) as keyboard:
        console = Console(keyboard, screen := io.StringIO(), styled=False)
        listening = asyncio.create_task(console.listen(FakeDoor()))
        os.write(far, b"list\n")
        await until(lambda: "You said list" in screen.getvalue())
        os.close(far)
        await until(lambda: "Nothing more" in screen.getvalue())
        listening.cancel()


async def test_a_file_can_be_typed_too(tmp_path: Path):
    (tmp_path / "lines").write_text("help\nlist\n", encoding="utf-8")
    with (tmp_path / "lines").open(encoding="utf-8") as keyboard:
        console = Console(keyboard, screen := io.StringIO(), styled=False)
        listening = asyncio.create_task(console.listen(FakeDoor()))
        await until(lambda: "Nothing more" in screen.getvalue())
        listening.cancel()
    assert "You said help" in screen.getvalue()
    assert "You said list" in screen.getvalue()


async def test_bold_is_shown_where_asked_for_and_never_in_plain():
    console = Console(io.StringIO(), io.StringIO(), styled=True)
    alert = an_alert(chat=CHAT)
    assert "\x1b[1m" in str(console.render(alert, repeat=False, plain=False).native["text"])
    assert "\x1b" not in str(console.render(alert, repeat=False, plain=True).native["text"])
    assert "\x1b" not in console.render(alert, repeat=False, plain=False).text


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\r\x08", "\u202e"])
async def test_nothing_from_a_feed_or_a_person_moves_the_cursor(hostile):
    document = a_document(1, title=f"Ti{hostile}tle", text=f"Te{hostile}xt", outlet=hostile)
    console = Console(io.StringIO(), io.StringIO(), styled=False)
    shown = console.render(an_alert(a_story(1, document), CHAT), repeat=False, plain=False)
    assert not set(hostile) & {"\x1b", "\x07", "\x08", "\x9b", "\r", "\u202e"} & set(str(shown.native["text"]))
    async with a_terminal(FakeDoor()) as terminal:
        terminal.type(f"why {hostile}\n")
        await terminal.shows("You said why")
        assert not {"\x1b", "\x07", "\x08", "\x9b", "\r", "\u202e"} & set(terminal.screen.getvalue())


async def test_a_screen_with_few_letters_gets_question_marks():
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(io.StringIO(), screen, styled=False)
    await console.send(CHAT, console.render(an_alert(chat=CHAT), repeat=True, plain=False))
    screen.seek(0)
    assert "[? may repeat]" in screen.read()


async def test_a_terminal_that_is_gone_is_tried_later():
    read, write = os.pipe()
    os.close(read)
    screen = os.fdopen(write, "w")
    console = Console(io.StringIO(), screen, styled=False)
    with pytest.raises(TryLater):
        await console.send(CHAT, console.render(an_alert(chat=CHAT), repeat=False, plain=False))
    with suppress(BrokenPipeError):
        screen.close()


def test_style_is_for_terminals_where_nobody_asked_for_none():
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_style(Screen(), {})
    assert not wants_style(Screen(), {"NO_COLOR": "1"})
    assert not wants_style(io.StringIO(), {})


def test_long_lines_break_between_words_and_keep_bars_and_addresses_whole():
    address = "<https://example.org/a-long-address/that-is-longer-than-a-line>"
    text = f"\nOne short line\n  | a quotation that is longer than one line\nRead it {address}\n"
    shown = wrapped(text, 30)
    assert shown.split("\n") == [
        "", "One short line", "  | a quotation that is", "  | longer than one line", "Read it", address, ""
    ]  # fmt: skip


async def test_a_terminal_is_filled_to_its_own_width():
    near, far = os.openpty()
    with os.fdopen(near, "rb"), os.fdopen(far, "w") as screen:
        console = Console(screen, screen, styled=False)  # nothing is typed
        await console.send(
            CHAT, console.render(an_alert(a_story(1, a_document(title="word " * 40))), repeat=False, plain=False)
        )
        shown = os.read(near, 4096).decode()
    assert max(len(line) for line in shown.splitlines()) < 80
    assert shown.count("word") >= 40
