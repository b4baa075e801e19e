"""The settings in force. A reload puts others in their place, so parts read them when they need them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from config import Settings


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How the last reading of the settings went. `why` says what is wrong with them, or what waits for a restart.

    `at` is None where nothing was read since the start.
    """

    at: datetime | None = None
    ok: bool = True
    why: str = ""


@dataclass(slots=True)
class Current:
    """One holder for everybody: hand a part `lambda: current.settings.delivery.retry_for`, never a copy."""

    settings: Settings
    last: Reloaded = field(default_factory=Reloaded)

    @property
    def reload_failed(self) -> str:
        """Why the settings on disk are not those in force; empty where they are."""
        return "" if self.last.ok else self.last.why
