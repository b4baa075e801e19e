"""The outbox of a store: rows on their way, what attempts came to, what operators do with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.lateness import Patience
from bot.core.model import Chat, Delivery, DeliveryState, Retried
from bot.core.outcome import Outcome


class Outbox(Protocol):
    """A part of `bot.ports.Store`: claim → (send) → settle, and everything that holds a row back."""

    async def claim(
        self,
        now: datetime,
        *,
        limit: int,
        platforms: Collection[str],
        lease: timedelta,
        patience: Patience | None = None,
    ) -> tuple[Delivery, ...]:
        """Lease the oldest due row of each chat that is active, at rest and has none in `sending`. At most `limit`.

        Marks them `sending`, counts the attempt, notes `attempted_at`. Oldest `due_at` first, then order of creation.
        Of each workspace one goes before a second of any, and few are under way at once: none waits for another.
        With `patience`, late rows share a message (`bot.core.lateness`): they are leased with the oldest, in its
        `also`. A platform that is held gives nothing.
        """
        ...

    async def settle(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        """End a lease and write what became of the row, those beside it and its chat; return the row's new state."""
        ...

    async def recover(self, now: datetime, *, every_lease: bool = False) -> int:
        """Treat rows in `sending` whose lease has ended (at start: all of them) as `Unsure`. Return how many."""
        ...

    async def expire(self, before: datetime) -> int:
        """Turn pending rows that wait since before `before` into `expired`. Return how many."""
        ...

    async def attempted_since(self, since: datetime) -> tuple[Chat, ...]:
        """Which chats were sent to, once for each attempt: so that limits hold across a restart."""
        ...

    async def hold(self, platform: str, now: datetime) -> bool:
        """Give out no row of a platform until `release`, restarts or not. False: it was held already."""
        ...

    async def release(self, platform: str) -> bool:
        """Give out a platform's rows again. False: it was not held."""
        ...

    async def held(self) -> Mapping[str, datetime]:
        """Which platforms are held, and since when."""
        ...

    async def clock_was_set(self, by: timedelta, since: datetime, now: datetime) -> None:
        """Move rests, due times, ages and leases with a clock that was set, so that they keep their lengths.

        What waits since between `since` and `now` was written by the new time already, and stays. Polls are moved
        with a clock that was set back.
        """
        ...

    async def pull_back(self, now: datetime, longest_rest: timedelta) -> None:
        """At start: bring back what waits for a time that a clock showed which was set back since.

        Nothing is due, and waits, since later than `now`; no chat rests longer than `longest_rest`, nor does a source.
        """
        ...

    async def outbox(self, states: Collection[DeliveryState], limit: int) -> tuple[Delivery, ...]:
        """Rows in these states, oldest first."""
        ...

    async def delivery(self, delivery_id: str) -> Delivery | None: ...

    async def told(self, chat: Chat, story: int) -> Delivery | None:
        """The row by which a chat, under its present name or a former one, is told of a story. Tests are none."""
        ...

    async def retry(self, delivery_id: str, now: datetime) -> Retried:
        """Put a maybe, dead, expired or cancelled row back, or say why not; what may have arrived is marked.

        It keeps the reasons that its chat still follows; without any, or for a chat that is gone, it stays given up.
        """
        ...

    async def discard(self, delivery_id: str, now: datetime) -> bool:
        """Cancel a row that is not sent and not being sent."""
        ...
