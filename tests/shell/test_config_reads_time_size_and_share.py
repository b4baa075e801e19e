from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.units import read_duration, read_share, read_size, spoken
from config.words import read_time_of_day


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("15s", 15),
        ("72h", 259_200),
        ("1.5h", 5400),
        (90, 90),
        ("90", 90),
        ("250ms", 0.25),
        ("2 d", 172_800),
    ],
)
def test_durations_are_read(text: str | int, seconds: float) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["5 minutes", "", "m", "-5m", "1h30m", "∞", "٣m", None, [], "5M"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match='write seconds, or a text such as "5m"'):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("5MiB", 5_242_880), ("5MB", 5_000_000), (10, 10), ("1.5 KiB", 1536), ("7B", 7)]
)
def test_sizes_are_read(text: str | int, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize(("text", "share"), [("20%", 0.2), (0.2, 0.2), ("0", 0), ("100%", 1)])
def test_shares_are_read(text: str | float, share: float) -> None:
    assert read_share(text) == pytest.approx(share)


@given(st.integers(min_value=0, max_value=3650 * 86_400))
def test_what_is_spoken_is_read_back(seconds: int) -> None:
    assert read_duration(spoken(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_any_value_is_read_or_refused_with_a_sentence(value: object) -> None:
    for read in (read_duration, read_size, read_share):
        try:
            read(value)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("text", "at"), [("03:30", time(3, 30)), ("00:00", time(0)), ("23:59", time(23, 59)), ("off", None)]
)
def test_a_time_of_day_is_read(text: str, at: time | None) -> None:
    assert read_time_of_day(text) == at


@pytest.mark.parametrize("text", ["3:30", "24:00", "03:60", "0330", "noon", "", 330, True, "03:30:00"])
def test_what_is_no_time_of_day_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="such as"):
        read_time_of_day(text)
