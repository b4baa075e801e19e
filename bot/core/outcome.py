"""What an attempt to send came to. The store's `settle` knows what each means for the row and its chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.model import Chat


@dataclass(frozen=True, slots=True)
class Sent:
    """Accepted by the platform. `receipt` names the message there; the chat rests until `rest_until`."""

    receipt: str
    rest_until: datetime


@dataclass(frozen=True, slots=True)
class Later:
    """Certainly not sent: the chat waits until `at`. `counted` is False where no attempt was really made."""

    at: datetime
    error: str
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Unsure:
    """May have been sent: repeat once at `at`, silent and marked; a second time the row becomes `maybe`."""

    at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The message itself is bad: repeat once at `at` as plain text, then `dead`. `body` is the hash of the message."""

    at: datetime
    error: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The chat has a new id; its subscriptions and waiting rows move there."""

    to: Chat


@dataclass(frozen=True, slots=True)
class Gone:
    """The chat cannot be reached any more: it becomes inactive and its waiting rows are cancelled."""

    why: str


Outcome = Sent | Later | Unsure | Refused | Moved | Gone
