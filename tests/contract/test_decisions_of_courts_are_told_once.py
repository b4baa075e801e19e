"""A court gives the file of a decision a new name at will: its docket and day say which decision it is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import config
from bot.core.clean import clean
from bot.core.decide import judge
from bot.core.index import Index
from bot.core.intake import Entry, Hints
from bot.core.model import Fingerprint, Past, State
from bot.sources import load
from tests.builders import NOW, a_response, a_source

SHIPPED = tomllib.loads((Path(config.__file__).parent / "sources.toml").read_text("utf-8"))["sources"]
SOURCES = {item["id"]: item for item in SHIPPED}
COURT, BOARD = "scotus-slip", "eoir-ag-bia"


@dataclass(frozen=True)
class Row:
    """One row of either list."""

    docket: str = "22-506"
    day: str = "6/30/23"
    name: str = "Biden v. Nebraska"
    file: str = "/opinions/22pdf/22-506_nmip.pdf"


FIRST = Row()
OF_THE_BOARD = Row("ID 4074", "2024", "Matter of F-C-S-, 28 I&amp;N Dec. 788 (BIA 2024)", "/d9/4074.pdf")


def read(source_id: str, rows: Iterable[Row]) -> tuple[Entry, ...]:
    write = opinions if source_id == COURT else decisions
    body = f"<!doctype html><html><body>{write(rows)}</body></html>".encode()
    source = SOURCES[source_id]
    return load("listing").parse(a_response(body, url=source["url"]), Hints(source["select"])).entries


def opinions(rows: Iterable[Row]) -> str:
    cells = (
        (1, row.day, row.docket, f"<a href='{row.file}'>{row.name}</a>", "R", f"600/{at}")
        for at, row in enumerate(rows)
    )
    lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in cells)
    return f"<table class='table table-bordered'><tr><th>R-</th><th>Date</th></tr>{''.join(lines)}</table>"


def decisions(rows: Iterable[Row]) -> str:
    return "".join(
        f"<table><tr><td>{row.name}</td><td><a href='{row.file}'>{row.docket}</a></td></tr></table><p>Short.</p>"
        for row in rows
    )


def told(*lists: Iterable[Row], source_id: str = COURT) -> list[str]:
    """Judge lists as they come, one at each poll; say what became of the rows of each, by the alphabet."""
    source = a_source(id=source_id, kind="listing")
    known: dict[str, Fingerprint] = {}
    states: list[str] = []
    for rows in lists:
        became = []
        past = Past(tuple(known.values()), len(known))
        for verdict in judge(clean(source, read(source_id, rows), NOW), past, Index({}), baseline=False, now=NOW):
            made = verdict.document
            if verdict.state is not State.SEEN:
                known[made.id] = Fingerprint(made.id, source.id, verdict.story, made.number, made.digest, made.keys)
            became.append(verdict.state.value)
        states += sorted(became)
    return states


@pytest.mark.parametrize("source_id", [COURT, BOARD])
def test_a_file_with_another_name_is_the_same_decision(source_id: str) -> None:
    row = FIRST if source_id == COURT else OF_THE_BOARD
    amended, bound = (replace(row, file=f"/opinions/22pdf/{name}.pdf") for name in ("22-506_abcd", "600us1r56"))
    assert told([row], [amended], [bound], [row], source_id=source_id) == ["new", "seen", "seen", "seen"]


@pytest.mark.parametrize("source_id", [COURT, BOARD])
def test_a_file_with_another_name_and_title_is_a_version_of_it(source_id: str) -> None:
    row = FIRST if source_id == COURT else OF_THE_BOARD
    amended = replace(row, file="/opinions/22pdf/x_amended_2.pdf", name=f"{row.name}(as amended)")
    assert told([row], [amended], [amended], source_id=source_id) == ["new", "revision", "seen"]


@pytest.mark.parametrize("file", ["/opinions/22pdf/22-506_other.pdf", FIRST.file])
def test_two_decisions_of_one_docket_on_different_days_stay_two(file: str) -> None:
    later = replace(FIRST, day="7/1/23", file=file)
    assert told([FIRST, later]) == ["new", "new"]
    assert told([FIRST], [later, FIRST], [later]) == ["new", "new", "seen", "seen"]
    assert told([FIRST], [later]) == ["new", "new"]


@pytest.mark.parametrize("name", [FIRST.name, "Department of Education v. Brown"])
def test_two_files_of_one_docket_and_day_in_one_list_stay_two(name: str) -> None:
    second = replace(FIRST, name=name, file="/opinions/22pdf/22-506_second.pdf")
    assert told([FIRST, second], [FIRST, second]) == ["new", "new", "seen", "seen"]
    assert told([FIRST], [second, FIRST], [second]) == ["new", "new", "seen", "seen"]


def test_two_dockets_on_one_day_and_of_one_name_stay_two() -> None:
    second = replace(FIRST, docket="22-535", file="/opinions/22pdf/22-535_x.pdf")
    assert told([FIRST, second], [second, FIRST]) == ["new", "new", "seen", "seen"]


def test_without_a_docket_or_a_day_the_link_is_what_a_row_is_known_by() -> None:
    for row in (replace(FIRST, docket=""), replace(FIRST, day="soon", file="/opinions/22pdf/x.pdf")):
        [entry] = read(COURT, [row])
        assert entry.guid == entry.url
    [entry] = read(COURT, [FIRST])
    assert entry.guid == "decision:22-506 2023-06-30"
