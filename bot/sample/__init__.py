"""The bundled sample: a made-up day of news, served over real HTTP on loopback, with a clock of its own."""

from __future__ import annotations

from bot.sample.clock import SampleClock
from bot.sample.server import SampleServer

__all__ = ["SampleClock", "SampleServer"]
