"""From a function that works on a connection to an awaitable method of the store that owns the connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)


class Writer(Protocol[C_co]):
    """A thread with a connection of its own."""

    def run(self, unit: Callable[[C_co], R]) -> Awaitable[R]: ...


class Owner(Protocol[C_co]):
    """A store: it has a writer, and its methods are units of work for it."""

    @property
    def writer(self) -> Writer[C_co]: ...


def threaded(unit: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[Owner[C], P], Coroutine[Any, Any, R]]:
    """Make a method that runs `unit` as one transaction on the store's own thread, and waits for its commit."""

    @wraps(unit)
    async def method(owner: Owner[C], /, *args: P.args, **kwargs: P.kwargs) -> R:
        def on_the_thread(connection: C) -> R:
            return unit(connection, *args, **kwargs)

        return await owner.writer.run(on_the_thread)

    return method
