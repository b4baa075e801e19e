"""Alarms: none while all is well, each begins once and ends once, and no order of facts matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alarms import (
    QUIET,
    REMINDER,
    SETTLED,
    Alarm,
    Facts,
    Known,
    Notice,
    Severity,
    SourceHealth,
    Thresholds,
    Turn,
    Waiting,
    changes,
    in_words,
    standing,
)
from tests.builders import NOW, at

LIMITS = Thresholds()
MINUTE = timedelta(minutes=1)
WELL = Facts(
    NOW,
    sources=tuple(SourceHealth(f"s{number}", f"Newsroom {number}", official=number < 2) for number in range(10)),
    waiting={"telegram": Waiting(3, at(minutes=-9)), "slack": Waiting()},
    unreachable={"web": at(minutes=-4)},
    held={"console": at(minutes=-59)},
    ticked_at=at(seconds=-20),
    disk_free=201 * 1024**2,
    backups_since=at(days=-30),
    backup_at=at(hours=-35),
    clock_ahead=timedelta(seconds=-50),
)


def keys(facts: Facts, limits: Thresholds = LIMITS) -> list[str]:
    return [alarm.key for alarm in standing(facts, limits)]


def failing(hours: float, *, official: bool = False, failures: int = 5) -> SourceHealth:
    return SourceHealth("eoir", "EOIR memos", official, failures, "it answered 503", at(hours=-hours))


def test_nothing_stands_while_all_is_well_or_nothing_is_known() -> None:
    assert keys(WELL) == []
    assert keys(Facts(NOW)) == []


TROUBLE = {
    "source:eoir": replace(WELL, sources=(*WELL.sources, failing(6))),
    "room:telegram": replace(WELL, stopped={"telegram": "bad token"}),
    "unreachable:slack": replace(WELL, unreachable={"slack": at(minutes=-5)}),
    "held:slack": replace(WELL, held={"slack": at(hours=-1)}),
    "outbox:telegram": replace(WELL, waiting={"telegram": Waiting(1, at(minutes=-10))}),
    "notify:slack": replace(WELL, unheard=frozenset({"slack"})),
    "rows": replace(WELL, dead=1),
    "database": replace(WELL, database="The database cannot be written."),
    "tick": replace(WELL, ticked_at=at(minutes=-5)),
    "disk": replace(WELL, disk_free=199 * 1024**2),
    "backup": replace(WELL, backup_at=at(hours=-36)),
    "reload": replace(WELL, reload_failed="match.x: not a setting"),
    "clock": replace(WELL, clock_ahead=timedelta(minutes=2)),
    "sources": replace(
        WELL, sources=tuple(SourceHealth(f"s{number}", "", failures=2 * (number < 4)) for number in range(10))
    ),
}


@pytest.mark.parametrize("key", TROUBLE)
def test_each_trouble_is_one_alarm_with_a_next_step(key: str) -> None:
    (alarm,) = standing(TROUBLE[key], LIMITS)
    assert alarm.key == key
    assert alarm.sentence.strip()
    assert alarm.next_step.endswith(".")


@pytest.mark.parametrize("rows", [{"unsure": 1}, {"dead": 1}, {"untold": 1}])
def test_every_row_that_needs_a_look_raises_the_alarm_of_rows(rows: dict[str, int]) -> None:
    assert keys(replace(WELL, **rows)) == ["rows"]


def test_a_full_disk_is_one_alarm_with_one_that_is_nearly_full() -> None:
    (alarm,) = standing(replace(WELL, disk_free=0, disk_full=True), LIMITS)
    assert (alarm.key, alarm.severity) == ("disk", Severity.URGENT)
    assert "alerts wait" in alarm.sentence


def test_all_trouble_at_once_is_told_urgent_things_first() -> None:
    everything = Facts(
        NOW,
        sources=TROUBLE["sources"].sources + TROUBLE["source:eoir"].sources[-1:],
        waiting=TROUBLE["outbox:telegram"].waiting,
        stopped={"web": "broke"},
        unreachable=TROUBLE["unreachable:slack"].unreachable,
        held={"console": at(hours=-2)},
        unheard=frozenset({"slack"}),
        unsure=1,
        database="The database cannot be written.",
        ticked_at=at(hours=-1),
        disk_free=0,
        backups_since=at(days=-3),
        reload_failed="x",
        clock_ahead=timedelta(hours=-1),
    )
    found = standing(everything, LIMITS)
    assert len(found) == len(TROUBLE)
    urgent = [alarm.severity is Severity.URGENT for alarm in found]
    assert urgent == sorted(urgent, reverse=True)


@pytest.mark.parametrize(
    ("source", "stands"),
    [
        (failing(5.9), False),
        (failing(1, official=True), True),
        (failing(0.9, official=True), False),
        (failing(24, failures=1), False),  # switched off for a day, then one bad answer
        (replace(failing(24), failing_since=None), False),
    ],
)
def test_a_source_is_an_alarm_after_its_patience_and_two_failures_in_a_row(source: SourceHealth, stands: bool) -> None:
    assert (keys(replace(WELL, sources=(*WELL.sources, source))) == ["source:eoir"]) is stands


def test_an_official_source_is_never_given_more_time_than_others() -> None:
    limits = Thresholds(source_failing=timedelta(minutes=30))
    facts = replace(WELL, sources=(*WELL.sources, failing(0.6, official=True)))
    assert keys(facts, limits) == ["source:eoir"]


def test_two_sources_of_three_are_no_failing_network() -> None:
    sources = tuple(SourceHealth(f"s{number}", "", failures=9 * (number < 2)) for number in range(3))
    assert keys(replace(WELL, sources=sources)) == []


@pytest.mark.parametrize("why", ["stopped", "unreachable", "held"])
def test_rows_that_wait_for_a_known_reason_are_no_alarm_of_their_own(why: str) -> None:
    facts = replace(WELL, waiting={"slack": Waiting(9, at(days=-1))})
    assert keys(facts) == ["outbox:slack"]
    reason: dict[str, object] = {why: {"slack": "bad token" if why == "stopped" else at(hours=-5)}}
    (key,) = keys(replace(facts, **reason))  # type: ignore[arg-type]  # the field is chosen above
    assert key != "outbox:slack"


def test_without_backups_their_age_is_no_matter_and_the_first_one_has_its_time() -> None:
    assert keys(replace(WELL, backups_since=None, backup_at=None)) == []
    assert keys(replace(WELL, backups_since=at(hours=-35), backup_at=None)) == []
    assert keys(replace(WELL, backups_since=at(hours=-37), backup_at=None)) == ["backup"]


@given(st.permutations(TROUBLE["sources"].sources + TROUBLE["source:eoir"].sources[-1:]), st.booleans())
def test_the_order_of_facts_does_not_matter(sources: list[SourceHealth], turned: bool) -> None:
    pairs = [("telegram", "bad token"), ("slack", "broke")]
    stopped = dict(reversed(pairs) if turned else pairs)
    found = standing(replace(WELL, sources=tuple(sources), stopped=stopped), LIMITS)
    usual = replace(WELL, sources=TROUBLE["sources"].sources + TROUBLE["source:eoir"].sources[-1:])
    assert found == standing(replace(usual, stopped=dict(pairs)), LIMITS)


# --- what is told -------------------------------------------------------------------------------------------------

DISK = Alarm("disk", Severity.URGENT, "The disk is nearly full.", "Make room.")
EOIR = Alarm("source:eoir", Severity.WARNING, "EOIR fails.", "Look at it.", since=at(hours=-6))


def told(beats: Sequence[tuple[Alarm, ...]], start: datetime = NOW) -> list[tuple[int, Notice]]:
    """Live through so many minutes, with what stands at each; give (minute, notice)."""
    known: Known = {}
    heard: list[tuple[int, Notice]] = []
    for minute, stands in enumerate(beats):
        known, notices = changes(known, stands, start + minute * MINUTE)
        heard += [(minute, notice) for notice in notices]
        assert len(known) <= 2
    return heard


def turns(beats: Sequence[tuple[Alarm, ...]]) -> list[tuple[int, str, Turn]]:
    return [(minute, notice.alarm.key, notice.turn) for minute, notice in told(beats)]


def test_an_alarm_is_told_at_once_and_its_end_when_it_has_settled() -> None:
    heard = told([()] * 3 + [(EOIR,)] * 10 + [()] * 300)
    assert [(minute, notice.turn) for minute, notice in heard] == [(3, Turn.BEGAN), (18, Turn.ENDED)]
    began, ended = (notice for _, notice in heard)
    assert began.lasted == timedelta(hours=6, minutes=3)  # since the source failed, not since we noticed
    assert ended.lasted == timedelta(hours=6, minutes=13)  # until it was gone, not until we were sure


def test_a_short_gap_is_no_end() -> None:
    assert turns([(DISK,), (), (), (), ()] * 60) == [(0, "disk", Turn.BEGAN)]


def test_what_comes_and_goes_is_told_at_most_once_an_hour() -> None:
    heard = turns(([(DISK,)] + [()] * 7) * 60)
    began = [minute for minute, _, turn in heard if turn is Turn.BEGAN]
    assert began[:2] == [0, 72]  # told over at minute 6, quiet for an hour, and standing again at minute 72
    assert len(heard) == 2 * len(began) == 14


def test_what_stands_is_told_again_once_a_day() -> None:
    day = REMINDER // MINUTE
    assert [minute for minute, _, turn in turns([(DISK,)] * (2 * day + 1)) if turn is Turn.STANDS] == [day, 2 * day]


def test_a_clock_set_back_neither_repeats_nor_silences() -> None:
    known, (began,) = changes({}, (DISK,), NOW)
    known, nothing = changes(known, (DISK,), at(days=-400))
    assert (began.turn, nothing) == (Turn.BEGAN, ())
    known, _ = changes(known, (), at(days=-400))
    known, (ended,) = changes(known, (), at(days=-400, minutes=5))
    assert (ended.turn, ended.lasted) == (Turn.ENDED, timedelta(0))
    _, (again,) = changes(known, (DISK,), at(days=-401))
    assert again.turn is Turn.BEGAN


lives = st.lists(
    st.tuples(st.sampled_from([(), (DISK,), (EOIR,), (DISK, EOIR), (EOIR, DISK)]), st.integers(1, 90)),
    max_size=30,
)


@given(lives)
def test_beginnings_and_ends_alternate_and_the_last_word_is_the_truth(
    life: list[tuple[tuple[Alarm, ...], int]],
) -> None:
    beats = [stands for stands, minutes in life for _ in range(minutes)]
    last = beats[-1] if beats else ()
    heard = turns([*beats, *[last] * ((QUIET + SETTLED) // MINUTE + 2)])
    for alarm in (DISK, EOIR):
        own = [(minute, turn) for minute, key, turn in heard if key == alarm.key and turn is not Turn.STANDS]
        assert [turn for _, turn in own] == [Turn.BEGAN, Turn.ENDED] * (len(own) // 2) + [Turn.BEGAN] * (len(own) % 2)
        began = [minute for minute, turn in own if turn is Turn.BEGAN]
        assert all(later - earlier >= QUIET // MINUTE for earlier, later in pairwise(began))
        assert (len(own) % 2 == 1) is (alarm in last)


@given(lives)
def test_what_stands_for_the_first_time_is_told_the_same_minute(life: list[tuple[tuple[Alarm, ...], int]]) -> None:
    beats = [stands for stands, minutes in life for _ in range(minutes)]
    heard = turns(beats)
    for alarm in (DISK, EOIR):
        first = next((minute for minute, stands in enumerate(beats) if alarm in stands), None)
        assert next((minute for minute, key, _ in heard if key == alarm.key), None) == first


def text(notices: tuple[Notice, ...]) -> str:
    return "".join(span.text for span in in_words(notices).spans)


def test_a_notice_says_what_how_long_and_what_to_do() -> None:
    said = text(
        (
            Notice(Turn.ENDED, EOIR, timedelta(hours=3)),
            Notice(Turn.STANDS, EOIR, timedelta(days=2)),
            Notice(Turn.BEGAN, DISK, timedelta(0)),
        )
    )
    assert said == (
        "Alarm · The disk is nearly full.\nMake room.\n"
        "Over after 3 h · EOIR fails.\n"
        "Still (for 2 days) · EOIR fails.\nLook at it.\n"
    )


def test_a_flood_of_alarms_is_one_short_message() -> None:
    notices = tuple(Notice(Turn.BEGAN, replace(EOIR, key=f"source:{number}"), MINUTE) for number in range(80))
    assert text(notices).count("EOIR fails.") == 12
    assert "… and 68 more." in text(notices)
