"""When a poll is a flood, what a flood is not, and how much of it is shown to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.delays import Delay
from bot.core.floods import HELD_FOR, Flood, discarded, is_flood, let_go, noted, sample_of, sift
from bot.core.intake import Standing
from bot.core.model import Match, Precision, State, Verdict
from tests.builders import NOW, a_cursor, a_document, a_source, a_verdict

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = NOW - timedelta(minutes=15)
CURSOR = a_cursor(last_success_at=LAST)
MATCHES = (Match(1, ()),)


def new(number: int = 1, *, days: float | None = 12, state: State = State.NEW, **document: object) -> Verdict:
    claimed = None if days is None else NOW - days * DAY
    return a_verdict(a_document(number, claimed_at=claimed, **document), number, state=state, matches=MATCHES)


def news(count: int, **how: object) -> list[Verdict]:
    return [new(number, **how) for number in range(count)]  # type: ignore[arg-type]  # as `new` takes them


def sifted(verdicts: list[Verdict], **how: object) -> tuple[Verdict, ...]:
    changes = {"source": a_source(), "cursor": CURSOR} | how
    return sift(changes["source"], changes["cursor"], verdicts, NOW)  # type: ignore[arg-type]  # as given


@pytest.mark.parametrize(
    ("unseen", "listed", "usual", "expected"),
    [
        (10, 10, (), False),
        (11, 11, (), True),
        (11, 18, (), True),
        (11, 19, (), False),  # not more than 60 %
        (12, 20, (), False),  # just that
        (11, 11, (2, 2, 2), True),
        (15, 15, (3, 3, 3), False),
        (16, 16, (3, 3, 3), True),
        (16, 16, (3, 3, 500), True),  # one great day is not usual
        (0, 0, (), False),
    ],
)
def test_a_flood_is_many_and_most(unseen: int, listed: int, usual: tuple[int, ...], *, expected: bool) -> None:
    assert is_flood(unseen, listed, usual) is expected


@given(st.integers(0, 500), st.integers(1, 500), st.lists(st.integers(0, 300), max_size=20))
def test_more_of_a_list_is_never_less_of_a_flood(unseen: int, listed: int, usual: list[int]) -> None:
    assert is_flood(unseen + 1, listed, usual) >= is_flood(unseen, listed, usual)
    assert is_flood(unseen, listed + 1, usual) <= is_flood(unseen, listed, usual)


def test_what_a_flood_holds_is_asked_nobody_and_says_why() -> None:
    result = sifted(news(12))
    assert all(one.held and not one.matches for one in result)
    assert result[0].because == (
        "new, but held back: 12 of 12 items of one poll were unseen and claim to be older than the last"
    )


def test_what_a_list_goes_on_to_show_makes_a_flood_less_likely() -> None:
    known = [new(100 + number, state=State.SEEN, days=number) for number in range(8)]
    assert sifted([*news(12), *known])[0].held is False
    assert sifted([*news(12), *known[1:]])[0].held is True


def test_copies_of_what_others_told_make_a_flood_too_but_are_recorded_as_ever() -> None:
    result = sifted([*news(6), *(new(20 + one, state=State.ADDITION) for one in range(6))])
    assert [one.held for one in result] == [True] * 6 + [False] * 6


def test_undated_items_make_no_flood_but_are_held_within_one() -> None:
    assert not any(one.held for one in sifted(news(30, days=None)))
    assert all(one.held for one in sifted([*news(12), new(50, days=None)]))


def test_news_and_what_is_stamped_anew_are_not_held_within_a_flood() -> None:
    fresh = new(50, days=0)
    stamped = new(51, days=0, url="https://newsroom-1.example/2019/05/07/x")
    result = sifted([*news(20), fresh, stamped])
    assert result[-2] == fresh
    assert (result[-1].held, result[-1].matches) == (False, ())


def test_a_day_that_has_begun_before_the_last_poll_is_older_only_where_that_was_hours_ago() -> None:
    """A whole archive may be stamped with the day on which it is stamped."""
    today = {"precision": Precision.DAY, "days": (NOW - NOW.replace(hour=0, minute=0)) / DAY}
    assert all(one.held for one in sifted(news(12, **today)))
    earlier = a_cursor(last_success_at=NOW - 7 * HOUR)
    assert not any(one.held for one in sifted(news(12, **today), cursor=earlier))


def day(before: int = 0) -> dict[str, object]:
    """A day without an hour: today, or so many days before."""
    return {"precision": Precision.DAY, "days": (NOW - NOW.replace(hour=0, minute=0)) / DAY + before}


@pytest.mark.parametrize(("today", "listed", "held"), [(1, 13, 0), (2, 14, 0), (5, 60, 0), (6, 60, 6), (3, 15, 3)])
def test_a_few_releases_of_today_are_news_within_a_flood_and_many_are_stamped(
    today: int, listed: int, held: int
) -> None:
    result = sifted([*(new(100 + one, **day()) for one in range(today)), *news(listed - today)])  # type: ignore[arg-type]  # as `new` takes them
    assert all(one.held for one in result[today:])
    assert sum(one.held for one in result[:today]) == held
    assert sum(bool(one.matches) for one in result) == today - held


@pytest.mark.parametrize(("last", "held"), [(0.1, False), (11.9, False), (12, True)])
def test_a_day_lasts_until_it_has_ended_in_the_last_zone(last: float, *, held: bool) -> None:
    """On an evening in Washington the next day has begun by UTC."""
    midnight = NOW.replace(hour=0, minute=0)
    at = midnight + last * HOUR
    verdicts = [new(100, **day(1)), *news(20)]  # type: ignore[arg-type]  # as `new` takes them
    result = sift(a_source(), a_cursor(last_success_at=at), verdicts, at + timedelta(minutes=15))
    assert [one.held for one in result] == [held] + [True] * 20


def test_what_repeats_known_words_is_left_as_it_is_and_makes_no_flood_and_nothing_late() -> None:
    repeats = [replace(one, matches=(), repeats=True) for one in news(30)]
    assert sifted(repeats) == tuple(repeats)
    result = sifted([*repeats, *news(4)])
    assert result[:30] == tuple(repeats)
    assert [one.delay for one in result[30:]] == [Delay.POSTED] * 4
    flooded = sifted([*repeats[:5], *news(20)])
    assert flooded[:5] == tuple(repeats[:5])
    assert all(one.held for one in flooded[5:])
    missed = [replace(new(1, days=2), matches=(), repeats=True)]
    assert sifted(missed, cursor=a_cursor(last_success_at=NOW - 3 * DAY)) == tuple(missed)
    assert noted(CURSOR, repeats, baseline=False).unseen_recent == (0,)


def test_words_seen_before_do_not_prove_that_a_constant_date_says_nothing() -> None:
    repeats = [replace(new(number, days=1_000), matches=(), repeats=True) for number in range(9)]
    assert sifted([*repeats, new(99, days=1_000)])[-1].document.claimed_at is not None


def test_nothing_is_asked_on_a_first_poll_or_of_a_page_that_is_watched() -> None:
    verdicts = news(12)
    assert sifted(verdicts, cursor=a_cursor()) == tuple(verdicts)
    assert sifted(verdicts, source=a_source(kind="page")) == tuple(verdicts)
    assert sifted([]) == ()


@pytest.mark.parametrize(
    ("days", "standing", "delay", "sent"),
    [
        (6.9, Standing.NEWS, Delay.NONE, True),
        (7.1, Standing.NEWS, Delay.NONE, False),
        (7.1, Standing.OFFICIAL, Delay.POSTED, True),
        (None, Standing.NEWS, Delay.NONE, True),
    ],
)
def test_age_counts_from_the_last_good_poll(days: float | None, standing: Standing, delay: Delay, sent: bool) -> None:
    (result,) = sifted([new(days=days)], source=a_source(standing=standing))
    assert (result.delay, bool(result.matches)) == (delay, sent)


def test_a_few_old_items_that_are_stamped_anew_are_sent_from_an_official_source_and_more_are_not() -> None:
    def stamped(count: int) -> list[Verdict]:
        return [new(one, days=0, url=f"https://newsroom-1.example/2019/05/07/{one}") for one in range(count)]

    assert [one.delay for one in sifted(stamped(4))] == [Delay.POSTED] * 4
    assert not any(one.matches for one in sifted(stamped(5)))
    mixed = sifted([*stamped(4), new(9)])
    assert [one.delay for one in mixed] == [Delay.NONE] * 4 + [Delay.POSTED_TOGETHER]


def test_a_clock_that_stood_ahead_for_a_poll_makes_nothing_old() -> None:
    ahead = a_cursor(last_success_at=NOW + 30 * DAY)
    (result,) = sifted([new(days=1 / 24)], source=a_source(standing=Standing.NEWS), cursor=ahead)
    assert result.matches
    assert not sifted([new(days=8)], source=a_source(standing=Standing.NEWS), cursor=ahead)[0].matches


def test_edits_and_copies_have_no_age() -> None:
    verdicts = [new(1, state=State.REVISION), new(2, state=State.ADDITION), new(3, state=State.SEEN)]
    assert sifted(verdicts) == tuple(verdicts)


def test_what_came_out_in_an_outage_and_more_than_a_day_ago_is_late() -> None:
    cursor = a_cursor(last_success_at=NOW - 3 * DAY)
    result = sifted([new(1, days=2), new(2, days=0.9), new(3, days=4), new(4, days=None)], cursor=cursor)
    assert [one.delay for one in result] == [Delay.MISSED, Delay.NONE, Delay.NONE, Delay.NONE]
    assert "while its source was not read, for 3 days" in result[0].because


def test_a_constant_old_date_is_taken_back_and_a_common_new_one_is_not() -> None:
    known = [new(number, days=1_000, state=State.SEEN) for number in range(3)]
    result = sifted([*known, new(9, days=1_000)])
    assert result[-1].matches
    assert result[-1].document.claimed_at is None
    assert result[-1].document.date_note == "date unknown: its source gives every item the same, January 8, 2021"
    assert sifted([*known[:2], new(9, days=1_000)])[-1].document.claimed_at is not None
    today = [new(number, days=0, state=State.SEEN) for number in range(3)]
    assert sifted([*today, new(9, days=0)])[-1].document.claimed_at is not None


def test_what_is_usual_is_learned_from_the_last_twenty_polls_but_first_ones_and_floods() -> None:
    cursor = CURSOR
    for count in range(30):
        cursor = noted(cursor, [*news(count), new(99, state=State.SEEN)], baseline=False)
    assert cursor.unseen_recent == tuple(range(10, 30))
    assert noted(cursor, news(500), baseline=True) is cursor
    assert noted(cursor, sifted(news(500)), baseline=False) is cursor


def test_a_sample_is_from_the_beginning_the_middle_and_the_end() -> None:
    assert sample_of(["a", "b"]) == ("a", "b")
    assert sample_of(list("abcdefg")) == ("a", "d", "g")


def test_a_flood_is_over_after_its_time_and_where_a_clock_was_set_back() -> None:
    flood = Flood("source-1", NOW, NOW + HELD_FOR, 12)
    assert not flood.is_over(NOW)
    assert flood.is_over(NOW + HELD_FOR)
    assert flood.is_over(NOW - DAY)


def test_what_is_let_go_says_how_and_is_told_in_a_list() -> None:
    flood = Flood("source-1", NOW, NOW, 12)
    held = replace(new(), because="held", held=True)
    assert let_go(held, flood, NOW).because == "held; let go by an operator"
    after = let_go(held, flood, NOW + HELD_FOR)
    assert (after.because, after.delay, after.held) == ("held; let go after an hour", Delay.HELD, False)


def test_what_is_discarded_says_so() -> None:
    assert discarded("new, but held back") == "new, but held back; discarded by an operator"


def test_a_flood_says_what_happened_and_what_can_be_done() -> None:
    flood = Flood("ice", NOW, NOW + HELD_FOR, 3_000, ("One", "T" * 200))
    happened, step = flood.in_words("ICE newsroom")
    assert happened.startswith("ICE newsroom listed 3,000 items at once")
    assert "“One”" in happened
    assert "T" * 121 not in happened
    assert "`sources release ice`" in step
    assert flood.in_words(None)[0].startswith("ice listed")
    assert [choice.line for choice in flood.choices] == ["sources release ice", "sources discard ice"]
