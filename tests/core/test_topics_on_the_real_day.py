"""The day that this product began with, 5 October 2023, and forty releases in which nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bot.core.index import find, read_page
from bot.core.query import Query
from config.topics import shipped_queries
from tests.shared_data import shared

EVENT = "samples/seed-event/seed_event_2023-10-05.labelled.jsonl"
WHOLE_DAY = "samples/seed-event/all_items_major_outlets_2023-10-05.jsonl"
NOISE = "samples/noise/dhs_releases.labelled.jsonl"
WALL = "hard_negative_border_wall_event"


@pytest.fixture(scope="module")
def queries() -> dict[str, Query]:
    return {name: query for name, query in shipped_queries().items() if name != "deportation"}


def rows(path: str) -> Iterator[dict[str, str]]:
    return map(json.loads, shared(path).read_text(encoding="utf-8").splitlines())


def matching(queries: dict[str, Query], row: dict[str, str]) -> set[str]:
    page = read_page(row["title"], row.get("summary_excerpt") or "")
    return {name for name, query in queries.items() if find(query, page) is not None}


def test_every_report_of_the_event_is_found(queries: dict[str, Query]) -> None:
    reports = [row for row in rows(EVENT) if row["label"] == "same_event"]
    assert len(reports) == 10
    assert [row["title"] for row in reports if not matching(queries, row) & {"removal", "tps"}] == []


def test_the_border_wall_of_the_same_day_is_another_matter(queries: dict[str, Query]) -> None:
    waivers = [row for row in rows(EVENT) if row["label"] == WALL]
    assert len(waivers) == 10
    assert [row["title"] for row in waivers if matching(queries, row) - {"border"}] == []


def test_the_rest_of_the_day_is_silent_but_for_the_wall(queries: dict[str, Query]) -> None:
    labelled = {row["link"] for row in rows(EVENT)}
    others = [row for row in rows(WHOLE_DAY) if row["link"] not in labelled]
    found = {row["title"]: matching(queries, row) for row in others}
    assert [title for title, topics in found.items() if topics & {"removal", "tps", "asylum", "detention"}] == []
    # Read one by one: seventeen headlines about the wall, and one about the screening of visa applicants.
    assert sum(map(bool, found.values())) <= 20


def test_releases_that_change_nothing_are_silent(queries: dict[str, Query]) -> None:
    releases = list(rows(NOISE))
    assert len(releases) == 40
    assert [row["title"] for row in releases if matching(queries, row)] == []
