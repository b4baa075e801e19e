"""The circuit breaker of each platform, for as long as the program runs.

A start knows nothing of what was: its first messages go out few at a time, as after a quiet hour (`bot.core.breaker`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import structlog

from bot.core.breaker import Breaker
from bot.errors import MaybeSent, SendError, TokenError, TryLater, Unreachable

log = structlog.get_logger()

_OUTAGE = (Unreachable, MaybeSent)  # of the platform as a whole; every other answer shows that it can be reached


class Breakers:
    """What is known of each platform by its name."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = defaultdict(Breaker)

    @property
    def open_since(self) -> Mapping[str, datetime]:
        """The platforms that cannot be reached, and since when."""
        return {name: one.open_since for name, one in self._breakers.items() if one.open_since is not None}

    def room(self, name: str, now: datetime, under_way: int, lanes: int) -> int:
        """Say how many more messages to a platform may begin."""
        return self._breakers[name].room(now, under_way, lanes)

    def probe_at(self, name: str) -> datetime | None:
        """Say when to probe next; None while messages go out."""
        return self._breakers[name].probe_at

    def take_probe(self, name: str, now: datetime) -> bool:
        """Say whether to probe now; true once for each time it is."""
        if not self._breakers[name].wants_probe(now):
            return False
        self._breakers[name] = self._breakers[name].probing(now)
        return True

    def note(self, name: str, error: SendError | None, now: datetime) -> None:
        """Note what came of a message: None where it was accepted. Where the platform was not asked, nothing did."""
        if isinstance(error, TryLater) and not error.asked:
            return
        before = self._breakers[name]
        self._breakers[name] = before.failed(now) if isinstance(error, _OUTAGE) else before.answered(now)
        self._tell(name, before, str(error))

    def note_probe(self, name: str, error: SendError | TokenError | None, now: datetime) -> None:
        """Note what came of a probe."""
        before = self._breakers[name]
        self._breakers[name] = before.failed(now) if isinstance(error, _OUTAGE) else before.probed()
        self._tell(name, before, str(error))

    def _tell(self, name: str, before: Breaker, why: str) -> None:
        if before.is_open == self._breakers[name].is_open:
            return
        if before.is_open:
            log.info("platform.answers", platform=name)
        else:
            log.error("platform.unreachable", platform=name, error=why)
