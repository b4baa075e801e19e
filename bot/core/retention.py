"""How long things are kept: settings → the moments before which they are too old. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

UNTOLD_TEXT = timedelta(days=60)  # of documents that nobody was told of; filters are tried on 30 days
DEAD_LETTERS = timedelta(days=30)  # for an operator to settle
FORGOTTEN = timedelta(days=30)  # at least: far longer than a backup is kept by default
_A_DAY_MORE = timedelta(days=1)  # what is too old goes once a day
_LONGEST_WAIT = timedelta(days=31)  # of a row, `delivery.retry_for` at its most and a day


@dataclass(frozen=True, slots=True)
class Ages:
    """For how long each is kept, as `[retention]` says, and backups as `ops.backup.keep` does."""

    items: timedelta = timedelta(days=400)
    deliveries: timedelta = timedelta(days=180)
    inactive_chats: timedelta = timedelta(days=30)
    audit: timedelta = timedelta(days=180)
    backups: timedelta = timedelta(days=7)

    @property
    def forgotten(self) -> timedelta:
        """For how long it is known who was forgotten: longer than any backup lasts that could bring them back."""
        return max(FORGOTTEN, self.backups + _A_DAY_MORE)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older than this goes.

    `items`: all but what a copy is recognized by. `texts`: the text of what nobody was told of. `dead_letters`: rows
    that are `dead` or `maybe`; `deliveries`: all others that are settled. `chats`: those out of reach since before.
    """

    now: datetime
    items: datetime
    texts: datetime
    deliveries: datetime
    dead_letters: datetime
    chats: datetime
    audit: datetime
    forgotten: datetime


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much went."""

    items: int = 0
    texts: int = 0
    deliveries: int = 0
    chats: int = 0
    audit: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(
            self.items + other.items,
            self.texts + other.texts,
            self.deliveries + other.deliveries,
            self.chats + other.chats,
            self.audit + other.audit,
        )

    @property
    def anything(self) -> bool:
        return self != Pruned()


def cutoffs(now: datetime, ages: Ages) -> Cutoffs:
    """Say what is too old. An item outlives the rows that quote it, whatever the settings say."""
    return Cutoffs(
        now,
        items=now - max(ages.items, ages.deliveries + _LONGEST_WAIT),
        texts=now - min(UNTOLD_TEXT, ages.items),
        deliveries=now - ages.deliveries,
        dead_letters=now - min(DEAD_LETTERS, ages.deliveries),
        chats=now - ages.inactive_chats,
        audit=now - ages.audit,
        forgotten=now - ages.forgotten,
    )
