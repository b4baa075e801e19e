"""Permanent redirects, servers that say a source is gone, the daily whole answer, polls that are put off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.agenda import AgendaLimits, after_failure, after_postponed, after_success, asking
from bot.core.alarms import changes
from bot.core.intake import Cursor, NotModified, Trouble
from bot.core.moves import in_place
from bot.core.turns import turns
from tests.builders import NOW, a_cursor, a_response, a_source, at

LIMITS = AgendaLimits(jitter_share=0.1, backoff_max=timedelta(hours=6), minimum=timedelta(minutes=1))
OLD = "https://www.agency.gov/feed.xml"
NEW = "https://news.agency.gov/feed.xml"
FOREIGN = "https://agency.example.com/feed.xml"
SOURCE = a_source(url=OLD)


def polled(cursor: Cursor, moved_to: str, hours: float) -> Cursor:
    response = a_response(moved_to=moved_to)
    return after_success(SOURCE, cursor, response, at(hours=hours), jitter=0.5, new=False, limits=LIMITS)


def after_polls(*polls: tuple[str, float], cursor: Cursor | None = None) -> Cursor:
    known = cursor or a_cursor()
    for moved_to, hours in polls:
        known = polled(known, moved_to, hours)
    return known


def test_a_move_within_a_site_is_followed_after_three_polls_and_a_day() -> None:
    cursor = after_polls((NEW, 0), (NEW, 12), (NEW, 24))
    assert in_place(SOURCE, cursor).url == NEW
    assert (cursor.address_at, cursor.moved_to, cursor.moved_polls) == (at(hours=24), "", 0)


@pytest.mark.parametrize(
    "polls",
    [
        [(NEW, 0), (NEW, 24)],
        [(NEW, 0), (NEW, 1), (NEW, 23.9)],
        [(NEW, 0), (NEW, 12), ("", 13), (NEW, 24), (NEW, 25)],
        [(NEW, 0), (NEW, 12), (NEW + "?b", 13), (NEW, 24), (NEW, 25)],
        [("", 0), ("", 12), ("", 24)],
    ],
)
def test_anything_less_is_not_followed(polls: list[tuple[str, float]]) -> None:
    assert in_place(SOURCE, after_polls(*polls)).url == OLD


def test_failures_between_do_not_count_against_it() -> None:
    cursor = after_polls((NEW, 0), (NEW, 12))
    cursor = after_failure(
        SOURCE, cursor, "no", at(hours=13), jitter=0.5, trouble=Trouble.UNREACHABLE, retry_after=None, limits=LIMITS
    )
    assert in_place(SOURCE, polled(cursor, NEW, 24)).url == NEW


def test_an_answer_of_unchanged_counts_too() -> None:
    cursor = after_polls((NEW, 0), (NEW, 12))
    same = NotModified(SOURCE.id, NEW, {}, at(hours=24), moved_to=NEW)
    cursor = after_success(SOURCE, cursor, same, at(hours=24), jitter=0.5, new=False, limits=LIMITS)
    assert in_place(SOURCE, cursor).url == NEW


def test_another_site_is_asked_about_and_the_old_address_goes_on_being_read() -> None:
    cursor = after_polls((FOREIGN, 0), (FOREIGN, 12), (FOREIGN, 24), (FOREIGN, 36))
    assert in_place(SOURCE, cursor).url == OLD
    (alarm,) = turns({SOURCE.id: SOURCE}, [cursor], at(hours=36))
    assert "agency.example.com" in alarm.sentence
    assert f"sources move {SOURCE.id}" in alarm.next_step


@pytest.mark.parametrize(
    ("old", "new", "follows"),
    [
        ("http://www.dhs.gov/a", "https://www.dhs.gov/b", True),
        ("https://www.dhs.gov/a", "https://dhs.gov/a", True),
        ("https://dhs.gov/a", "https://news.dhs.gov/a", True),
        ("https://www.dhs.gov/a", "https://www.uscis.gov/a", False),
        ("https://www.dhs.gov/a", "https://www.dhs.gov.evil.com/a", False),
        ("https://a.co.uk/a", "https://b.co.uk/a", False),
        ("https://www.a.co.uk/a", "https://a.co.uk/a", False),  # a list of countries' rules would know better
        ("https://one.substack.com/a", "https://two.substack.com/a", False),
        ("https://one.substack.com/a", "https://one.substack.com/b", True),
        ("https://localhost/a", "https://localhost/b", True),
        ("https://10.0.0.1/a", "https://1.0.0.1/a", False),
        ("https://agency/a", "https://gov/a", False),
    ],
)
def test_one_site_is_what_surely_has_one_owner(old: str, new: str, follows: bool) -> None:
    source = a_source(url=old)
    cursor = a_cursor(moved_to=new, moved_since=NOW, moved_polls=2)
    answer = a_response(moved_to=new)
    after = after_success(source, cursor, answer, at(hours=24), jitter=0.5, new=False, limits=LIMITS)
    assert in_place(source, after).url == (new if follows else old)


def test_a_changed_address_in_the_settings_wins() -> None:
    cursor = after_polls((NEW, 0), (NEW, 12), (NEW, 24))
    changed = replace(SOURCE, url="https://www.agency.gov/other.xml")
    assert in_place(changed, cursor) == changed
    assert turns({SOURCE.id: changed}, [cursor], at(hours=25)) == ()


def test_operators_are_told_of_a_move_once_and_never_that_it_is_over() -> None:
    cursor = after_polls((NEW, 0), (NEW, 12), (NEW, 24))
    told, notices = changes({}, turns({SOURCE.id: SOURCE}, [cursor], at(hours=25)), at(hours=25))
    assert ["is read at its new address" in notice.alarm.sentence for notice in notices] == [True]
    for hours in (26, 46, 47, 48, 60, 90):
        told, notices = changes(told, turns({SOURCE.id: SOURCE}, [cursor], at(hours=hours)), at(hours=hours))
        assert notices == ()
    assert turns({}, [cursor], at(hours=25)) == ()


# --- gone ---------------------------------------------------------------------------------------------------------


def failed(cursor: Cursor, trouble: Trouble, hours: float) -> Cursor:
    return after_failure(
        SOURCE, cursor, "no", at(hours=hours), jitter=0.5, trouble=trouble, retry_after=None, limits=LIMITS
    )


@pytest.mark.parametrize(
    ("polls", "retires"),
    [
        ([(Trouble.GONE, 0), (Trouble.GONE, 12), (Trouble.GONE, 24)], True),
        ([(Trouble.GONE, 0), (Trouble.GONE, 24)], False),
        ([(Trouble.GONE, 0), (Trouble.GONE, 1), (Trouble.GONE, 23.9)], False),
        ([(Trouble.GONE, 0), (Trouble.GONE, 12), (Trouble.UNREACHABLE, 20), (Trouble.GONE, 24)], False),
        ([(Trouble.REFUSED, 0), (Trouble.REFUSED, 12), (Trouble.REFUSED, 24), (Trouble.REFUSED, 48)], False),
    ],
)
def test_a_source_rests_once_it_has_said_for_a_day_that_it_is_gone(
    polls: list[tuple[Trouble, float]], retires: bool
) -> None:
    cursor = a_cursor()
    for trouble, hours in polls:
        cursor = failed(cursor, trouble, hours)
    assert (cursor.retired_at is not None) is retires


def test_it_is_gone_since_it_first_was() -> None:
    cursor = a_cursor()
    for hours in (0, 12, 24, 36):
        cursor = failed(cursor, Trouble.GONE, hours)
    assert cursor.retired_at == at(hours=24)


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.UNREACHABLE])
def test_refusals_are_waited_out_ever_longer_and_a_day_at_most(trouble: Trouble) -> None:
    cursor, now, waits = a_cursor(), NOW, []
    for _ in range(30):
        cursor = after_failure(SOURCE, cursor, "no", now, jitter=0.5, trouble=trouble, retry_after=None, limits=LIMITS)
        assert cursor.next_poll_at is not None
        waits.append(cursor.next_poll_at - now)
        now = cursor.next_poll_at
    assert waits == sorted(waits)
    assert waits[-1] == LIMITS.backoff_max <= timedelta(hours=24)


# --- how it is asked ----------------------------------------------------------------------------------------------


def with_validators(full_at_hours: float | None) -> Cursor:
    full_at = None if full_at_hours is None else at(hours=full_at_hours)
    return a_cursor(etag='"v1"', last_modified="x", validator_url=OLD, full_at=full_at)


@pytest.mark.parametrize(
    ("full_at", "conditional"), [(-23.5, True), (0, True), (-23.9, False), (-24, False), (-90, False), (1, False)]
)
def test_the_whole_is_asked_for_once_a_day(full_at: float, conditional: bool) -> None:
    asked = asking(replace(SOURCE, every=timedelta(minutes=10)), with_validators(full_at), NOW)
    assert bool(asked.etag or asked.last_modified or asked.validator_url) is conditional


def test_who_never_got_the_whole_asks_for_it() -> None:
    assert asking(SOURCE, with_validators(None), NOW).etag == ""


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_what_is_put_off_is_no_failure(jitter: float) -> None:
    known = a_cursor(failures=2, last_error="no", trouble=Trouble.BLOCKED)
    after = after_postponed(known, timedelta(minutes=7), NOW, jitter=jitter, limits=LIMITS)
    assert after.next_poll_at is not None
    assert timedelta(minutes=7) <= after.next_poll_at - NOW <= timedelta(minutes=8)
    assert replace(after, next_poll_at=known.next_poll_at) == known
