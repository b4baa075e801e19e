"""How often a source has news, and how long a silence of it means that something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

DAYS_LEAST = 10  # with news, before anything is said of a habit
SILENCE_LEAST, SILENCE_MOST = timedelta(hours=24), timedelta(days=14)
TIMES_THE_GAP = 3
STEADY_GAP = timedelta(days=3)  # the weekend of an office, or two days that are not always news days
REMEMBERED = timedelta(days=400)  # of a source's past; what holds in August and at Christmas is in it


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is stored of one source's past: the days on which it had news, in order, each once.

    `newest_at` is when its newest item was made, by its own word or else by when we saw it. `alive_at` is when we last
    saw something new of it after we had first read it; None where nothing has come since.
    """

    days: tuple[date, ...] = ()
    newest_at: datetime | None = None
    alive_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Habit:
    """How a source has behaved up to `measured_at`. `gap` is what nine of ten gaps between days of news keep to."""

    gap: timedelta
    longest: timedelta
    last_at: datetime
    measured_at: datetime

    @property
    def is_steady(self) -> bool:
        """Whether it has news at least every three days as a rule, and was never silent for three times its gap.

        Of 1,103 gaps of such sources in the Federal Register and in press rooms, each judged by what came before it,
        none would have been a false alarm (tests/core/test_habit_tells_silence_from_a_quiet_day.py).
        """
        return self.gap <= STEADY_GAP and self.longest <= TIMES_THE_GAP * self.gap

    @property
    def patience(self) -> timedelta | None:
        """The silence from which on it is late. None where it is rare, and was silent for longer than alarms may wait.

        One that is not steady is given its longest silence too, within the same bound: a daily one that once had a
        hole of three weeks, as a shutdown makes, is late after two.
        """
        usual = TIMES_THE_GAP * self.gap
        if usual > SILENCE_MOST and self.longest > SILENCE_MOST:
            return None
        return min(max(SILENCE_LEAST, usual if self.is_steady else max(usual, self.longest)), SILENCE_MOST)


def habit_of(rhythm: Rhythm, now: datetime) -> Habit | None:
    """Say how a source behaves; None where too little is known of it."""
    if len(rhythm.days) < DAYS_LEAST or rhythm.newest_at is None:
        return None
    gaps = sorted(later - earlier for earlier, later in pairwise(rhythm.days))
    last_at = max(rhythm.newest_at, rhythm.alive_at or rhythm.newest_at)
    return Habit(_ninth_tenth(gaps), gaps[-1], min(last_at, now), now)


def silent_for(habit: Habit, last_new_at: datetime | None, last_success_at: datetime) -> timedelta:
    """Say for how long a source is known to have been silent: up to the last time that it was read, not up to now."""
    came = last_new_at if last_new_at is not None and last_new_at > habit.measured_at else habit.last_at
    return max(last_success_at - came, timedelta(0))


def _ninth_tenth(gaps: Sequence[timedelta]) -> timedelta:
    """Take the shortest of the gaps, sorted, that nine tenths of them do not exceed."""
    return gaps[-(-len(gaps) * 9 // 10) - 1]
