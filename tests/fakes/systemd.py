"""What systemd is to a service: a datagram socket that takes notes, and a watchdog that loses patience."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FakeSystemd:
    """`told` is every line that came, in order; `environ` is what a service of it finds in its environment."""

    def __init__(self, letters: socket.socket, address: str, watchdog_seconds: float) -> None:
        self._letters = letters
        self._told: list[str] = []
        self.environ = {"NOTIFY_SOCKET": address}
        if watchdog_seconds:
            self.environ["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1_000_000))

    @property
    def told(self) -> list[str]:
        """Take what has come since and give all."""
        while True:
            try:
                self._told += self._letters.recv(65_536).decode().split("\n")
            except BlockingIOError:
                return self._told

    @property
    def states(self) -> list[str]:
        """What was told of coming and going, without pings and words."""
        return [line for line in self.told if line.partition("=")[0] in {"READY", "RELOADING", "STOPPING"}]

    @property
    def pings(self) -> int:
        return self.told.count("WATCHDOG=1")

    @property
    def status(self) -> str:
        """The line that `systemctl status` would show."""
        return next((line.partition("=")[2] for line in reversed(self.told) if line.startswith("STATUS=")), "")


@contextmanager
def systemd(folder: Path, *, watchdog_seconds: float = 0, abstract: bool = False) -> Iterator[FakeSystemd]:
    """Take letters at a socket in `folder`, or at an abstract one, as systemd does for a user's services."""
    path = str(folder / "notify.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as letters:
        letters.setblocking(False)
        letters.bind(f"\0{path}" if abstract else path)
        yield FakeSystemd(letters, f"@{path}" if abstract else path, watchdog_seconds)
