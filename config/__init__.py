"""What an operator decides: `load` reads it whole and says everything that is wrong with it."""

from __future__ import annotations

from config.loading import Findings, inspect, load
from config.settings import Settings

__all__ = ["Findings", "Settings", "inspect", "load"]
