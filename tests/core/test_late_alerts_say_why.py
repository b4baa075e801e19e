"""An alert that comes late says why, by itself and in a list; a list of any length is one message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.card import card, late_list
from bot.core.delays import Delay
from bot.core.lateness import (
    KEPT_WHOLE,
    LIST_SIZE,
    LISTED_TOGETHER,
    LOOK_AHEAD,
    Patience,
    Waiting,
    look_ahead,
    told_next,
)
from bot.core.model import Delivery, Lateness, Precision
from tests.builders import NOW, a_delivery, a_document, a_story, an_alert

HOUR = timedelta(hours=1)
LISTED = [delay for delay in Delay if delay.is_listed]


def late(number: int, delay: Delay) -> Delivery:
    return a_delivery(an_alert(a_story(number), delay=delay), late=Lateness.LATE)


def text_of(*rows: Delivery) -> str:
    return "".join(span.text for span in late_list(rows))


@pytest.mark.parametrize(
    ("delay", "notice"),
    [
        (Delay.NONE, ""),
        (Delay.POSTED, "dated September 23, 2023, first seen today, October 5, 2023"),
        (Delay.POSTED_TOGETHER, "dated September 23, 2023, first seen today, October 5, 2023"),
        (Delay.HELD, "late: held back, since its source listed many old items at once"),
        (Delay.MISSED, "late: it came out while its source was not read"),
    ],
)
def test_an_alert_of_its_own_says_why_it_is_late(delay: Delay, notice: str) -> None:
    document = a_document(claimed_at=NOW - timedelta(days=12), precision=Precision.DAY)
    assert card(an_alert(a_story(1, document), delay=delay)).notice == notice


def test_the_date_of_an_address_and_the_readers_own_day_are_shown() -> None:
    document = a_document(url="https://a.example/2023/09/20/x", claimed_at=None, seen_at=NOW.replace(hour=2))
    notice = card(an_alert(a_story(1, document), delay=Delay.POSTED), repeat=True).notice
    assert notice == "dated September 20, 2023, first seen today, October 4, 2023 · ↻ may repeat"


def test_a_document_whose_text_was_taken_away_for_its_age_still_says_that_it_is_old() -> None:
    document = a_document(claimed_at=None, url="https://a.example/x", text="")
    assert card(an_alert(a_story(1, document), delay=Delay.POSTED)).notice.startswith("dated long ago, ")


@pytest.mark.parametrize(
    ("delay", "beginning"),
    [
        (Delay.POSTED_TOGETHER, "2 late documents\nPosted by an official source more than a week after its date."),
        (Delay.HELD, "2 late items\nHeld back, since one source listed many old items at once."),
        (Delay.MISSED, "2 late alerts\nIt came out while its source was not read."),
    ],
)
def test_a_list_says_why_what_is_in_it_is_late(delay: Delay, beginning: str) -> None:
    assert text_of(late(1, delay), late(2, delay)).startswith(beginning)


def test_a_list_of_several_kinds_is_just_late() -> None:
    assert text_of(late(1, Delay.NONE), late(2, Delay.POSTED)).startswith("2 late alerts\nNot sent when")


def held(number: int, hours: float | None) -> Delivery:
    """What a flood held, dated so many hours ago."""
    dated = None if hours is None else NOW - hours * HOUR
    return a_delivery(an_alert(a_story(number, a_document(number, claimed_at=dated)), delay=Delay.HELD))


def test_a_long_list_names_the_newest_ten_and_counts_the_rest() -> None:
    text = text_of(*(held(number, 3_000 - number) for number in range(1, 1_301)))
    assert text.startswith("1,300 late items\n")
    assert "By title and link only, newest first:" in text
    assert (text.count("• "), " · #1291\n" in text, " · #1290\n" in text) == (10, True, False)
    assert text.index("#1300") < text.index("#1299")
    assert "… and 1,290 more, between #1 and #1290: why 1290 shows the first of them." in text
    assert "more, between" not in text_of(*(late(number, Delay.HELD) for number in range(10)))


def test_the_newest_of_several_floods_is_named_and_what_has_no_date_counts_from_when_it_was_seen() -> None:
    text = text_of(held(1, 5), *(held(number, 90) for number in range(2, 20)), held(20, None))
    assert text.index(" · #20\n") < text.index(" · #1\n")
    assert text.index(" · #1\n") < text.index(" · #2\n")


@pytest.mark.parametrize("delay", LISTED)
def test_what_was_late_before_it_came_is_listed_at_once_however_much_it_is(delay: Delay) -> None:
    row = Waiting(NOW, delay=delay)
    assert told_next([row], NOW, Patience()) == (Lateness.LATE,)
    most = LISTED_TOGETHER if delay is Delay.HELD else LIST_SIZE
    assert told_next([row] * (LISTED_TOGETHER + 1), NOW, Patience()) == (Lateness.LATE,) * most
    assert look_ahead(delay) == max(most, LOOK_AHEAD)
    assert told_next([row], NOW + 73 * HOUR, Patience()) == (Lateness.OVERDUE,)


def test_lists_of_other_kinds_refused_rows_and_news_are_not_mixed_in() -> None:
    row = Waiting(NOW, delay=Delay.HELD)
    for other in (Waiting(NOW), replace(row, plain=True), Waiting(NOW, delay=Delay.MISSED)):
        assert len(told_next([row, row, other, row], NOW, Patience())) == 2
    assert told_next([replace(row, plain=True), row], NOW, Patience()) == (Lateness.ON_TIME,)
    backlog = [Waiting(NOW - HOUR), Waiting(NOW - HOUR), row]
    assert len(told_next([*backlog, *[Waiting(NOW)] * KEPT_WHOLE], NOW, Patience())) == 2


def test_what_its_source_posted_late_comes_by_itself() -> None:
    assert told_next([Waiting(NOW, delay=Delay.POSTED)], NOW, Patience()) == (Lateness.ON_TIME,)
