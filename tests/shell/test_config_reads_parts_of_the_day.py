"""`brisk`: an interval for working hours, parts of a day, or off; and what is usual for a kind."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from bot.core.office import CLOCKS, WORKING_HOURS, Spell
from config.brisk import brisk_problems, read_brisk
from config.settings import Settings, Source

MINUTE = timedelta(minutes=1)


def a_source(**changes: Any) -> Source:
    return Source.model_validate({"id": "one", "name": "One", "kind": "feed", "url": "https://one.example/"} | changes)


@pytest.mark.parametrize(
    ("written", "spells"),
    [
        ("2m", (Spell(*WORKING_HOURS, 2 * MINUTE),)),
        (90, (Spell(*WORKING_HOURS, 1.5 * MINUTE),)),
        (
            {"08:40-09:00": "1m", "09:00-17:30": "3m"},
            (Spell(time(8, 40), time(9), MINUTE), Spell(time(9), time(17, 30), 3 * MINUTE)),
        ),
        ("off", ()),
        ({}, ()),
    ],
)
def test_what_people_write_is_read(written: object, spells: tuple[Spell, ...]) -> None:
    assert a_source(brisk=written).brisk == spells
    assert read_brisk(spells) == spells


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("often", "write seconds"),
        ({"8:40-9": "1m"}, "write parts of Washington's working days"),
        ({"08:40-24:00": "1m"}, "write parts of Washington's working days"),
        ({"20:00-06:00": "1m"}, "a part ends after it begins"),
        ({"08:40-08:40": "1m"}, "a part ends after it begins"),
        ({"08:40-09:00": "often"}, "write seconds"),
    ],
)
def test_what_cannot_be_read_is_told_how_to_write_it(written: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        a_source(brisk=written)
    assert list(brisk_problems({"brisk": written}, MINUTE)) == []  # told once, by the above


def test_no_part_of_a_day_goes_below_the_shortest_interval() -> None:
    parts = {"08:40-09:00": "30s", "09:00-17:30": "3m"}
    assert list(brisk_problems({"brisk": parts}, MINUTE)) == ["at least 1m; got 30s"]
    assert list(brisk_problems({"brisk": "2m"}, MINUTE)) == []
    assert list(brisk_problems({}, MINUTE)) == []


def test_kinds_with_an_official_clock_keep_it_unless_the_source_says_otherwise() -> None:
    told = Settings(
        sources=(
            a_source(id="desk", kind="public_inspection"),
            a_source(id="court", kind="docket", brisk="off"),
            a_source(id="news"),
            a_source(id="house", brisk="2m"),
        )
    )
    brisk = {spec.id: spec.brisk for spec in told.source_specs()}
    assert brisk["desk"] == CLOCKS["public_inspection"]
    assert brisk["house"] == (Spell(*WORKING_HOURS, 2 * MINUTE),)
    assert brisk.get("court", ()) == brisk["news"] == ()
