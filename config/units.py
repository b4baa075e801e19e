"""How people write time, size and share in settings: "10m", "5MiB", "20%"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3}
_MEASURE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([A-Za-z%]*)")
_LONGEST_SECONDS = 3650 * 86_400

_Ordered = TypeVar("_Ordered", timedelta, int, float)


def _measure(value: object, units: dict[str, float], bare: str) -> float | None:
    """Return the amount in the smallest unit, or None where `value` is not one. A bare number counts in `bare`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _MEASURE.fullmatch(str(value).strip())
    unit = found and (found[2] or bare)
    return float(found[1]) * units[unit] if found and unit in units else None


def read_duration(value: object) -> timedelta:
    """Read `90`, `"90"`, `"15s"`, `"10m"`, `"6h"`, `"3d"`; a bare number is seconds."""
    if isinstance(value, timedelta):
        return value
    seconds = _measure(value, dict(_SECONDS), "s")
    if seconds is None:
        raise ValueError(f'write seconds, or a text such as "5m"; got {value!r}')
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"at most ten years; got {value!r}")
    return timedelta(seconds=seconds)


def read_size(value: object) -> int:
    """Read `5242880`, `"5MiB"`, `"500 kB"`; a bare number is bytes."""
    size = _measure(value, dict(_BYTES), "B")
    if size is None:
        raise ValueError(f'write bytes, or a text such as "5MiB"; got {value!r}')
    return int(size)


def read_share(value: object) -> float:
    """Read `0.2` or `"20%"`."""
    share = _measure(value, {"%": 0.01, "": 1.0}, "")
    if share is None or share > 1:
        raise ValueError(f'write a share such as "20%"; got {value!r}')
    return share


def spoken(value: timedelta | float) -> str:
    """Write a bound the way a setting is written."""
    if not isinstance(value, timedelta):
        return f"{value:,}"
    seconds = value.total_seconds()
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.10g}{unit}"
    return f"{seconds:.10g}s"


def between(least: _Ordered, most: _Ordered) -> Callable[[_Ordered], _Ordered]:
    """Return a check that a value lies within two bounds, both allowed."""

    def check(value: _Ordered) -> _Ordered:
        if value < least:
            raise ValueError(f"at least {spoken(least)}; got {spoken(value)}")
        if value > most:
            raise ValueError(f"at most {spoken(most)}; got {spoken(value)}")
        return value

    return check


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Size = Annotated[int, BeforeValidator(read_size)]
Share = Annotated[float, BeforeValidator(read_share)]


def duration_between(least: str, most: str) -> AfterValidator:
    """Return the check for a `Duration`, its bounds written as people write them."""
    return AfterValidator(between(read_duration(least), read_duration(most)))
