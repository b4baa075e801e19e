"""Until when a chat's alerts are held: for its daily digest, and for the end of its quiet hours.

A chat's times are times on its own clock, so what is kept is the rule, and the moment is computed for each alert from
the moment at which the alert came to be. The same alert is thus held until the same moment whenever that is asked, and
all that one digest gathers is known by one name: its chat, its kind and the day on the chat's calendar.
Nothing here counts hours from a former digest, so that a suspended machine or a clock that was set moves none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from bot.core.until import on_the_clock
from bot.core.words import zone_named

# Days of the calendar that are looked at, around the one that a chat's clock shows: the window of a night may have
# begun the day before, and a clock that is put back at midnight shows the former day once more.
_AROUND = range(-1, 3)
_DAY = timedelta(days=1)


class Gathering(StrEnum):
    """What alerts are held for."""

    DAILY = "daily"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of each day in which nothing is sent, from `start` on and until `end`, on the chat's own clock.

    It goes over midnight where `end` comes before `start`. Raises `ValueError` where both are the same: such hours
    would have no end.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError("Quiet hours that end when they begin would never end. Name two times of a day.")

    def on(self, day: date, zone: str) -> tuple[datetime, datetime]:
        """Give the moments, in UTC, between which it is quiet from this day on.

        Both are equal where the clock leaves these hours out, in spring; such a night has none. Where it leaves out
        all that lies between two nights, the second begins as the first ends: what the first held is let go then.
        """
        last = day if self.start < self.end else day + _DAY
        return on_the_clock(day, self.start, zone), on_the_clock(last, self.end, zone)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a chat wants its alerts: right away, or once a day at `daily`; never in its quiet hours."""

    daily: time | None = None
    quiet: QuietHours | None = None


RIGHT_AWAY = Rhythm()


@dataclass(frozen=True, slots=True)
class Held:
    """Until when an alert is held (UTC), for what, and for which day on the chat's calendar."""

    until: datetime
    gathering: Gathering
    day: date

    @property
    def name(self) -> str:
        """Name what the alert is told with, among all of its chat: `daily 2026-11-01`."""
        return f"{self.gathering} {self.day.isoformat()}"


def held(rhythm: Rhythm, zone: str, at: datetime) -> Held | None:
    """Say until when an alert that came to be at this moment is held; None where it may go at once.

    A digest gathers what came before its moment, not at it. One that would come in quiet hours comes at their end.
    """
    if rhythm.daily is None:
        return _until_end_of_quiet(rhythm, zone, at)
    day, moment = next(
        (day, moment) for day in _days(zone, at) if (moment := on_the_clock(day, rhythm.daily, zone)) > at
    )
    still = _until_end_of_quiet(rhythm, zone, moment)
    return Held(still.until if still else moment, Gathering.DAILY, day)


def due(rhythm: Rhythm, zone: str, at: datetime) -> datetime:
    """Say from when on an alert that came to be at this moment may be sent."""
    waiting = held(rhythm, zone, at)
    return waiting.until if waiting else at


def _until_end_of_quiet(rhythm: Rhythm, zone: str, at: datetime) -> Held | None:
    if rhythm.quiet is None:
        return None
    for day in _days(zone, at):
        start, end = rhythm.quiet.on(day, zone)
        if start <= at < end:
            return Held(end, Gathering.QUIET, day)
    return None


def _days(zone: str, at: datetime) -> Iterator[date]:
    today = at.astimezone(zone_named(zone)).date()
    return (today + days * _DAY for days in _AROUND)
