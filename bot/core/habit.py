"""How often a source has news, and how long a silence of it means that something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.core.model import Document

DAYS_LEAST = 10  # with news, before anything is said of a habit
SILENCE_LEAST, SILENCE_MOST = timedelta(hours=24), timedelta(days=14)
TIMES_THE_GAP = 3
STEADY_GAP = timedelta(days=3)  # the weekend of an office, or two days that are not always news days
STALE_LEAST, STALE_INTERVALS = timedelta(days=14), 45  # what is asked once a day may well be a monthly bulletin
REMEMBERED = timedelta(days=400)  # of a source's past; what holds in August and at Christmas is in it


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is stored of one source's past: the days on which it had news, in order, each once.

    `newest_at` is when its newest item was made, by its own word or else by when we saw it. `alive_at` is when we last
    saw something new of it after we had first read it; None where nothing has come since. `dated_at` is the latest
    date, up to when we saw it, that an item claims for itself; None where none is dated.
    """

    days: tuple[date, ...] = ()
    newest_at: datetime | None = None
    alive_at: datetime | None = None
    dated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What little is known of a source without a habit: its newest dated item, and its longest gap, if it has one."""

    last_at: datetime
    longest: timedelta
    measured_at: datetime

    def patience(self, every: timedelta) -> timedelta:
        """Say from when on its list is stale, if it is asked so often: weeks, and more where it is known to be rare."""
        return max(STALE_LEAST, STALE_INTERVALS * every, TIMES_THE_GAP * self.longest)


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


Behavior = Habit | Glimpse


def behavior_of(rhythm: Rhythm, now: datetime) -> Behavior | None:
    """Say how a source behaves, or how little is known of that; None where nothing is, as where nothing is dated."""
    habit = habit_of(rhythm, now)
    if habit is not None or rhythm.dated_at is None:
        return habit
    gaps = [later - earlier for earlier, later in pairwise(rhythm.days)]
    last_at = max(rhythm.dated_at, rhythm.alive_at or rhythm.dated_at)
    return Glimpse(min(last_at, now), max(gaps, default=timedelta(0)), now)


def newest_made(documents: Iterable[Document], now: datetime) -> datetime | None:
    """Say when the newest was made: by its own word, or now where it says nothing."""
    return max((min(document.claimed_at or now, now) for document in documents), default=None)


def silent_for(habit: Behavior, last_new_at: datetime | None, last_success_at: datetime) -> timedelta:
    """Say for how long a source is known to have been silent: up to the last time that it was read, not up to now."""
    came = last_new_at if last_new_at is not None and last_new_at > habit.measured_at else habit.last_at
    return max(last_success_at - came, timedelta(0))


def _ninth_tenth(gaps: Sequence[timedelta]) -> timedelta:
    """Take the shortest of the gaps, sorted, that nine tenths of them do not exceed."""
    return gaps[-(-len(gaps) * 9 // 10) - 1]
