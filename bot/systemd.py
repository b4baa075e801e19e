"""What we tell systemd, in its own words: one datagram to the socket that it names in the environment.

Without that socket nothing is told. See sd_notify(3) and sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

import structlog

log = structlog.get_logger()


class ServiceManager:
    """Whoever started us and wants to know how we are. Telling never fails: a silence is its own message."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address  # an abstract socket has no file
        self.watchdog_seconds = _watchdog_seconds(environ) if address else 0.0

    @property
    def listens(self) -> bool:
        return bool(self._address)

    def ready(self) -> None:
        """Say that we serve, at first or again after a reload."""
        self._tell("READY=1")

    def status(self, words: str) -> None:
        """Say in a line how we are: `systemctl status` shows it."""
        self._tell(f"STATUS={words}")

    def reloading(self) -> None:
        """Say that settings are being read anew; `ready` ends that."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1", "STATUS=finishing what is under way")

    def alive(self) -> None:
        """Say that everything moves. Once this has not come for `WatchdogSec`, we are killed and started anew."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as letter:
                letter.setblocking(False)  # a full queue must not stop the loop
                letter.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.warning("systemd.unreachable", error=error.strerror, told=lines[0])


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """How often the watchdog wants to hear from this very process; 0: never."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    given = environ.get("WATCHDOG_USEC", "")
    return int(given) / 1_000_000 if given.isdecimal() else 0.0
