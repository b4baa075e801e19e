"""Which lists showed nothing but new items, so that older ones may have dropped out unseen. In memory alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.alarms import Alarm, Severity
from bot.core.intake import SourceSpec
from bot.core.turns import TOLD_FOR
from bot.poll import Polled


@dataclass(slots=True)
class Losses:
    """When each list rolled over, first and last; forgotten most of a day after the last time, and by a restart."""

    _at: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def polled(self, results: Iterable[Polled], now: datetime) -> None:
        """Note the lists of a round that rolled over."""
        for one in results:
            if one.may_have_missed:
                self._at[one.source_id] = (self._at.get(one.source_id, (now,))[0], now)

    def alarms(self, sources: Mapping[str, SourceSpec], now: datetime) -> tuple[Alarm, ...]:
        """Say where items may be missed. A list that rolls over again and again is told once a day."""
        self._at = {one: span for one, span in self._at.items() if now - span[1] < TOLD_FOR}
        known = [(sources[one], first) for one, (first, _) in self._at.items() if one in sources]
        return tuple(_alarm(source, first) for source, first in known)


def _alarm(source: SourceSpec, since: datetime) -> Alarm:
    return Alarm(
        f"missed:{source.id}",
        Severity.WARNING,
        f"{source.name}: more came between two polls than its list holds, so some items may be missed.",
        f"Look through {source.url} for what was not told; if it happens again, shorten `every` of {source.id}.",
        since,
        passing=True,
    )
