"""The settings in force. A reload puts others in their place, so parts read them when they need them."""

from __future__ import annotations

from dataclasses import dataclass

from config import Settings


@dataclass(slots=True)
class Current:
    """One holder for everybody: hand a part `lambda: current.settings.delivery.retry_for`, never a copy."""

    settings: Settings
