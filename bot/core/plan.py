"""Verdicts and readers → deliveries: who is told what, once, and when a failed attempt is repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from bot.core.digest import Rhythm, due
from bot.core.intake import Cursor
from bot.core.model import Alert, Changes, Chat, Delivery, Match, Reader, State, Story, Verdict, Voice, Why

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=15)
LONGEST_WISH = timedelta(days=2)  # a platform that wants more is asked again then; the longest seen: 43,838 s
_DOUBLINGS = 10  # by then the longest wait is reached


def plan(cursor: Cursor, verdicts: Sequence[Verdict], readers: Sequence[Reader], now: datetime) -> Changes:
    """Say what one poll wants written: its cursor, what was decided, and one delivery per chat and story.

    Deliveries stand in the order of the verdicts, which is the order of publication; a chat gets them so.
    """
    written = tuple(verdict for verdict in verdicts if verdict.state is not State.SEEN)
    return Changes(cursor, written, deliveries_of(verdicts, readers, now))


def deliveries_of(verdicts: Iterable[Verdict], readers: Iterable[Reader], now: datetime) -> tuple[Delivery, ...]:
    """Make one delivery per chat and story, in the order of the verdicts, each due when its chat wants it."""
    following: dict[int, list[Reader]] = defaultdict(list)
    for reader in readers:
        following[reader.query_id].append(reader)
    return tuple(delivery for verdict in verdicts for delivery in _deliveries(verdict, following, now))


def _deliveries(verdict: Verdict, following: dict[int, list[Reader]], now: datetime) -> Iterator[Delivery]:
    voices: dict[Chat, Voice] = {}
    rhythms: dict[Chat, Rhythm] = {}
    reasons: dict[Chat, set[tuple[str, int, Match]]] = defaultdict(set)
    for match in verdict.matches:
        for reader in following.get(match.query_id, ()):
            voices[reader.chat], rhythms[reader.chat] = reader.voice, reader.rhythm
            reasons[reader.chat].add((reader.label, reader.query_id, match))
    story = Story(verdict.story, verdict.document, verdict.document.seen_at)
    for chat in sorted(voices, key=str):
        why = tuple(Why(query_id, label, match.hits) for label, query_id, match in _sorted(reasons[chat]))
        alert = Alert(chat, voices[chat], story, why, delay=verdict.delay)
        due_at = due(rhythms[chat], voices[chat].zone, now)
        yield Delivery(delivery_id(chat, story.number, verdict.told_as or story.lead.id), alert, due_at)


def _sorted(reasons: Iterable[tuple[str, int, Match]]) -> list[tuple[str, int, Match]]:
    return sorted(reasons, key=lambda reason: reason[:2])


def delivery_id(chat: Chat, story: int, lead_document_id: str, part: int = 0) -> str:
    """Compute the id of a delivery from what it is, so that deciding twice cannot send twice."""
    content = "\0".join((chat.platform, chat.workspace, chat.id, chat.thread, str(story), lead_document_id, str(part)))
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def next_attempt(now: datetime, attempt: int, after: timedelta | None, jitter: float) -> datetime:
    """Say when to try again after the `attempt`-th failure: at random (`jitter` 0..1) within a doubling span.

    `after`, the platform's own wish, is a floor, of two days at most. Full jitter, from 1 s to 15 min.
    """
    span = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(max(attempt - 1, 0), _DOUBLINGS)))
    return now + max(span * jitter, min(after or timedelta(0), LONGEST_WISH))
