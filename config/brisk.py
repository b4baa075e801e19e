"""How people write when a source is asked more often: "2m", or parts of the day with an interval each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Any

from bot.core.office import WORKING_HOURS, Spell
from config.units import read_duration, spoken

_PART = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_WHEN = "Washington's working days"


def read_brisk(value: object) -> object:
    """Read an interval for working hours, or `{"08:40-09:00" = "1m", …}` by Washington's clock, or `off`."""
    if value == "off":
        return ()
    if isinstance(value, Mapping):
        return tuple(_spell(str(part), every) for part, every in value.items())
    if value is None or isinstance(value, tuple):
        return value
    return (Spell(*WORKING_HOURS, read_duration(value)),)


def brisk_problems(item: Mapping[str, Any], least: timedelta) -> Iterator[str]:
    """Say what is wrong with intervals that can be read."""
    try:
        spells = read_brisk(item.get("brisk"))
    except ValueError:
        return  # told already
    for spell in spells if isinstance(spells, tuple) else ():
        if spell.every < least:
            yield f"at least {spoken(least)}; got {spoken(spell.every)}"


def _spell(part: str, every: object) -> Spell:
    found = _PART.fullmatch(part)
    if not found:
        raise ValueError(f'write parts of {_WHEN} such as {{"08:40-09:00" = "1m"}}; got {part!r}')
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if begin >= end:
        raise ValueError(f"a part ends after it begins, on the same day; got {part!r}")
    return Spell(begin, end, read_duration(every))
