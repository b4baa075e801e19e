"""When alerts have waited too long to be told one by one.

After an outage, a flood wait or a pause a chat may have hundreds of them waiting. What is late is then told in lists,
by title and link, the oldest first; the newest few still come as alerts of their own. So 400 alerts of three days are
40 lists and 5 alerts. Nothing is dropped: what waited beyond `retry_for` is listed too, and only what could be told
in no way for 30 days is given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.model import Lateness

LIST_SIZE = 10
KEPT_WHOLE = 5  # the newest of a backlog, unless they are older than `max_age`
LOOK_AHEAD = LIST_SIZE + KEPT_WHOLE
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


def told_next(lane: Sequence[Waiting], now: datetime, patience: Patience) -> tuple[Lateness, ...]:
    """Say how the next message of a lane tells its rows: one entry for each, from the head on.

    `lane` is the waiting rows in order, at least the first `LOOK_AHEAD` of them. A row that was refused goes alone, as
    plain text: no other shall be refused with it. A list of one is made only of what is older than `max_age`.
    """
    is_old = now - lane[0].since > patience.for_itself
    is_backlog = now - lane[0].since > BACKLOG_AFTER and len(lane) > KEPT_WHOLE
    listed = tuple(_listed(lane, now, patience)) if is_old or is_backlog else ()
    return listed if len(listed) > 1 or (listed and is_old) else (Lateness.ON_TIME,)


def _listed(lane: Sequence[Waiting], now: datetime, patience: Patience) -> Iterator[Lateness]:
    for place, row in enumerate(lane[:LIST_SIZE]):
        age = now - row.since
        if row.plain or not (age > patience.for_itself or place + KEPT_WHOLE < len(lane)):
            return
        yield Lateness.OVERDUE if age > patience.retry_for else Lateness.LATE
