"""What operators ask of a store, and what they leave there. A part of `bot.ports.Store`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.core.alarms import Waiting
from bot.core.habit import Rhythm
from bot.core.intake import SourceSpec
from bot.core.model import DeliveryState

# What went well or was called off is the bulk of all rows, and no sign of anything.
COUNTED = tuple(state for state in DeliveryState if state not in {DeliveryState.SENT, DeliveryState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Audited:
    """One operator command as it is remembered: `actor` is a pseudonym, `args` are without chats (security S31)."""

    at: datetime
    actor: str
    verb: str
    args: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Vitals:
    """Numbers for alarms and metrics, none of them about one chat.

    `waiting` and `filters` are by platform, `chats` by platform and state (`active`, `gone`), `rows` are the deliveries
    in each of the states `COUNTED`, and `untold` those of them that expired before anything told them. `size` is that
    of the database, in bytes.
    """

    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    chats: Mapping[tuple[str, str], int] = field(default_factory=dict)
    filters: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[DeliveryState, int] = field(default_factory=dict)
    untold: int = 0
    size: int = 0


class Oversight(Protocol):
    """Pausing sources, measuring, and remembering who did what."""

    async def pause_source(self, source_id: str, now: datetime) -> bool:
        """Leave a source alone until `resume_source`, restarts or not. False: unknown, or paused already."""
        ...

    async def resume_source(self, source_id: str) -> bool:
        """Poll a source again, which was paused or said that it is gone. False: it was neither."""
        ...

    async def move_source(self, source: SourceSpec, now: datetime) -> str:
        """Read a source where its permanent redirects lead, instead of its address in the settings. Return where.

        Empty: they lead nowhere.
        """
        ...

    async def paused_sources(self) -> Mapping[str, datetime]:
        """Which registered sources are paused, and since when."""
        ...

    async def poll_next(self, source_id: str, at: datetime) -> bool:
        """Have a source polled next at `at`, or earlier where that was planned. False: it is unknown or paused."""
        ...

    async def vitals(self, now: datetime) -> Vitals:
        """Measure, as things stand at this moment."""
        ...

    async def rhythms(self, since: datetime) -> Mapping[str, Rhythm]:
        """When each source had news, of all that is stored of it; the days are those after `since`."""
        ...

    async def note(self, entry: Audited) -> None:
        """Remember an operator command."""
        ...

    async def audit(self, limit: int) -> tuple[Audited, ...]:
        """The last operator commands, the newest first."""
        ...
