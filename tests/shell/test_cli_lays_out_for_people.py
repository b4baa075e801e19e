from __future__ import annotations

from bot.cli.layout import facts, table


def test_rows_stand_in_columns_under_their_names() -> None:
    text = table([{"id": "a", "state": "ok"}, {"id": "longer", "state": "failing"}], ("id", "state"))
    assert text.splitlines() == ["ID      STATE", "a       ok", "longer  failing"]


def test_without_a_terminal_a_row_is_a_line_however_long() -> None:
    text = table([{"id": "a", "why": "word " * 100}], ("id", "why"))
    assert len(text.splitlines()) == 2


def test_facts_stand_a_line_each() -> None:
    text = facts({"next_poll_at": None, "may_have_arrived": True, "attempts": 0})
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "next poll at",
        "may have arrived yes",
        "attempts 0",
    ]


def test_what_sources_say_is_shown_as_text_and_never_as_markup_or_control() -> None:
    text = table([{"title": "[bold]x[/bold] \x1b[31mred\x07"}], ("title",))
    assert text.splitlines()[1] == "[bold]x[/bold] [31mred"
