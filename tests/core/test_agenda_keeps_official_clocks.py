"""Brisk parts of the day: as often as they say then, as often as the interval says at other times, never at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.agenda import AgendaLimits, after_failure, after_success
from bot.core.intake import Trouble
from bot.core.office import CLOCKS, WASHINGTON, WORKING_HOURS, Spell, pace
from tests.builders import a_cursor, a_response, a_source

LIMITS = AgendaLimits(jitter_share=0.2, backoff_max=timedelta(hours=6), minimum=timedelta(minutes=1))
MINUTE = timedelta(minutes=1)
BRISK = (Spell(*WORKING_HOURS, 2 * MINUTE),)
chance = st.floats(0, 1)


def there(*when: int) -> datetime:
    return datetime(*when, tzinfo=WASHINGTON).astimezone(UTC)  # type: ignore[arg-type, misc]  # year, month, day, …


TUESDAY_NOON, TUESDAY_NIGHT = there(2026, 11, 24, 12), there(2026, 11, 24, 22)


def next_poll(
    now,
    *,
    brisk=BRISK,
    every=30 * MINUTE,
    jitter=0.5,
    headers=(),
    failures=None,
    retry_after=None,
    trouble=Trouble.UNREACHABLE,
):
    source = a_source(every=every, brisk=brisk)
    if failures is None:
        response = a_response(headers=dict(headers))
        after = after_success(source, a_cursor(), response, now, jitter=jitter, new=False, limits=LIMITS)
    else:
        after = after_failure(
            source,
            a_cursor(failures=failures),
            "no answer",
            now,
            jitter=jitter,
            trouble=trouble,
            retry_after=retry_after,
            limits=LIMITS,
        )
    return after.next_poll_at


@given(chance)
def test_in_working_hours_a_brisk_source_is_asked_at_the_latest_when_it_says(jitter):
    assert 1.6 * MINUTE <= next_poll(TUESDAY_NOON, jitter=jitter) - TUESDAY_NOON <= 2 * MINUTE


@given(chance)
def test_at_night_it_is_asked_as_often_as_its_interval_says(jitter):
    assert 24 * MINUTE <= next_poll(TUESDAY_NIGHT, jitter=jitter) - TUESDAY_NIGHT <= 36 * MINUTE


@given(chance)
def test_a_night_ends_when_the_office_opens_and_not_an_interval_later(jitter):
    early = there(2026, 11, 24, 7, 50)
    opening = there(2026, 11, 24, 8)
    assert opening <= next_poll(early, jitter=jitter) <= opening + 0.4 * MINUTE


def test_a_brisker_part_begins_in_time_within_another_part():
    desk = CLOCKS["public_inspection"]
    before, within = there(2026, 11, 24, 8, 20), there(2026, 11, 24, 8, 59)
    assert next_poll(before, brisk=desk) <= there(2026, 11, 24, 8, 41)
    assert next_poll(within, brisk=desk) - within == MINUTE  # what follows is less brisk, and changes nothing yet
    nested = (Spell(time(8), time(18), 10 * MINUTE), Spell(time(8, 40), time(9), MINUTE))
    assert next_poll(there(2026, 11, 24, 8, 38), brisk=nested, jitter=0) == there(2026, 11, 24, 8, 40)


@given(
    st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda ahead: there(2026, 1, 1) + ahead),
    chance,
    st.none() | st.integers(0, 9),
)
def test_no_source_is_ever_asked_twice_within_a_minute_nor_later_than_its_interval_says(now, jitter, failures):
    for brisk in ((), BRISK, CLOCKS["public_inspection"]):
        wait = next_poll(now, brisk=brisk, jitter=jitter, failures=failures) - now
        assert wait >= LIMITS.minimum
        if failures is None:
            assert wait <= 30 * MINUTE * 1.2


def test_a_cache_stretches_a_brisk_interval_no_further_than_it_is():
    fresh = {"cache-control": "max-age=86400"}
    assert next_poll(TUESDAY_NOON, headers=fresh, jitter=1) - TUESDAY_NOON == 2 * MINUTE
    assert next_poll(TUESDAY_NIGHT, headers=fresh) - TUESDAY_NIGHT == 60 * MINUTE


def test_one_blip_in_working_hours_costs_minutes_and_not_the_interval():
    assert next_poll(TUESDAY_NOON, failures=0) - TUESDAY_NOON == 2 * MINUTE
    assert next_poll(TUESDAY_NOON, failures=2) - TUESDAY_NOON == 8 * MINUTE
    assert next_poll(TUESDAY_NIGHT, failures=0) - TUESDAY_NIGHT == 30 * MINUTE


@given(chance, st.integers(0, 40))
def test_an_outage_of_a_night_costs_no_morning(jitter, failures):
    night, opening = there(2026, 11, 24, 4), there(2026, 11, 24, 8)
    assert next_poll(night, jitter=jitter, failures=failures) <= opening + 0.4 * MINUTE
    within = there(2026, 11, 24, 8, 50)
    desk = next_poll(within, brisk=CLOCKS["public_inspection"], jitter=jitter, failures=failures)
    assert desk - within <= 18 * MINUTE
    slow = (Spell(*WORKING_HOURS, 20 * MINUTE),)
    assert next_poll(within, brisk=slow, every=timedelta(hours=1), failures=40) - within == 20 * MINUTE


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.GONE])
def test_who_refuses_us_is_not_asked_more_often_for_a_clock(trouble):
    early = there(2026, 11, 24, 7, 50)
    assert next_poll(early, failures=9, trouble=trouble) - early == timedelta(hours=6)
    assert next_poll(TUESDAY_NOON, failures=9, trouble=trouble) - TUESDAY_NOON == timedelta(hours=6)


@pytest.mark.parametrize(
    ("brisk", "begins", "ends", "found"),
    [
        (CLOCKS["public_inspection"], (1, 0), (8, 31), (8, 41)),
        (BRISK, (12, 0), (15, 0), (15, 18)),
        (BRISK, (0, 0), (8, 0), (8, 1)),
        (CLOCKS["docket"], (9, 0), (14, 0), (14, 18)),
    ],
)
def test_an_outage_is_over_for_us_within_minutes_of_its_end(brisk, begins, ends, found):
    source, cursor, now = a_source(every=30 * MINUTE, brisk=brisk), a_cursor(), there(2026, 11, 24, *begins)
    while now < there(2026, 11, 24, *ends):
        cursor = after_failure(
            source, cursor, "", now, jitter=0.5, trouble=Trouble.UNREACHABLE, retry_after=None, limits=LIMITS
        )
        now = cursor.next_poll_at
    assert now <= there(2026, 11, 24, *found)


def test_what_a_server_asks_for_outweighs_every_clock():
    hour = timedelta(hours=1)
    assert next_poll(
        there(2026, 11, 24, 8, 39), brisk=CLOCKS["public_inspection"], failures=0, retry_after=hour
    ) >= there(2026, 11, 24, 9, 39)


def test_an_interval_that_is_shorter_than_the_brisk_one_counts():
    assert next_poll(TUESDAY_NOON, every=MINUTE, jitter=0.5) - TUESDAY_NOON == MINUTE


@pytest.mark.parametrize("day", [(2026, 3, 9), (2026, 7, 1), (2026, 11, 2)])
def test_a_document_at_a_quarter_to_nine_is_asked_for_within_a_minute(day):
    """Walk through a morning as polling does, with the latest chance: 15 s from one look at the agenda to the next."""
    source = a_source(every=15 * MINUTE, brisk=CLOCKS["public_inspection"])
    now, appears = there(*day, 6), there(*day, 8, 45)
    polls = []
    while now < there(*day, 12):
        polls.append(now)
        after = after_success(source, a_cursor(), a_response(), now, jitter=1.0, new=False, limits=LIMITS)
        now = after.next_poll_at + timedelta(seconds=15)
    found = next(at for at in polls if at >= appears)
    assert found - appears <= MINUTE + timedelta(seconds=15)
    assert min(later - earlier for earlier, later in pairwise(polls)) >= MINUTE
    brisk = [at for at in polls if pace(source.brisk, at)]
    assert 40 <= len(brisk) <= 90


@pytest.mark.parametrize(("name", "brisk"), [("desk", CLOCKS["public_inspection"]), ("brisk", BRISK)])
def test_what_appears_in_working_hours_is_seen_within_minutes(name, brisk):
    """A week of polling, with chance in turn and 15 s from one look at the agenda to the next; items at any minute."""
    source, now, polls, turn = a_source(every=15 * MINUTE, brisk=brisk), there(2026, 11, 16), [], 0
    while now < there(2026, 11, 21):
        polls.append(now)
        turn += 1
        jitter = turn * 0.618 % 1
        after = after_success(source, a_cursor(), a_response(), now, jitter=jitter, new=False, limits=LIMITS)
        now = after.next_poll_at + timedelta(seconds=15 * (turn * 0.382 % 1))
    minutes = (there(2026, 11, 16) + ahead * MINUTE for ahead in range(4 * 24 * 60))
    waits = sorted(next(at for at in polls if at >= shown) - shown for shown in minutes if pace(brisk, shown))
    p50, p95 = waits[len(waits) // 2], waits[len(waits) * 95 // 100]
    print(
        f"{name}: shown to polled p50 {p50.total_seconds():.0f} s, p95 {p95.total_seconds():.0f} s, {len(polls)} polls"
    )
    assert p50 <= 2 * MINUTE
    assert p95 <= 4 * MINUTE
