"""When a source is polled next: jitter, caches, failures, Retry-After; and what is kept of an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.agenda import AgendaLimits, after_failure, after_success
from bot.core.intake import NotModified, Trouble
from tests.builders import NOW, a_cursor, a_response, a_source, at

LIMITS = AgendaLimits(jitter_share=0.1, backoff_max=timedelta(hours=24), minimum=timedelta(minutes=1))
EVERY = timedelta(minutes=15)

chance = st.floats(0, 1)
headers = st.dictionaries(
    st.sampled_from(["cache-control", "expires", "date", "age", "etag", "last-modified"]),
    st.one_of(
        st.text(max_size=30),
        st.integers(-(10**12), 10**12).map(lambda seconds: f"public, max-age={seconds}"),
        st.integers(-(10**6), 10**6).map(str),
        st.integers(-(10**9), 10**9).map(lambda seconds: format_datetime(at(seconds))),
    ),
)


def success(cursor=None, *, jitter=0.5, new=False, every=EVERY, limits=LIMITS, response=None, body_hash="", **said):
    response = response or a_response(headers={name.replace("_", "-"): value for name, value in said.items()})
    source = a_source(every=every)
    cursor = cursor or a_cursor()
    return after_success(source, cursor, response, NOW, jitter=jitter, new=new, body_hash=body_hash, limits=limits)


def failure(
    failures=0,
    *,
    jitter=0.5,
    retry_after=None,
    every=EVERY,
    limits=LIMITS,
    text="no answer",
    trouble=Trouble.UNREACHABLE,
    before=Trouble.NONE,
    **known,
):
    cursor = a_cursor(failures=failures, etag='"v1"', last_success_at=at(days=-1), trouble=before, **known)
    source = a_source(every=every)
    return after_failure(
        source, cursor, text, NOW, jitter=jitter, trouble=trouble, retry_after=retry_after, limits=limits
    )


def wait(cursor):
    return cursor.next_poll_at - NOW


@given(headers, chance)
def test_whatever_a_server_says_the_next_poll_is_within_bounds(said, jitter):
    after = wait(success(jitter=jitter, response=a_response(headers=said)))
    assert EVERY * 0.9 <= after <= EVERY * 2


@given(chance)
def test_an_interval_is_moved_by_its_share_both_ways(jitter):
    assert abs(wait(success(jitter=jitter)) - EVERY) <= EVERY * 0.1 + timedelta(microseconds=1)
    assert wait(success(jitter=0)) == EVERY * 0.9
    assert wait(success(jitter=1)) == EVERY * 1.1


def test_no_interval_is_shorter_than_the_minimum():
    assert wait(success(every=timedelta(seconds=5))) == LIMITS.minimum
    assert wait(failure(every=timedelta(seconds=5))) == LIMITS.minimum


def test_without_limits_a_source_is_asked_exactly_when_its_interval_says():
    none = AgendaLimits(0, timedelta(hours=1), timedelta(0))
    assert wait(success(every=timedelta(seconds=1), limits=none, jitter=1)) == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ({"cache_control": "max-age=1200"}, 20),
        ({"cache_control": "public, max-age=86400"}, 30),  # held to every other poll
        ({"cache_control": 'private,max-age="1200"'}, 20),
        ({"cache_control": "max-age=1200", "age": "120"}, 18),
        ({"cache_control": "max-age=1200", "age": "-5"}, 20),
        ({"cache_control": "max-age=60"}, 15),  # never sooner
        ({"cache_control": "s-maxage=1200"}, 15),  # meant for others
        ({"cache_control": "no-cache, max-age=1200"}, 15),
        ({"cache_control": "no-store", "expires": format_datetime(at(minutes=20))}, 15),
        ({"expires": format_datetime(at(minutes=20))}, 20),
        ({"expires": "Thu, 05 Oct 2023 12:20:00 -0000"}, 20),  # without a zone
        ({"expires": format_datetime(at(minutes=80)), "date": format_datetime(at(minutes=60))}, 20),
        ({"expires": format_datetime(at(minutes=-20))}, 15),
        ({"expires": "0"}, 15),
        ({"expires": "Thu, 05 Oct 2023 12:20:00 +9999999999999999999"}, 15),
    ],
)
def test_a_cache_can_only_push_the_next_poll_later(said, minutes):
    assert wait(success(**said)) == timedelta(minutes=minutes)


def test_failures_wait_twice_as_long_each_time_up_to_a_day():
    waits = [wait(failure(failures)) for failures in range(9)]
    assert waits == [EVERY * 2**n for n in range(7)] + [timedelta(hours=24)] * 2
    assert wait(failure(10**6)) == timedelta(hours=24)


def test_a_source_polled_less_often_than_the_longest_wait_keeps_its_interval():
    assert wait(failure(5, every=timedelta(days=3))) == timedelta(days=3)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (timedelta(hours=2), timedelta(hours=2), timedelta(hours=2.2)),
        (timedelta(seconds=-30), EVERY, EVERY),
        (timedelta(0), EVERY, EVERY),
        (timedelta(seconds=5), EVERY, EVERY),
        (timedelta(seconds=10**9), timedelta(hours=24), timedelta(hours=26.4)),
        (None, EVERY, EVERY),
    ],
)
def test_retry_after_is_a_floor_of_at_most_a_day(asked, least, most):
    assert least <= wait(failure(retry_after=asked)) <= most


@given(st.integers(0, 100), chance, st.none() | st.timedeltas())
def test_no_failure_is_repeated_before_the_minimum_or_after_two_days(failures, jitter, asked):
    after = failure(failures, jitter=jitter, retry_after=asked)
    assert LIMITS.minimum <= wait(after) <= timedelta(hours=26.4)
    assert after.failures == failures + 1


def test_a_failure_keeps_what_is_known_and_says_why():
    after = failure(2, text="x" * 1000)
    assert (after.etag, after.last_success_at) == ('"v1"', at(days=-1))
    assert after.last_error == "x" * 300


def test_validators_of_a_read_answer_are_kept_byte_for_byte_with_its_address():
    response = a_response(url="https://other.example/feed", headers={"etag": 'W/"é\\x"', "last-modified": "Gestern"})
    after = success(a_cursor(etag='"old"', failures=3, last_error="timeout"), response=response, body_hash="h1")
    assert (after.validator_url, after.etag, after.last_modified) == (
        "https://other.example/feed",
        'W/"é\\x"',
        "Gestern",
    )
    assert (after.body_hash, after.failures, after.last_error) == ("h1", 0, "")


def test_validators_that_are_gone_are_forgotten():
    after = success(a_cursor(etag='"old"', last_modified="old"))
    assert (after.etag, after.last_modified) == ("", "")


def test_a_part_of_a_body_gives_no_validators():
    after = success(a_cursor(etag='"old"'), response=a_response(status=206, headers={"etag": '"part"'}))
    assert after.etag == '"old"'


def test_not_modified_keeps_all_that_is_known():
    known = a_cursor(validator_url="https://a.example", etag='"v1"', last_modified="then", body_hash="h1", failures=2)
    after = success(known, response=NotModified("source-1", "https://b.example", {"etag": '"v2"'}, NOW))
    kept = (after.validator_url, after.etag, after.last_modified, after.body_hash)
    assert kept == ("https://a.example", '"v1"', "then", "h1")
    assert (after.failures, after.last_success_at) == (0, NOW)


def test_only_new_items_move_the_time_of_the_last_new_item():
    known = a_cursor(last_new_at=at(days=-3))
    assert success(known).last_new_at == at(days=-3)
    assert success(known, new=True).last_new_at == datetime(2023, 10, 5, 12, tzinfo=UTC)


def test_a_trouble_is_counted_from_its_first_poll_and_another_begins_anew():
    first = failure(trouble=Trouble.REFUSED)
    assert (first.trouble, first.trouble_since, first.trouble_polls) == (Trouble.REFUSED, NOW, 1)

    known = {"before": Trouble.REFUSED, "trouble_since": at(hours=-5), "trouble_polls": 2}
    same, other = failure(trouble=Trouble.REFUSED, **known), failure(trouble=Trouble.GONE, **known)

    assert (same.trouble_since, same.trouble_polls) == (at(hours=-5), 3)
    assert (other.trouble_since, other.trouble_polls) == (NOW, 1)


def test_a_good_poll_ends_the_trouble():
    after = success(a_cursor(trouble=Trouble.BROKEN, trouble_since=at(hours=-5), trouble_polls=2))
    assert (after.trouble, after.trouble_since, after.trouble_polls) == (Trouble.NONE, None, 0)
