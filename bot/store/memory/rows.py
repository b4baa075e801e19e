"""Rows on their way, as the memory store keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.lateness import Patience, Waiting, told_next
from bot.core.model import Chat, Delivery, DeliveryState, Lateness
from bot.core.outcome import Outcome
from bot.store import rules
from bot.store.memory.people import NEVER

UNSETTLED = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


@dataclass(slots=True)
class Row:
    """One row. What claims say of it beside its values (`late`, `also`) is not kept."""

    delivery: Delivery
    seq: int
    waiting_since: datetime
    attempted_at: datetime | None = None
    lease_until: datetime = NEVER
    settled_at: datetime = NEVER

    @property
    def state(self) -> DeliveryState:
        return self.delivery.state

    @property
    def age(self) -> tuple[datetime, int]:
        return self.delivery.due_at, self.seq

    def rename(self, chat: Chat) -> None:
        self.delivery = replace(self.delivery, alert=replace(self.delivery.alert, chat=chat))

    def cancel(self, error: str, now: datetime) -> None:
        self.delivery = replace(self.delivery, state=DeliveryState.CANCELLED, last_error=error)
        self.settled_at = now

    def lease(self, now: datetime, until: datetime) -> None:
        self.delivery = replace(self.delivery, state=DeliveryState.SENDING, attempt=self.delivery.attempt + 1)
        self.attempted_at, self.lease_until = now, until

    def settle(self, outcome: Outcome, late: Lateness, now: datetime) -> None:
        self.delivery = replace(rules.settled(replace(self.delivery, late=late), outcome), late=Lateness.ON_TIME)
        self.settled_at = now

    def move_in_time(self, by: timedelta) -> None:
        """Keep age and lease as long as they are, when the clock was set."""
        self.delivery = replace(self.delivery, due_at=self.delivery.due_at + by)
        self.waiting_since += by
        self.lease_until = self.lease_until if self.lease_until == NEVER else self.lease_until + by

    def pull_back(self, now: datetime) -> None:
        """Be due, and wait, since `now` at the latest."""
        self.delivery = replace(self.delivery, due_at=min(self.delivery.due_at, now))
        self.waiting_since = min(self.waiting_since, now)


def first_of_threads(heads: Iterable[Row]) -> list[Row]:
    """Keep, of a chat's threads, which its platform limits as one, the first."""
    first: dict[Chat, Row] = {}
    for head in heads:
        first.setdefault(replace(head.delivery.chat, thread=""), head)
    return list(first.values())


def bundle(head: Row, lane: Iterable[Row], now: datetime, patience: Patience | None) -> list[tuple[Row, Lateness]]:
    """Say which waiting rows of a lane go with its head, and how each is told."""
    if patience is None:
        return [(head, Lateness.ON_TIME)]
    due = sorted((row for row in lane if row.delivery.due_at <= now), key=lambda row: row.age)
    told = told_next([_waiting(row) for row in due], now, patience)
    return list(zip(due, told, strict=False))


def _waiting(row: Row) -> Waiting:
    return Waiting(row.waiting_since, row.delivery.plain, row.delivery.alert.delay)
