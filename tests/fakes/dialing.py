"""Name servers that lie, and a witness at the socket: each `connect` of this process, as Python's audit reports it."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp.abc import AbstractResolver, ResolveResult

from bot.gate import AddrInfo, Gate

_witnesses: list[list[tuple[str, int]]] = []


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _witnesses and isinstance(args[1], tuple):
        for heard in _witnesses:
            heard.append((str(args[1][0]), int(args[1][1])))


sys.addaudithook(_hear)


@contextmanager
def connects() -> Iterator[list[tuple[str, int]]]:
    """Collect where every socket of this process connects to meanwhile."""
    heard: list[tuple[str, int]] = []
    _witnesses.append(heard)
    try:
        yield heard
    finally:
        _witnesses.remove(heard)


def looked_up(host: str, port: int, addresses: Sequence[str]) -> list[ResolveResult]:
    """Write addresses as a resolver answers them."""
    return [
        ResolveResult(
            hostname=host,
            host=address,
            port=port,
            family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )
        for address in addresses
    ]


class Lying(AbstractResolver):
    """Answers with what `answer` makes of a name, and of numbers what the C library makes of them (`inet_aton`)."""

    def __init__(self, answer: Callable[[str], Sequence[str]]) -> None:
        self._answer = answer
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        del family
        self.asked += 1
        return looked_up(host, port, self._addresses(host.rstrip(".")))

    def _addresses(self, host: str) -> Sequence[str]:
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))]
        except (OSError, UnicodeError):
            return self._answer(host)

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class StopAtTheDoor:
    """A gate that lets nothing out at all, and notes in `passed` what the real one would have let through."""

    gate: Gate
    passed: list[str] = field(default_factory=list)

    def check_url(self, url: str) -> str | None:
        return self.gate.check_url(url)

    def socket_factory(self, address: AddrInfo) -> socket.socket:
        self.gate.socket_factory(address).close()
        self.passed.append(str(address[4][0]))
        raise OSError(errno.EHOSTUNREACH, "the test goes no further")

    @property
    def allow_private(self) -> bool:
        return self.gate.allow_private

    @property
    def as_gate(self) -> Gate:
        return cast("Gate", self)
