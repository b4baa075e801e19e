"""Room on the disk: a ballast that is thrown off when it runs out, and what waits until there is room again.

A full disk must not lose or double anything. The first change that finds no room gets that of the ballast, and so do
the answers to operators and the outcomes of messages under way. Nothing new is begun meanwhile: no poll, no message.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from bot.errors import DiskFull
from bot.ports import Clock

log = structlog.get_logger()

BALLAST_NAME = "ballast"
BALLAST_BYTES = 16 * 1024**2
_LEAST_SHARE = 12  # of a small disk it is a twelfth at most
LOOK_SECONDS = 5.0  # of the 60 within which work goes on once there is room


class Space:
    """Whether there is room. Without a directory there is no ballast, and being full is noted all the same."""

    def __init__(self, directory: Path | None = None) -> None:
        self._ballast = directory and directory / BALLAST_NAME
        self._there_is_room = asyncio.Event()
        self._there_is_room.set()
        self.is_full = False

    def give(self) -> bool:
        """Note that the disk is full, and throw the ballast off; False where that was done before. From any thread."""
        if not self.is_full:
            log.error("disk.full", advice="make room: polling and alerts wait, and go on by themselves")
        self.is_full = True
        if self._ballast is None or not self._ballast.exists():
            return False
        self._ballast.unlink(missing_ok=True)
        return True

    async def room(self) -> None:
        """Wait until there is room."""
        if self.is_full:
            self._there_is_room.clear()
        await self._there_is_room.wait()

    async def lasting(self, change: Callable[[], Awaitable[object]]) -> None:
        """Make a change that nobody will ask for again: as soon as there is room for it."""
        while True:
            try:
                await change()
            except DiskFull:
                self.give()
                await self.room()
            else:
                return

    async def keep(self, clock: Clock, prove: Callable[[], Awaitable[None]], go_on: Callable[[], None]) -> None:
        """Keep the ballast, and look while the disk is full whether it still is. `prove` writes something."""
        if not await asyncio.to_thread(self._take_in):
            log.warning("disk.no_ballast", advice="there is too little room on the disk of the data directory")
        while True:
            await clock.sleep(LOOK_SECONDS)
            if self.is_full and await asyncio.to_thread(self._take_in) and await self._proves(prove):
                self.is_full = False
                self._there_is_room.set()
                log.info("disk.has_room")
                go_on()

    async def _proves(self, prove: Callable[[], Awaitable[None]]) -> bool:
        with contextlib.suppress(DiskFull):
            await prove()
            return True
        return False

    def _take_in(self) -> bool:
        """Make the ballast anew; False where that would leave no more room than it takes itself."""
        if self._ballast is None or self._ballast.exists():
            return True
        disk = os.statvfs(self._ballast.parent)
        size = min(BALLAST_BYTES, disk.f_blocks * disk.f_frsize // _LEAST_SHARE)
        if disk.f_bavail * disk.f_frsize < 2 * size:
            return False
        part = self._ballast.with_name(f"{BALLAST_NAME}.part")
        try:
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)
            finally:
                os.close(descriptor)
            part.replace(self._ballast)
        except OSError:  # a quota, or others were quicker
            part.unlink(missing_ok=True)
            return False
        return True
