"""Rows and facts laid out for people: in the width of the terminal, in one line each where there is none."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.core.text import clean_controls

_WIDTH_WITHOUT_TERMINAL = 1_000


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Lay rows out in columns; texts wrap where the terminal ends."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        grid.add_column(name.replace("_", " ").upper(), overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(row.get(name)) for name in columns))
    return _printed(grid)


def facts(values: Mapping[str, object]) -> str:
    """Lay out one thing's values, a line each."""
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in values.items():
        grid.add_row(name.replace("_", " "), _cell(value))
    return _printed(grid)


def _cell(value: object) -> Text:
    match value:
        case None:
            return Text("")
        case bool():
            return Text("yes" if value else "no")
        case _:
            return Text(clean_controls(str(value)))


def _printed(grid: Table) -> str:
    on_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_terminal else _WIDTH_WITHOUT_TERMINAL
    text = io.StringIO()
    Console(file=text, width=width, force_terminal=on_terminal, highlight=False).print(grid)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
