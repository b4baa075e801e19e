"""How one source is, in a word and in a sentence: what lists, alarms and pages say is decided here.

What people ask of a source is whether they can rely on it. So what cannot be watched comes with the other place where
the same news officially appears, and what operators can do about it comes with the next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.agenda import left_alone_since
from bot.core.floods import Flood
from bot.core.habit import Behavior, Glimpse, Habit, silent_for
from bot.core.intake import Cursor, SourceSpec, Trouble
from bot.core.words import day_in_words, span_of_time, time_in_words, zone_named

PERSISTS_AFTER = 3  # polls in a row; one refusal may be a server's bad hour


class Condition(StrEnum):
    """How a source is. What is a `TROUBLE` keeps its news from us; LATE may, and HELD waits for an operator."""

    OK = "ok"
    LATE = "late"
    BLOCKED = "blocked"
    REFUSED = "refused"
    FAILING = "failing"
    PAUSED = "paused"
    NOT_YET = "not yet"
    GONE = "gone"
    HELD = "held"


TROUBLES = frozenset({Condition.BLOCKED, Condition.REFUSED, Condition.FAILING, Condition.GONE})
UNWATCHABLE = frozenset({Condition.BLOCKED, Condition.REFUSED, Condition.GONE})


@dataclass(frozen=True, slots=True)
class Finding:
    """How a source is: `sentence` without its name and without a period, `since` when, where that is known.

    `elsewhere` is where the same news appears, where that helps now; `next_step` is for operators, a whole sentence.
    """

    condition: Condition
    sentence: str
    since: datetime | None = None
    elsewhere: str = ""
    next_step: str = ""

    @property
    def words(self) -> str:
        """The sentence with the other door."""
        return f"{self.sentence}; the same news appears in {self.elsewhere}" if self.elsewhere else self.sentence


def find(
    source: SourceSpec,
    cursor: Cursor | None,
    now: datetime,
    *,
    habit: Behavior | None = None,
    paused_since: datetime | None = None,
    held: Flood | None = None,
    zone: str = "UTC",
) -> Finding:
    """Say how a source is. `held` is what of it waits for an operator; times are named in `zone`."""
    if paused_since is not None:
        return _paused(source, now, paused_since)
    if cursor is not None and cursor.retired_at is not None:
        return _gone(source, cursor.retired_at, zone)
    if cursor is not None and (cursor.failures or left_alone_since(source, cursor, now)):
        return _failing(source, cursor, now, zone) if cursor.failures else _left_alone(source, cursor, now)
    if cursor is None or cursor.last_success_at is None:
        return Finding(Condition.NOT_YET, "not polled yet")
    if held:
        return _held(held, zone)
    return _late(source, cursor, cursor.last_success_at, habit, zone) or _well(
        source, cursor, cursor.last_success_at, now
    )


def _paused(source: SourceSpec, now: datetime, since: datetime) -> Finding:
    sentence = f"paused by an operator {span_of_time(now - since)} ago"
    return Finding(Condition.PAUSED, sentence, since, next_step=f"Take it up with `sources resume {source.id}`.")


def _held(flood: Flood, zone: str) -> Finding:
    items = "1 item is" if flood.items == 1 else f"{flood.items:,} items are"
    since, until = (time_in_words(at, zone) for at in (flood.since, flood.until))
    sentence = f"read, and {items} held back since {since}, until an operator has looked or until {until}"
    step = f"Let them go with `sources release {flood.source_id}`, or drop them: `sources discard {flood.source_id}`."
    return Finding(Condition.HELD, sentence, flood.since, next_step=step)


def _gone(source: SourceSpec, retired_at: datetime, zone: str) -> Finding:
    day = day_in_words(retired_at.astimezone(zone_named(zone)))
    step = f"Take {source.id} out of the settings, or give it a new address."
    sentence = f"gone: its site says that it will not come back, and it is asked no more since {day}"
    return Finding(Condition.GONE, sentence, retired_at, source.elsewhere, step)


def _left_alone(source: SourceSpec, cursor: Cursor, now: datetime) -> Finding:
    read_at, next_at = cursor.last_success_at or cursor.trouble_since or now, cursor.next_poll_at or now
    unread, ahead = span_of_time(now - read_at), span_of_time(max(next_at - now, timedelta(0)))
    sentence = f"failing: its host asks to be left alone; not read for {unread}, and asked again in {ahead}"
    step = _STEPS[Condition.FAILING].format(id=source.id)
    return Finding(Condition.FAILING, sentence, read_at, source.elsewhere, step)


def _failing(source: SourceSpec, cursor: Cursor, now: datetime, zone: str) -> Finding:
    good = time_in_words(cursor.last_success_at, zone) if cursor.last_success_at else "never"
    persists = cursor.trouble_polls >= PERSISTS_AFTER
    condition = _PERSISTING.get(cursor.trouble, Condition.FAILING) if persists else Condition.FAILING
    times = "1 time" if cursor.failures == 1 else f"{cursor.failures} times"
    name = _names(condition, cursor.last_error)
    lasts = cursor.failures >= PERSISTS_AFTER or left_alone_since(source, cursor, now) is not None
    sentence = f"{name} ({times}): {cursor.last_error}; last good poll {good}"
    return Finding(
        condition,
        sentence,
        cursor.last_success_at or cursor.trouble_since,
        source.elsewhere if lasts else "",
        _STEPS[condition].format(id=source.id),
    )


_PERSISTING = {Trouble.REFUSED: Condition.REFUSED, Trouble.BLOCKED: Condition.BLOCKED}
_DATED = frozenset({"feed", "listing", "sitemap"})  # lists of news by date; the others show what they are asked for
_OPEN = "Open {url} and see whether it has newer items: its address or form may have changed."
_STEPS = {
    Condition.FAILING: "See `policybell sources show {id}`.",
    Condition.REFUSED: "Try `policybell sources test {id}` from another network, or pause it: `sources pause {id}`.",
    Condition.BLOCKED: "Its site wants a browser or a login, which we do not fake. Pause it: `sources pause {id}`.",
}


def _names(condition: Condition, error: str) -> str:
    match condition:
        case Condition.REFUSED if "robots.txt" in error:
            return "refused by its site's rules for robots"
        case Condition.REFUSED:
            return "refused from this network"
        case Condition.BLOCKED:
            return "blocked, something else comes in its place"
        case _:
            return "failing"


def _late(source: SourceSpec, cursor: Cursor, read_at: datetime, habit: Behavior | None, zone: str) -> Finding | None:
    if isinstance(habit, Glimpse):
        return _stale(source, cursor, read_at, habit, zone) if source.kind in _DATED else None
    return _silent(source, cursor, read_at, habit)


def _stale(source: SourceSpec, cursor: Cursor, read_at: datetime, glimpse: Glimpse, zone: str) -> Finding | None:
    silence, patience = silent_for(glimpse, cursor.last_new_at, read_at), glimpse.patience(source.every)
    if silence <= patience:
        return None
    newest_at = read_at - silence
    sentence = f"late: read, and its newest item is of {day_in_words(newest_at.astimezone(zone_named(zone)))}"
    return Finding(Condition.LATE, sentence, newest_at + patience, source.elsewhere, _OPEN.format(url=source.url))


def _silent(source: SourceSpec, cursor: Cursor, read_at: datetime, habit: Habit | None) -> Finding | None:
    if habit is None or habit.patience is None:
        return None
    silence = silent_for(habit, cursor.last_new_at, read_at)
    if silence <= habit.patience:
        return None
    sentence = (
        f"late: read, and nothing new for {span_of_time(silence)}; as a rule it is {span_of_time(habit.gap)} at most"
    )
    since = read_at - silence + habit.patience
    return Finding(Condition.LATE, sentence, since, source.elsewhere, _OPEN.format(url=source.url))


def _well(source: SourceSpec, cursor: Cursor, read_at: datetime, now: datetime) -> Finding:
    new = f", last new item {span_of_time(now - cursor.last_new_at)} ago" if cursor.last_new_at else ""
    moved = f"; it has moved to {cursor.moved_to}" if cursor.moved_polls >= PERSISTS_AFTER else ""
    step = f"If that is right, follow it with `sources move {source.id}`." if moved else ""
    return Finding(Condition.OK, f"ok, read {span_of_time(now - read_at)} ago{new}{moved}", next_step=step)
