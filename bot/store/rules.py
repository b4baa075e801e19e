"""What an attempt means for its row: pure rules that every store applies.

    pending ──claim──► sending ──Sent──────────────► sent; expired, where a list told it too late
       ▲                  │ Later, Moved             (waits again)
       │◄─────────────────┤ Unsure: marked, repeated once; again: maybe
       │                  │ Refused: repeated once as plain text; again: dead
       │                  └ Gone ──────────────────► cancelled
       └ retry: from maybe, dead, expired, cancelled, while its chat is there and follows what it was for

A row whose last reason was unfollowed while it was being sent is cancelled instead of waiting again, and so is one
whose chat wants silence by then, or cannot be reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar, assert_never

from bot.core.added import Added, is_added
from bot.core.model import Changes, Chat, Delivery, DeliveryState, Lateness, Mute, Reason, Retried, Why
from bot.core.outcome import Gone, Later, Moved, Outcome, Refused, Sent, Unsure

Head = TypeVar("Head", tuple[str, int], tuple[datetime, int])  # a row by when it is due and its number

# Of one workspace under way at once: Slack takes 4 messages a second there (handlers/slack/room.py), so these suffice
# while it answers within a second, and the other lanes are free for other workspaces.
LANES_OF_WORKSPACE = 4

TRIED_OFTEN = 5  # a wait of hours that a platform asks for is asked for in the first answers

STOPPED = "the program stopped while this was being sent"
UNFOLLOWED = "nobody in this chat follows it any more"
MUTED = "the chat wanted silence"
DISCARDED = "discarded by an operator"
LOST = "the chat was lost while this was being sent"

RETRIABLE = frozenset({DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.CANCELLED})
DISCARDABLE = frozenset({DeliveryState.PENDING, DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED})

# Which of two rows for one story stays when their chats turn out to be one: the one that came furthest.
_FURTHEST_FIRST = (
    DeliveryState.SENT,
    DeliveryState.SENDING,
    DeliveryState.MAYBE,
    DeliveryState.PENDING,
    DeliveryState.DEAD,
    DeliveryState.EXPIRED,
    DeliveryState.CANCELLED,
)


def settled(row: Delivery, outcome: Outcome) -> Delivery:
    """Say what becomes of a row in `sending`. What the outcome means for the chat is the store's part."""
    match outcome:
        case Sent(receipt=receipt):
            told = DeliveryState.EXPIRED if row.late is Lateness.OVERDUE else DeliveryState.SENT
            return replace(row, state=told, receipt=receipt, last_error="")
        case Later(error=error, counted=counted):
            return _waiting(replace(row, attempt=row.attempt - (not counted), last_error=error))
        case Unsure(error=error):
            left = replace(row, unsure=True, last_error=error)
            return replace(left, state=DeliveryState.MAYBE) if row.unsure else _waiting(left)
        case Refused(error=error, body=body):
            left = replace(row, plain=True, last_error=error, refused=body)
            return replace(left, state=DeliveryState.DEAD) if row.plain else _waiting(left)
        case Moved():
            return _waiting(row)
        case Gone(why=why):
            return replace(row, state=DeliveryState.CANCELLED, last_error=why)
        case _:
            assert_never(outcome)


def together(rows: Sequence[Delivery]) -> Delivery:
    """Give out rows that share a message: the first, with the others beside it."""
    return replace(rows[0], also=tuple(rows[1:]))


def in_turn(
    heads: Callable[[Collection[str], Head | None], Iterable[tuple[Head, str]]],
    under_way: Mapping[str, int],
    limit: int,
) -> list[Head]:
    """Choose the heads of a platform's lanes that go next, so that no workspace waits for another; oldest first.

    First one of each workspace that has nothing under way, then up to `LANES_OF_WORKSPACE`; chats that name no
    workspace may have every place. `heads` reads what may go behind a head, oldest first and each with its workspace,
    without the workspaces named. `under_way` counts what is being sent in each.
    """
    busy, chosen = Counter(under_way), set[Head]()
    for most in (1, LANES_OF_WORKSPACE):
        last: Head | None = None
        asking = True
        while asking and len(chosen) < limit:
            asking = False
            for head, workspace in heads([name for name, count in busy.items() if count >= most], last):
                last = head
                if head not in chosen:
                    chosen.add(head)
                    busy.update([workspace] if workspace else [])
                if asking := busy[workspace] >= most or len(chosen) >= limit:
                    break  # what a workspace that is full has waiting is not walked through
        if not busy:
            break
    return sorted(chosen)


def waits_since(row: Delivery, waiting_since: datetime, may_go_at: datetime, now: datetime) -> datetime | None:
    """Say since when the head of a lane waits though it may go; None while it is to wait, as a platform asks.

    One that was tried `TRIED_OFTEN` times does not wait on purpose any more.
    """
    if row.attempt >= TRIED_OFTEN:
        return waiting_since
    return max(waiting_since, may_go_at) if may_go_at <= now else None


def about(row: Delivery, attempted: Chat, outcome: Outcome) -> Outcome:
    """Read an outcome for the chat as it is called now: that a former name is gone says only that it moved."""
    return Moved(row.chat) if isinstance(outcome, Gone) and attempted != row.chat else outcome


def rest_after(row: Delivery, outcome: Outcome) -> datetime | None:
    """Say until when the chat rests, given the settled row; None: no longer than it would have."""
    match outcome:
        case Sent(rest_until=until):
            return until
        case Later(at=until) | Unsure(at=until) | Refused(at=until) if row.state is DeliveryState.PENDING:
            return until
        case _:
            return None


def asked_for(why: tuple[Why, ...], reason: Reason, followed: Collection[int]) -> tuple[Why, ...] | None:
    """Keep the reasons that the chat still follows; None: the alert has no reason left. Tests need none."""
    left = tuple(one for one in why if one.query_id in followed)
    return left if left or reason is Reason.TEST else None


@dataclass(frozen=True, slots=True)
class Mutes:
    """The silences of one chat: its own, and those of its subscriptions by the id of their query."""

    chat: Mute | None = None
    queries: Mapping[int, Mute] = field(default_factory=dict)

    def hold(self, why: tuple[Why, ...], at: datetime) -> bool:
        """Say whether an alert is held back: the chat is muted, or every subscription that asked for it is."""
        if self.chat is not None and self.chat.holds(at):
            return True
        asked = [self.queries.get(one.query_id) for one in why]
        return bool(asked) and all(mute is not None and mute.holds(at) for mute in asked)


def held_back(row: Delivery, mutes: Mutes, at: datetime) -> Delivery:
    """Cancel a waiting row that mutes hold back; leave every other as it is."""
    if row.state is DeliveryState.PENDING and mutes.hold(row.alert.why, at):
        return replace(row, state=DeliveryState.CANCELLED, last_error=MUTED)
    return row


def left_behind(row: Delivery, *, chat_is_gone: bool) -> Delivery:
    """Cancel a row that would wait for a chat that cannot be reached; leave every other as it is."""
    if row.state is DeliveryState.PENDING and chat_is_gone:
        return replace(row, state=DeliveryState.CANCELLED, last_error=LOST)
    return row


def muted(old: Mute | None, until: datetime | None, now: datetime) -> Mute:
    """Mute until then. A silence that still holds began when it began: what it held back stays its own."""
    since = old.since if old is not None and old.holds(now) else now
    return Mute(since, until)


def of_one_chat(one: Chat, other: Chat) -> bool:
    """Tell whether two names are threads of one chat.

    When such become one, each keeps its own pause to itself: a lost topic's would silence the whole group.
    """
    return (one.platform, one.workspace, one.id) == (other.platform, other.workspace, other.id)


def longer(one: Mute | None, other: Mute | None) -> Mute | None:
    """Join the silences of two chats that turned out to be one: silent from the first until the last moment."""
    if one is None or other is None:
        return one or other
    ends = [mute.until for mute in (one, other) if mute.until is not None]
    return Mute(min(one.since, other.since), max(ends) if len(ends) > 1 else None)


def same_news(one: Delivery, other: Delivery) -> bool:
    """Tell whether two rows of one chat bring the same story. A test is news every time."""
    return (
        Reason.TEST not in {one.alert.reason, other.alert.reason}
        and one.alert.story.number == other.alert.story.number
        and one.alert.story.lead.id == other.alert.story.lead.id
    )


def farther(row: Delivery) -> int:
    """Rank a row among those for one story: the lower, the further it came. What was told is told, expired or not."""
    return _FURTHEST_FIRST.index(DeliveryState.SENT if row.receipt else row.state)


def retried(row: Delivery, followed: Collection[int], *, chat_is_gone: bool) -> Delivery | Retried:
    """Put a row back, or say why not. What may have arrived, or was told in a list, is marked.

    A refused text gets its full chance again.
    """
    if row.state not in RETRIABLE:
        return Retried.NOTHING
    if chat_is_gone:
        return Retried.GONE
    why = asked_for(row.alert.why, row.alert.reason, followed)
    if why is None:
        return Retried.UNFOLLOWED
    back = replace(row, alert=replace(row.alert, why=why), unsure=row.unsure or bool(row.receipt))
    return replace(back, state=DeliveryState.PENDING, plain=False, receipt="")


def joined(kept: Delivery, dropped: Delivery) -> Delivery:
    """Make one row of two for the same story, whose chats turned out to be one.

    The reasons of a settled row are as they were then: it may be that nobody follows them any more.
    """
    known = {one.query_id for one in kept.alert.why}
    added = dropped.alert.why if dropped.state in {DeliveryState.PENDING, DeliveryState.SENDING} else ()
    why = kept.alert.why + tuple(one for one in added if one.query_id not in known)
    return replace(kept, alert=replace(kept.alert, why=why), unsure=kept.unsure or dropped.unsure)


def _waiting(row: Delivery) -> Delivery:
    if row.alert.why or row.alert.reason is Reason.TEST:
        return replace(row, state=DeliveryState.PENDING)
    return replace(row, state=DeliveryState.CANCELLED, last_error=UNFOLLOWED)


def still_there(known: Iterable[Added], changes: Iterable[Changes]) -> tuple[Changes, ...]:
    """Leave out polls of added sources that were dropped meanwhile: whoever is forgotten stays so."""
    there = {one.id for one in known}
    return tuple(one for one in changes if one.cursor.source_id in there or not is_added(one.cursor.source_id))
