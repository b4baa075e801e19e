"""What an operator should know, and when to say it: facts → alarms that stand → notices of what began and ended.

`standing` looks at one moment alone; `changes` remembers what an operator was told. An alarm is told when it first
stands, as over once it has been gone for `SETTLED`, and again no sooner than `QUIET` after that: so one that comes
and goes is told at most once an hour, and a gap shorter than five minutes is no end at all. While it stands it is
repeated once a day. An alarm that was over before anybody was told of it is never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from bot.core.floods import Flood
from bot.core.speech import Choice, Mark, Reply, Span
from bot.core.words import span_of_time

SETTLED = timedelta(minutes=5)
QUIET = timedelta(hours=1)
REMINDER = timedelta(hours=24)

FAILURES_LEAST = 2  # in a row: one bad answer after a night of being switched off says nothing
MOST_SHARE, MOST_LEAST = 0.3, 3  # of all sources, and in number: then it is the network, not a source
HELD_FOR_LONG = timedelta(hours=1)
CLOCK_OFF = timedelta(minutes=2)  # below that, servers' own clocks and slow answers say nothing
_CHOICES = 6  # beneath one notice; the lines say all that can be done
_LINES = 12  # of one notice; a message has room for more, a person has not


class Severity(StrEnum):
    """Whether alerts may be missed now, or may be soon."""

    URGENT = "urgent"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source that is wanted. `failing_since` is its last good poll; None while it is well or nobody knows.

    `left_alone_since` is since when its host is not asked at its own wish, which takes no second failure.
    """

    id: str
    name: str
    official: bool = False
    failures: int = 0
    error: str = ""
    failing_since: datetime | None = None
    left_alone_since: datetime | None = None
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one platform: how many messages, and since when the oldest of those that could go.

    What is to wait counts in the number alone: a chat at rest, one that is paused or gone, what is behind another.
    """

    count: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured at one moment. A value that nobody knows is left at its default, which raises nothing.

    By platform: `stopped` says why its room may not send, `unreachable` and `held` since when it does not answer or
    an operator holds its messages, `waiting` what has not gone out, `unheard` where a chat cannot be told of alarms.
    `unsure`, `dead` and `untold` count rows that need a look: `untold` was given up before anything told it.
    `clock_ahead` is by how much this clock is ahead of the world's, `database` why it cannot be used. `backups_since`
    is since when backups are made, None where they are not. `floods` is what the flood guard holds, `moves`
    what there is to say of sources that move, are silent, or are gone.
    """

    now: datetime
    sources: tuple[SourceHealth, ...] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    unreachable: Mapping[str, datetime] = field(default_factory=dict)
    held: Mapping[str, datetime] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()
    unsure: int = 0
    dead: int = 0
    untold: int = 0
    database: str = ""
    ticked_at: datetime | None = None
    disk_free: int | None = None
    disk_full: bool = False
    backups_since: datetime | None = None
    backup_at: datetime | None = None
    reload_failed: str = ""
    clock_ahead: timedelta | None = None
    floods: tuple[Flood, ...] = ()
    moves: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on a fact is an alarm. `disk_least` is in bytes; 0 or less turns it off."""

    source_failing: timedelta = timedelta(hours=6)
    official_failing: timedelta = timedelta(hours=1)
    outbox_age: timedelta = timedelta(minutes=10)
    platform_unreachable: timedelta = timedelta(minutes=5)
    tick_age: timedelta = timedelta(minutes=5)
    backup_age: timedelta = timedelta(hours=36)
    disk_least: int = 200 * 1024**2


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that stands. `key` stays the same while it does; `since` is when it began, where that is known.

    `choices` are what can be done about it at once. What is `passing` is told once, and never that it is over.
    """

    key: str
    severity: Severity
    sentence: str
    next_step: str
    since: datetime | None = None
    choices: tuple[Choice, ...] = ()
    passing: bool = False


def standing(facts: Facts, limits: Thresholds) -> tuple[Alarm, ...]:
    """Say what is wrong now: urgent things first, then by key."""
    found = [
        *_sources(facts, limits),
        *_platforms(facts, limits),
        *_rows(facts),
        *_floods(facts),
        *facts.moves,
        *_machine(facts, limits),
    ]
    return tuple(sorted(found, key=lambda alarm: (alarm.severity is not Severity.URGENT, alarm.key)))


def _sources(facts: Facts, limits: Thresholds) -> Iterator[Alarm]:
    failing = [source for source in facts.sources if source.failures >= FAILURES_LEAST]
    if len(failing) >= MOST_LEAST and len(failing) > MOST_SHARE * len(facts.sources):
        yield Alarm(
            "sources",
            Severity.URGENT,
            "Many sources fail at once.",
            "Look whether this machine reaches the internet, then at `policybell sources list`.",
        )
    for source in facts.sources:
        patience = min(limits.official_failing, limits.source_failing) if source.official else limits.source_failing
        since = source.failing_since if source.failures >= FAILURES_LEAST else source.left_alone_since
        if since is not None and facts.now - since >= patience:
            yield Alarm(
                f"source:{source.id}",
                Severity.WARNING,
                f"{source.name} cannot be read: {source.error}",
                source.next_step or f"See `policybell sources show {source.id}`.",
                since,
            )


def _platforms(facts: Facts, limits: Thresholds) -> Iterator[Alarm]:
    for name, why in facts.stopped.items():
        yield Alarm(
            f"room:{name}",
            Severity.URGENT,
            f"{name} is stopped, its alerts wait: {why}",
            "It is tried again each minute; a new token needs a restart.",
        )
    for name, since in facts.unreachable.items():
        if facts.now - since >= limits.platform_unreachable:
            sentence = f"{name} does not answer, its alerts wait."
            yield Alarm(
                f"unreachable:{name}", Severity.URGENT, sentence, "Nothing is lost; it is tried all the time.", since
            )
    for name, since in facts.held.items():
        if facts.now - since >= HELD_FOR_LONG:
            sentence = f"Alerts to {name} are held back by an operator."
            yield Alarm(f"held:{name}", Severity.WARNING, sentence, f"Let them go with `outbox resume {name}`.", since)
    for name in facts.unheard:
        sentence = f"A chat in ops.notify cannot be told of alarms: {name} is off there, or refuses it."
        step = "Look at ops.notify, and whether the bot is in that chat; the log has `notice.not_sent`."
        yield Alarm(f"notify:{name}", Severity.WARNING, sentence, step)
    for name, waiting in facts.waiting.items():
        if waiting.oldest_at is None or name in facts.stopped or name in facts.unreachable or name in facts.held:
            continue  # then that is the alarm
        if facts.now - waiting.oldest_at >= limits.outbox_age:
            yield Alarm(
                f"outbox:{name}",
                Severity.WARNING,
                f"Alerts to {name} have been waiting for long.",
                "See `policybell outbox list`.",
                waiting.oldest_at,
            )


def _rows(facts: Facts) -> Iterator[Alarm]:
    if facts.unsure or facts.dead or facts.untold:
        yield Alarm(
            "rows",
            Severity.WARNING,
            "Some alerts were refused by a platform, were given up untold, or may not have arrived.",
            "See `policybell outbox list`; `outbox retry ID` or `outbox discard ID` settles one.",
        )


def _floods(facts: Facts) -> Iterator[Alarm]:
    """Tell of each flood by itself: what is held anew an hour later is another one."""
    names = {source.id: source.name for source in facts.sources}
    for flood in facts.floods:
        key, words = f"flood:{flood.source_id}:{flood.since.isoformat()}", flood.in_words(names.get(flood.source_id))
        yield Alarm(key, Severity.WARNING, *words, flood.since, flood.choices)


def _machine(facts: Facts, limits: Thresholds) -> Iterator[Alarm]:
    if facts.database:
        yield Alarm("database", Severity.URGENT, facts.database, "Look at the log and at the disk of the database.")
    if facts.ticked_at is not None and facts.now - facts.ticked_at >= limits.tick_age:
        yield Alarm("tick", Severity.URGENT, "Nothing is polled any more.", "Restart Policybell.", facts.ticked_at)
    if facts.disk_full:
        sentence = "The disk of the database is full: nothing is polled, and alerts wait."
        yield Alarm("disk", Severity.URGENT, sentence, "Make room; it goes on by itself within a minute.")
    elif facts.disk_free is not None and facts.disk_free < limits.disk_least:
        yield Alarm(
            "disk",
            Severity.URGENT,
            "The disk of the database is nearly full.",
            "Make room: without any, polling and alerts wait.",
        )
    if facts.backups_since is not None:
        last = facts.backup_at or facts.backups_since
        if facts.now - last >= limits.backup_age:
            yield Alarm("backup", Severity.WARNING, "The last good backup is old.", "Try `policybell backup`.", last)
    if facts.reload_failed:
        sentence = f"The changed settings cannot be used, the old ones hold: {facts.reload_failed}"
        yield Alarm("reload", Severity.WARNING, sentence, "See `policybell check`.")
    if facts.clock_ahead is not None and abs(facts.clock_ahead) >= CLOCK_OFF:
        way = "ahead" if facts.clock_ahead > timedelta(0) else "behind"
        sentence = f"This machine's clock is {way} of the world's by more than {span_of_time(CLOCK_OFF)}."
        yield Alarm("clock", Severity.WARNING, sentence, "Set it, and let it be kept right: `timedatectl`.")


# --- what is told of it -------------------------------------------------------------------------------------------


class Turn(StrEnum):
    """What a notice is about."""

    BEGAN = "began"
    ENDED = "ended"
    STANDS = "stands"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say, `lasted` after the alarm began."""

    turn: Turn
    alarm: Alarm
    lasted: timedelta


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody knows of one alarm: when they heard of it last, and whether it was that it is over.

    `gone_since` is since when it does not stand any more; None while it does.
    """

    alarm: Alarm
    since: datetime
    told_at: datetime
    gone_since: datetime | None = None
    over: bool = False

    def rests(self, now: datetime) -> bool:
        """Say whether it is too early to tell of it anew. A clock that was set back makes nobody wait."""
        return timedelta(0) <= now - self.told_at < QUIET


Known = Mapping[str, Told]
"""What somebody knows, by the alarm's key: at most one entry for each thing that can be wrong."""


def changes(known: Known, now_standing: tuple[Alarm, ...], now: datetime) -> tuple[Known, tuple[Notice, ...]]:
    """Say what somebody is to be told now, and what they know after they were."""
    current = {alarm.key: alarm for alarm in now_standing}
    after: dict[str, Told] = {}
    notices: list[Notice] = []
    for key in (*current, *(key for key in known if key not in current)):
        told, turn = _followed(known.get(key), current.get(key), now)
        if told is not None:
            after[key] = told
        if told is not None and turn is not None:
            ended = told.gone_since or now
            notices.append(Notice(turn, told.alarm, max(ended - told.since, timedelta(0))))
    return after, tuple(notices)


def _followed(told: Told | None, alarm: Alarm | None, now: datetime) -> tuple[Told | None, Turn | None]:
    """Follow one alarm: what is known of it after now, and what there is to say."""
    if alarm is None:
        return (None, None) if told is None or told.alarm.passing else _gone(told, now)
    if told is None or (told.over and not told.rests(now)):
        return Told(alarm, min(alarm.since or now, now), told_at=now), Turn.BEGAN
    if told.over:
        return told, None
    here = replace(told, alarm=alarm, gone_since=None)
    if now - told.told_at >= REMINDER:
        return replace(here, told_at=now), Turn.STANDS
    return here, None


def _gone(told: Told, now: datetime) -> tuple[Told | None, Turn | None]:
    if told.over:
        return (told if told.rests(now) else None), None
    gone_since = min(told.gone_since or now, now)
    if now - gone_since < SETTLED:
        return replace(told, gone_since=gone_since), None
    return replace(told, gone_since=gone_since, told_at=now, over=True), Turn.ENDED


def in_words(notices: tuple[Notice, ...]) -> Reply:
    """Write notices as one message: what began, what still stands, what is over."""
    order = list(Turn)
    listed = sorted(notices, key=lambda notice: (order.index(notice.turn), notice.alarm.key))
    spans = [span for notice in listed[:_LINES] for span in _line(notice)]
    if len(listed) > _LINES:
        spans.append(Span(f"… and {len(listed) - _LINES} more. See `policybell alarms`."))
    began = [choice for notice in listed if notice.turn is Turn.BEGAN for choice in notice.alarm.choices]
    return Reply(tuple(spans), tuple(began[:_CHOICES]))


def _line(notice: Notice) -> tuple[Span, ...]:
    alarm, lasted = notice.alarm, span_of_time(notice.lasted)
    match notice.turn:
        case Turn.BEGAN:
            return Span("Alarm", Mark.BOLD), Span(f" · {alarm.sentence}\n{alarm.next_step}\n")
        case Turn.STANDS:
            return Span("Still", Mark.BOLD), Span(f" (for {lasted}) · {alarm.sentence}\n{alarm.next_step}\n")
        case Turn.ENDED:
            return Span("Over", Mark.BOLD), Span(f" after {lasted} · {alarm.sentence}\n")
        case _:
            assert_never(notice.turn)
