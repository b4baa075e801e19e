"""The values that flow from poll to alert.

All are frozen; sequences are tuples; every datetime is aware and in UTC.
A new type appears where the trust changes: bytes (`FeedResponse`) become an `Entry`, what the source said,
and that becomes a `Document`, what we hold to be true. Decisions carry their reason in words.
Before these stand those of `bot.core.intake`; after them, those of `bot.core.outcome` and `bot.core.speech`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.delays import Delay
from bot.core.digest import RIGHT_AWAY, Rhythm
from bot.core.intake import Cursor, Standing, WatchedPage

# --- who is spoken to ---------------------------------------------------------------------------------------------

PLATFORMS = ("telegram", "slack", "web", "console")


@dataclass(frozen=True, slots=True)
class Chat:
    """One place that alerts go to. `workspace` and `thread` are empty where a platform has none."""

    platform: str
    workspace: str
    id: str
    thread: str = ""

    def __str__(self) -> str:
        """Write the chat as people type it: `telegram:-1001234`, `slack:T1/C0123`, `telegram:-100#5`."""
        workspace = f"{self.workspace}/" if self.workspace else ""
        thread = f"#{self.thread}" if self.thread else ""
        return f"{self.platform}:{workspace}{self.id}{thread}"

    @classmethod
    def parse(cls, text: str) -> Chat:
        """Read `PLATFORM:[WORKSPACE/]ID[#THREAD]`; raise `ValueError` with a sentence when it is not one."""
        platform, colon, rest = text.strip().partition(":")
        rest, _, thread = rest.partition("#")
        workspace, slash, chat_id = rest.rpartition("/")
        if not (platform and colon and chat_id) or (slash and not workspace):
            raise ValueError(f"{text!r} is not a chat. Write PLATFORM:ID, for example telegram:-1001234.")
        return cls(platform, workspace, chat_id, thread)


@dataclass(frozen=True, slots=True)
class Voice:
    """How a chat wants to be spoken to. Travels with alerts and calls, so that rendering stays pure."""

    language: str = "en"
    zone: str = "America/New_York"


@dataclass(frozen=True, slots=True)
class Mute:
    """A silence that was asked for. `until` is None where only somebody's word ends it."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether it still holds at a moment; at its very end it does not."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a chat has set for itself: how it is spoken to, and whether it wants silence."""

    voice: Voice
    mute: Mute | None = None


# --- what is known ------------------------------------------------------------------------------------------------


class Precision(StrEnum):
    """How exact a claimed date is."""

    TIME = "time"
    DAY = "day"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Document:
    """One item, cleaned. The same item from two sources is two documents of one story.

    `keys` are all the ways in which a later copy may be recognized: `url:…`, `number:…`, `guid:source…`,
    `title:outlet:day…`, `text:…` (see `bot.core.clean`). `claimed_at` is what the source says, never a guess;
    `date_note` says in words why a date is missing or was not believed. `seen_at` is ours.
    """

    id: str
    source_id: str
    outlet: str
    standing: Standing
    language: str
    url: str
    title: str
    text: str
    seen_at: datetime
    keys: tuple[str, ...]
    digest: str
    agency: str = ""
    number: str = ""
    claimed_at: datetime | None = None
    precision: Precision = Precision.NONE
    date_note: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What deciding needs to remember of a stored document, no more. `leads`: its story began with it.

    `untold` is the document with which its story began, where nobody was told of that and no official source has it:
    it was recorded, held or discarded, or nobody asked for it. "" otherwise.
    """

    document_id: str
    source_id: str
    story: int
    number: str
    digest: str
    keys: tuple[str, ...]
    leads: bool = False
    untold: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """The answer to "what do we remember of these keys?", and the highest story number given so far."""

    fingerprints: tuple[Fingerprint, ...] = ()
    last_story: int = 0


class State(StrEnum):
    """What a document is to what we knew before."""

    NEW = "new"
    ADDITION = "addition"
    REVISION = "revision"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Story:
    """What people see under one number (`#8812`). Until grouping exists: one document and its exact copies."""

    number: int
    lead: Document
    first_seen_at: datetime


# --- who asked ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a word of a query stands: `field` is "title" or "text", `start:end` are character offsets in it."""

    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Match:
    """One stored query found in one document."""

    query_id: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A query as the store keeps it: equal ones once. `text` is canonical."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A ready-made query with a name. `aliases` are other words people type for it; ids never disappear."""

    id: str
    name: str
    query: str
    aliases: tuple[str, ...] = ()
    must_match: tuple[str, ...] = ()
    must_not_match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """One line of a chat's list. `query` is canonical text, e.g. `topic:tps AND venezuela`; `label` is for people."""

    id: int
    query_id: int
    query: str
    label: str
    mute: Mute | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """One subscription of one active chat, as fan-out needs it."""

    chat: Chat
    voice: Voice
    query_id: int
    label: str
    rhythm: Rhythm = RIGHT_AWAY


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided of one document, and why. `story` is its story's number; SEEN documents write nothing.

    `told_as` is the document with which the story was told, where that is another one: who was told is not told again.

    `repeats`: it is new by link, id and date alone, its very words were seen before; it is recorded and never told.

    One that is `held` is recorded, and waits for an operator's word or its time (`bot.core.floods`).
    """

    document: Document
    state: State
    because: str
    story: int
    matches: tuple[Match, ...] = ()
    told_as: str = ""
    repeats: bool = False
    delay: Delay = Delay.NONE
    held: bool = False


# --- what is said -------------------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why an alert exists."""

    NEW = "new"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Why:
    """One subscription that an alert answers: its query, its name for people, the words that matched."""

    query_id: int
    label: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One per chat and story, however many subscriptions matched; `why` has one entry for each of them."""

    chat: Chat
    voice: Voice
    story: Story
    why: tuple[Why, ...]
    reason: Reason = Reason.NEW
    delay: Delay = Delay.NONE


class DeliveryState(StrEnum):
    """Where a message stands. `maybe`: sent twice at most, never confirmed; `dead`: the platform refuses it."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    MAYBE = "maybe"
    DEAD = "dead"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Retried(StrEnum):
    """What became of the wish to send a row again; true where it was put back."""

    DONE = "done"
    NOTHING = "nothing"  # there is no such row, or nothing is left to do with it
    UNFOLLOWED = "unfollowed"  # its chat follows nothing any more that it was for
    GONE = "gone"  # its chat cannot be reached

    def __bool__(self) -> bool:
        return self is Retried.DONE


class Lateness(StrEnum):
    """How a message tells an alert: as one of its own, or by a line in a list of late ones (`bot.core.lateness`)."""

    ON_TIME = "on time"
    LATE = "late"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row, one alert of one chat. `id` is computed from its content, so deciding twice cannot send twice.

    `unsure` is set once an attempt may have arrived: the repeat is silent and marked. `plain` is set once the
    platform refused the formatting: the repeat is plain text. `refused` is the hash of the message that was refused.
    A claim says in `late` how the row is to be told; where it is late, `also` are the rows that share its message.
    """

    id: str
    alert: Alert
    due_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempt: int = 0
    unsure: bool = False
    plain: bool = False
    receipt: str = ""
    last_error: str = ""
    refused: str = ""
    late: Lateness = Lateness.ON_TIME
    also: tuple[Delivery, ...] = ()

    @property
    def chat(self) -> Chat:
        return self.alert.chat


@dataclass(frozen=True, slots=True)
class Changes:
    """What one poll wants written, all or nothing. `verdicts` are without the SEEN ones.

    `page` is what is to be remembered of a page that is watched for change, where it is something else than before.
    """

    cursor: Cursor
    verdicts: tuple[Verdict, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    page: WatchedPage | None = None
