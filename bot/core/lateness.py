"""When alerts have waited too long to be told one by one.

After an outage, a flood wait or a pause a chat may have hundreds of them waiting. What is late is then told in lists,
by title and link, the oldest first; the newest few still come as alerts of their own. So 400 alerts of three days are
40 lists and 5 alerts. Nothing is dropped: what waited beyond `retry_for` is listed too, and only what could be told
in no way for 30 days is given up.

What was late before it came to us (`bot.core.model.Delay`) is told in a list from the start, of ten too, so that each
is named. Only what a flood held is one message, however much of it stands together in the lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from bot.core.delays import Delay
from bot.core.model import Lateness

LIST_SIZE = 10
KEPT_WHOLE = 5  # the newest of a backlog, unless they are older than `max_age`
LOOK_AHEAD = LIST_SIZE + KEPT_WHOLE
LISTED_TOGETHER = 5_000  # held rows that one message may stand for: it names the newest ten and counts the rest
# As long as the longest pause between two attempts: what waited longer waited for more than its chat's own trouble.
# With an hour, all that came in an outage's last hour would go out one by one: 400 alerts of three days, a little
# unevenly spread, would be more than 45 messages.
BACKLOG_AFTER = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an alert may wait: to be told by itself (`max_age`), and to count as sent when a list tells of it."""

    max_age: timedelta = timedelta(hours=24)
    retry_for: timedelta = timedelta(hours=72)

    @property
    def for_itself(self) -> timedelta:
        return min(self.max_age, self.retry_for)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the rule needs to know of a waiting row."""

    since: datetime
    plain: bool = False
    delay: Delay = Delay.NONE


def told_next(lane: Sequence[Waiting], now: datetime, patience: Patience) -> tuple[Lateness, ...]:
    """Say how the next message of a lane tells its rows: one entry for each, from the head on.

    `lane` is the waiting rows in order, at least the first `look_ahead` of them. A row that was refused goes
    alone, as plain text: no other shall be refused with it. A list of one is made only of what is older than
    `max_age`, or late by its nature.
    """
    if lane[0].delay.is_listed and not lane[0].plain:
        alike = takewhile(lambda row: row.delay is lane[0].delay and not row.plain, lane[: _at_most(lane[0].delay)])
        return tuple(_how_late(row, now, patience) for row in alike)
    is_old = now - lane[0].since > patience.for_itself
    is_backlog = now - lane[0].since > BACKLOG_AFTER and len(lane) > KEPT_WHOLE
    listed = tuple(_listed(lane, now, patience)) if is_old or is_backlog else ()
    return listed if len(listed) > 1 or (listed and is_old) else (Lateness.ON_TIME,)


def look_ahead(delay: Delay) -> int:
    """Say how many rows of a lane have to be looked at where the first is late for this."""
    return max(LOOK_AHEAD, _at_most(delay))


def _at_most(delay: Delay) -> int:
    return LISTED_TOGETHER if delay is Delay.HELD else LIST_SIZE


def _listed(lane: Sequence[Waiting], now: datetime, patience: Patience) -> Iterator[Lateness]:
    for place, row in enumerate(lane[:LIST_SIZE]):
        age = now - row.since
        if row.plain or row.delay.is_listed or not (age > patience.for_itself or place + KEPT_WHOLE < len(lane)):
            return
        yield _how_late(row, now, patience)


def _how_late(row: Waiting, now: datetime, patience: Patience) -> Lateness:
    return Lateness.OVERDUE if now - row.since > patience.retry_for else Lateness.LATE
