"""Whether a platform as a whole can be reached: a circuit breaker for each.

    closed ──5 failures in a row──► open ──a probe is answered──► closed, one message at a time until one arrives
                                     │▲
                                     └┘ at most one probe every 30 s

While it is open no message is attempted: a probe is a harmless question, so no row pays for an outage. Where nothing
has arrived lately, no more messages go out together than may fail; so an outage that begins in a quiet hour costs
five attempts, not as many as there are lanes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_FAILURES = 5
PROBE_EVERY = timedelta(seconds=30)
PROVEN_FOR = timedelta(seconds=30)  # for so long one answer is believed for all lanes


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` in a row, of the platform and not of one chat. `open_since` is None while messages may go out."""

    failures: int = 0
    open_since: datetime | None = None
    probe_at: datetime | None = None
    answered_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.open_since is not None

    def answered(self, now: datetime) -> Breaker:
        """Note that the platform answered a message, whatever it said: it can be reached."""
        return Breaker(answered_at=now)

    def failed(self, now: datetime) -> Breaker:
        """Note that the platform could not be reached, or had an error of its own."""
        failures = min(self.failures + 1, MOST_FAILURES)
        if self.is_open or failures < MOST_FAILURES:
            return replace(self, failures=failures)
        return Breaker(failures, open_since=now, probe_at=now + PROBE_EVERY)

    def wants_probe(self, now: datetime) -> bool:
        """Say whether to probe now. A clock that was set back delays a probe by its usual pause, no longer."""
        return self.probe_at is not None and not now < self.probe_at <= now + PROBE_EVERY

    def probing(self, now: datetime) -> Breaker:
        """Note that a probe begins."""
        return replace(self, probe_at=now + PROBE_EVERY)

    def probed(self) -> Breaker:
        """Note that a probe was answered: one message may try, and one failure opens again."""
        return Breaker(MOST_FAILURES - 1) if self.is_open else self

    def room(self, now: datetime, under_way: int, lanes: int) -> int:
        """Say how many more messages may begin, of `lanes` at once."""
        if self.is_open:
            return 0
        allowed = lanes if self._is_proven(now) else min(lanes, MOST_FAILURES - self.failures)
        return max(0, allowed - under_way)

    def _is_proven(self, now: datetime) -> bool:
        if self.failures or self.answered_at is None:
            return False
        return timedelta(0) <= now - self.answered_at <= PROVEN_FOR
