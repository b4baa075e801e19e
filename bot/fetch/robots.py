"""What each site's robots.txt allows: read once a day for each origin, remembered in memory.

A file that is not there (4xx) allows everything. One that cannot be read (5xx, no answer, 429) allows nothing, as
RFC 9309 section 2.3.1.4 wants it, unless an older copy is at hand, which then goes on to hold (section 2.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from bot.core.intake import Trouble
from bot.core.robots import Robots, read_robots
from bot.errors import FetchError, Postponed
from bot.ports import Clock

LASTS_SECONDS = 24 * 3600.0  # RFC 9309 section 2.4
TRIED_AGAIN_SECONDS = 60.0

_NOT_THERE = range(400, 500)
_BUSY = 429
_LONG = 64 * 1024  # bytes; from here on, reading takes longer than the event loop should stand still
_VERDICTS_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class _Site:
    """What is known of one origin until `until`. `robots` is None where its file cannot be read, for `why`."""

    robots: Robots | None
    until: float
    why: str = ""
    crawl_delay: float = 0.0
    verdicts: dict[str, bool] = field(default_factory=dict)

    def allows(self, robots: Robots, path: str) -> bool:
        """Say whether a path may be asked for; a poll asks for the same few again and again."""
        if path not in self.verdicts:
            if len(self.verdicts) >= _VERDICTS_REMEMBERED:
                self.verdicts.clear()
            self.verdicts[path] = robots.allows(path)
        return self.verdicts[path]


class Permissions:
    """Asks each site once a day what it allows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sites: dict[str, _Site] = {}
        self._one_at_a_time: dict[str, asyncio.Lock] = {}

    def knows(self, origin: str) -> bool:
        """Say whether what the site allows was asked within a day."""
        site = self._sites.get(origin)
        return site is not None and self._clock.monotonic() < site.until

    def crawl_delay(self, origin: str, host: str, path: str) -> float:
        """Return the seconds that a known site wants between two pages; raise `FetchError` where it wants no visit."""
        site = self._sites[origin]
        if site.robots is None:
            raise FetchError(f"robots.txt of {host} cannot be read: {site.why}")
        if not site.allows(site.robots, path):
            raise FetchError(f"robots.txt of {host} asks us not to read this address", trouble=Trouble.REFUSED)
        return site.crawl_delay

    async def learn(self, origin: str, get: Callable[[], Awaitable[bytes]]) -> None:
        """Ask a site what it allows, unless somebody has just done so. `get` gets the file, or raises `FetchError`."""
        async with self._one_at_a_time.setdefault(origin, asyncio.Lock()):
            if not self.knows(origin):
                self._sites[origin] = await self._ask(self._sites.get(origin), get)

    async def _ask(self, known: _Site | None, get: Callable[[], Awaitable[bytes]]) -> _Site:
        try:
            body = await get()
        except FetchError as error:
            now = self._clock.monotonic()
            if error.status in _NOT_THERE and error.status != _BUSY:
                return _Site(Robots(), now + LASTS_SECONDS)
            if known is not None and known.robots is not None:
                return replace(known, until=now + TRIED_AGAIN_SECONDS)
            if isinstance(error, Postponed):
                raise
            return _Site(None, now + TRIED_AGAIN_SECONDS, str(error))
        robots = read_robots(body) if len(body) < _LONG else await asyncio.to_thread(read_robots, body)
        until = self._clock.monotonic() + LASTS_SECONDS
        return _Site(robots, until, crawl_delay=robots.crawl_delay.total_seconds())
