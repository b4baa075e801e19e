"""What differs between the real world and the bundled sample: time, sources, addresses, and where things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.clock import SystemClock
from bot.core.agenda import AgendaLimits
from bot.core.intake import SourceSpec
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from bot.ports import Clock
from bot.sample import SampleClock, SampleServer
from config import Settings


@dataclass(frozen=True, slots=True)
class World:
    """What the real world and the bundled sample have in common, each with its own values."""

    clock: Clock
    data_dir: Path
    sources: tuple[SourceSpec, ...]
    not_yet: tuple[tuple[str, str, str], ...]
    gate: Gate
    fetching: FetchLimits
    agenda: AgendaLimits
    tick: timedelta
    sample: SampleServer | None = None


def real_world(settings: Settings, data_dir: Path) -> World:
    fetch = settings.fetch
    return World(
        clock=SystemClock(),
        data_dir=data_dir,
        sources=settings.source_specs(),
        not_yet=settings.not_yet_sources(),
        gate=Gate(allow_private=fetch.allow_private_addresses),
        fetching=FetchLimits(
            max_bytes=fetch.max_bytes,
            total=fetch.timeout,
            per_host_delay=fetch.per_host_delay,
            per_source_delay=fetch.least_every,
        ),
        agenda=AgendaLimits(fetch.jitter, fetch.backoff_max, fetch.least_every),
        tick=fetch.tick,
    )


def open_fetcher(settings: Settings, world: World) -> Fetcher:
    """Make what fetches for sources in this world."""
    return Fetcher(
        contact=settings.bot.contact,
        limits=world.fetching,
        clock=world.clock,
        gate=world.gate,
        respect_robots=settings.fetch.respect_robots and world.sample is None,
        keys=settings.keys.by_kind(),
    )


def sample_world(data_dir: Path, sample: SampleServer) -> World:
    """The bundled sample: a database made anew, its own time, and one address that may be dialed."""
    for file in data_dir.glob("policybell.db*"):
        file.unlink()
    second = timedelta(seconds=1)
    return World(
        clock=SampleClock(),
        data_dir=data_dir,
        sources=sample.sources(),
        not_yet=(),
        gate=Gate(admit=frozenset({sample.address})),
        fetching=FetchLimits(per_host_delay=timedelta(0)),
        agenda=AgendaLimits(jitter_share=0.0, backoff_max=second, minimum=timedelta(0)),
        tick=second,
        sample=sample,
    )
