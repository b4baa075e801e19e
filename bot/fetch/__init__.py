"""HTTP GET as a good guest: conditional, bounded, paced, gated, within robots.txt, and honest about who asks."""

from __future__ import annotations

from bot.fetch.answers import retry_after
from bot.fetch.client import Fetcher, FetchLimits

__all__ = ["FetchLimits", "Fetcher", "retry_after"]
