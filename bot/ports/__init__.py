"""The doors between the parts: small protocols in the words of the bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.core.intake import NO_HINTS, Cursor, FeedResponse, Hints, NotModified, Parsed, SourceSpec, WatchedPage
from bot.core.model import (
    Alert,
    Changes,
    Chat,
    Delivery,
    DeliveryState,
    Mute,
    Past,
    Preferences,
    Reader,
    StoredQuery,
    Story,
    Subscription,
    Voice,
)
from bot.core.pace import Pace
from bot.core.retention import Cutoffs, Pruned
from bot.core.speech import Call, Message, Reply
from bot.errors import FetchError, ParseError
from bot.ports.adding import Adding
from bot.ports.floods import Floods
from bot.ports.outbox import Outbox
from bot.ports.oversight import Oversight


class Clock(Protocol):
    """Time, injected. `now` is aware and in UTC; `sleep` takes seconds.

    `monotonic` counts seconds that nobody can set, through a suspend too; where it began means nothing.
    """

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Source(Protocol):
    """One kind of source: pure, runs in the child process. Each kind's module ends with `SOURCE: Source = …`."""

    def parse(self, response: FeedResponse, hints: Hints = NO_HINTS) -> Parsed:
        """Read a response; raise `ParseError` where it is not what the kind expects."""
        ...


class Fetch(Protocol):
    """HTTP GET: conditional, bounded, polite, gated. Never raises: an error is a value."""

    async def __call__(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        """Get `url` for `source`. Validators of `cursor` are sent where they belong to the address asked."""
        ...


class Read(Protocol):
    """Parse in the killable child process. Never raises: an error is a value."""

    async def __call__(
        self, source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset(), /
    ) -> Parsed | ParseError:
        """Read an answer; entries that are `known`, by the names in `Parsed.spans`, may be left out."""
        ...


Answer = Callable[[Call], Awaitable[Reply]]


class Door(Protocol):
    """What a room may ask of the rest of the bot."""

    async def answer(self, call: Call) -> Reply: ...
    async def moved(self, chat: Chat, to: Chat) -> None:
        """The platform told that a chat has a new id."""
        ...

    async def left(self, chat: Chat, why: str) -> None:
        """The platform told that a chat, with all its threads, cannot be written to. Without an id: a workspace."""
        ...

    async def returned(self, chat: Chat) -> None:
        """The platform told that a chat can be written to again, with all its threads where it names none.

        Without an id: a workspace.
        """
        ...

    async def history(self, chat: Chat, limit: int) -> Sequence[Alert]:
        """The alerts that the chat was sent, oldest first: for rooms that have no memory of their own."""
        ...


class Platform(Protocol):
    """One room: Telegram, Slack, the web chat, the terminal."""

    name: str
    pace: Pace

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:
        """Say the alert in the room's best form. Pure. `repeat` marks and silences it; `plain` avoids all markup."""
        ...

    def render_list(self, late: Sequence[Delivery]) -> Message:
        """Say in one message that these alerts are late, each by a line. Pure. What may repeat is marked."""
        ...

    async def send(self, chat: Chat, message: Message) -> str:
        """Send once, with no retry of any kind, and return a receipt; raise `SendError` or `TokenError` only."""
        ...

    async def tell(self, chat: Chat, reply: Reply) -> None:
        """Say something beside the outbox, in turn with alerts; raise `SendError` or `TokenError` only.

        Nothing is retried. What takes several messages may be cut short by an error.
        """
        ...

    async def probe(self) -> None:
        """Ask the platform something harmless, whatever chats there are; raise `SendError` or `TokenError` only."""
        ...

    async def listen(self, door: Door) -> None:
        """Answer people until cancelled; raise `TokenError` where the platform will not have us."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class QueryLog:
    """What happened to stored queries after a version: new ones, and ids that nobody follows any more."""

    version: int
    added: tuple[StoredQuery, ...]
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """Numbers for `/status`."""

    deliveries: dict[DeliveryState, int]
    oldest_pending_at: datetime | None
    documents: int
    chats: int
    subscriptions: int


@dataclass(frozen=True, slots=True)
class Missed:
    """What a chat was not told because it wanted silence: how much in all, and the newest of it, newest first."""

    total: int
    rows: tuple[Delivery, ...]


class Store(Outbox, Oversight, Adding, Floods, Protocol):
    """What is remembered. One method, one transaction; the questions are the bot's, not a table's.

    Rows on their way are in `bot.ports.outbox`, what operators ask in `bot.ports.oversight`, sources that people add
    in `bot.ports.adding`, what is held back in `bot.ports.floods`.

    Errors: `StoreError`. After it the process stops: nothing retries on a database that failed.
    """

    # polling
    async def register(self, sources: Sequence[SourceSpec]) -> None:
        """Make the configured sources known and others dormant: their history stays, they are never due.

        One that was gone for good is asked again once its address is another.
        """
        ...

    async def cursors(self) -> tuple[Cursor, ...]:
        """All cursors of registered sources, by id."""
        ...

    async def due(self, now: datetime) -> tuple[Cursor, ...]:
        """The cursors whose next poll has come (or was never set), the longest waiting first."""
        ...

    async def earliest_claim(self, source_id: str) -> datetime | None:
        """The earliest date that a source's stored documents claim; None where there is none."""
        ...

    async def past(self, keys: Collection[str]) -> Past:
        """What we remember that shares one of these keys, and the highest story number."""
        ...

    async def page(self, source_id: str) -> WatchedPage | None:
        """What is remembered of a page that is watched for change; None where it was never read."""
        ...

    async def subscribers(self, query_ids: Collection[int], source_id: str = "") -> tuple[Reader, ...]:
        """Active chats that follow any of these queries: one Reader per subscription.

        Where `source_id` is one that a chat added for itself: that chat alone, and nobody once it was dropped.
        """
        ...

    async def commit(self, changes: Sequence[Changes]) -> None:
        """Write polls, all or nothing: cursors, documents, stories, revisions, decisions, deliveries, watched pages.

        A delivery whose id exists already is left alone. Nothing is written of an added source that was dropped.
        """
        ...

    async def queries_since(self, version: int) -> QueryLog:
        """The change log of stored queries. Version 0 gives every live query."""
        ...

    # people
    async def follow(self, chat: Chat, voice: Voice, query: str, label: str, now: datetime) -> bool:
        """Add a subscription and make the chat active. False where the chat had it already."""
        ...

    async def unfollow(self, chat: Chat, query: str | None, now: datetime) -> tuple[Subscription, ...]:
        """Drop one query of a chat, or all (None), and cancel what waits for no other reason. Return the dropped."""
        ...

    async def subscriptions(self, chat: Chat) -> tuple[Subscription, ...]: ...

    async def preferences(self, chat: Chat) -> Preferences | None:
        """What the chat has set for itself; None where it is unknown."""
        ...

    async def set_voice(self, chat: Chat, voice: Voice, now: datetime) -> None:
        """Change how a chat is spoken to. A chat that was unknown becomes known."""
        ...

    async def mute(self, chat: Chat, query: str | None, until: datetime | None, now: datetime) -> bool:
        """Tell the chat nothing (query None), or nothing that only muted queries ask for, until `until` or `unmute`.

        What waits is cancelled, and what matches meanwhile is written as cancelled: both are then `missed`. What is
        being sent may still arrive, and is not repeated. A mute that still holds keeps its beginning and gets the new
        end. False: the chat is unknown, or does not follow that. A row that an operator puts back waits until the
        chat's mute ends.
        """
        ...

    async def unmute(self, chat: Chat, query: str | None, now: datetime) -> Mute | None:
        """End a mute. Return it; None where none held."""
        ...

    async def missed(self, chat: Chat, since: datetime, limit: int) -> Missed:
        """What mutes have held back from a chat since then, with the newest `limit` of it."""
        ...

    async def kept(self, chat: Chat) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """Everything that is kept about a chat: rows by table, each row by column. Empty where it is unknown."""
        ...

    async def wake(self, chat: Chat) -> bool:
        """Make a known chat active again, without a thread also all its threads; False where none was inactive."""
        ...

    async def part(self, chat: Chat, why: str, now: datetime) -> None:
        """Make a chat inactive, with all its threads, and cancel what waits: its platform said that it is out of reach.

        A chat without an id stands for its whole workspace, here and in `wake`.
        Nothing happens where the name is a former one: that it is gone says nothing of the chat it leads to.
        """
        ...

    async def move(self, chat: Chat, to: Chat, now: datetime) -> None:
        """Give a chat a new id, merging where the new one is known. Idempotent.

        Waiting rows move along, and are held back where the merged chat wants silence. It is active: what moved can be
        reached.
        """
        ...

    async def forget(self, chat: Chat) -> None:
        """Delete all that is kept about a chat, with its bytes in the database and its log.

        Without a thread, all its threads are forgotten too.
        """
        ...

    # looking back
    async def stories(self, limit: int, before: int | None = None) -> tuple[Story, ...]:
        """The newest stories (below the number `before`) first, without those of sources that chats added."""
        ...

    async def story(self, number: int) -> Story | None: ...

    async def story_with_key(self, key: str) -> Story | None:
        """The newest story with a document that has this key (`url:…`, `number:…`)."""
        ...

    async def decisions(self, story: int) -> tuple[str, ...]:
        """Why each document of the story was taken as it was, in words, oldest first."""
        ...

    async def history(self, chat: Chat, limit: int) -> tuple[Delivery, ...]:
        """The last rows of a chat that were sent, oldest first."""
        ...

    # operating
    async def census(self) -> Census: ...

    async def backup(self, file: Path) -> None:
        """Write everything to a new file, checked and compressed; all else goes on meanwhile."""
        ...

    async def prune(self, cutoffs: Cutoffs, limit: int) -> Pruned:
        """Take away what is too old (`bot.core.retention`), at most so many rows of each kind; say what went.

        What a later copy of a document would be recognized by stays. A chat that goes is forgotten wholly.
        What is remembered of a watched page goes once its source has been out of use for as long as `texts` says.
        """
        ...

    async def vacuum(self) -> None:
        """Give room back that deleted rows took. Everybody waits for it."""
        ...

    async def touch(self) -> None:
        """Write something that changes nothing: a disk that takes no write shows."""
        ...

    async def close(self) -> None: ...
