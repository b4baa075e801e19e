"""Old items that look new, and more of them at once than a source ever has: what is sent, and what is held.

Lists lie about dates: archives are stamped anew, move, or come back whole. So of what a poll shows for the first time,
two guards ask how old it is.

The flood guard is asked first. A poll that shows far more unseen items than its source usually has, most of the list,
all of which claim to be older than the last good poll, is held: recorded, told to the operators with a sample, let go
by their word or after an hour, as one list for each chat. What came out since the last poll is no sign of a flood,
however much it is, and is not held: so an outage of our own holds nothing.

The age guard then looks at single items. One that is dated more than a week before the last good poll is recorded
and not sent; but what an official source posts late is sent and says so: a few one by one, more in one list.
What came out while a source was not read, and more than a day ago, is told in a list too, as late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from bot.core.ages import Dated, claimed_date, own_date
from bot.core.delays import Delay
from bot.core.intake import Cursor, SourceSpec, Standing
from bot.core.model import Document, Precision, State, Verdict
from bot.core.speech import Choice
from bot.core.text import cut
from bot.core.words import span_of_time

HELD_FOR = timedelta(minutes=60)
OLD_AFTER = timedelta(days=7)  # before the source's last good poll
ONE_BY_ONE = 5  # so many official items that were posted late, and more, are told in a list
LATE_AFTER = timedelta(days=1)  # what came out in an outage and is older is told in a list
NEVER_HELD = frozenset({"federal_register", "public_inspection", "sitemap"})  # their lists are new by nature

_FLOOD_LEAST = 10
_FLOOD_TIMES = 5  # the usual
_FLOOD_SHARE = 0.6  # of the list
_REMEMBERED = 20  # polls, whose median is what is usual
# A day is claimed without an hour. Where the source was read within these hours, and many items bear that very day,
# they count as older: on January 24, 2025 thousands of old releases were stamped with that day. A few are its news.
_READ_LATELY = timedelta(hours=6)
_A_DAYS_NEWS = 5  # and less than a fifth of the list
_DAY_LASTS_ON = timedelta(hours=12)  # a day ends so much later in the last zone than in UTC
_ALIKE_LEAST = 3  # known items of a list that all claim one moment show that it means nothing

_SAMPLE = 3
_TITLE_SIZE = 120


@dataclass(frozen=True, slots=True)
class Flood:
    """What is held of one source: how much since when, until when at the latest, and the titles of a few."""

    source_id: str
    since: datetime
    until: datetime
    items: int
    sample: tuple[str, ...] = ()

    def is_over(self, now: datetime) -> bool:
        """Say whether it is to be let go. A clock that was set back keeps nothing for longer."""
        return now >= self.until or now < self.since

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What an operator can do about it."""
        return tuple(Choice(word.capitalize(), f"sources {word} {self.source_id}") for word in ("release", "discard"))

    def in_words(self, name: str | None) -> tuple[str, str]:
        """Say what happened at the source of this name, with a sample, and what can be done."""
        sample = "; ".join(f"“{cut(title, _TITLE_SIZE, len)}”" for title in self.sample)
        happened = (
            f"{name or self.source_id} listed {self.items:,} items at once that it had not shown before and that "
            f"claim to be old. They are held back. Among them: {sample}."
        )
        what_to_do = (
            f"`sources release {self.source_id}` sends each chat one list of what it follows, "
            f"`sources discard {self.source_id}` sends nothing. Without a word they go out "
            f"{span_of_time(HELD_FOR)} after they came."
        )
        return happened, what_to_do


def noted(cursor: Cursor, verdicts: Sequence[Verdict], *, baseline: bool) -> Cursor:
    """Remember how much was unseen in a poll, so that what is usual is known: not of a first poll, nor of a flood."""
    if baseline or any(verdict.held for verdict in verdicts):
        return cursor
    unseen = sum(map(_is_unseen, verdicts))
    return replace(cursor, unseen_recent=(*cursor.unseen_recent, unseen)[-_REMEMBERED:])


def _is_unseen(verdict: Verdict) -> bool:
    """Say whether a source shows something for the first time, whoever else told of it."""
    return verdict.state in {State.NEW, State.ADDITION} and not verdict.repeats


def _may_be_told(verdict: Verdict) -> bool:
    """Say whether a document may be told: it is new, or a copy of what nobody was told of in these words."""
    return (verdict.state is State.NEW and not verdict.repeats) or bool(verdict.told_as)


def sift(source: SourceSpec, cursor: Cursor, verdicts: Sequence[Verdict], now: datetime) -> tuple[Verdict, ...]:
    """Say of what is new whether it is sent as usual, sent as late, held, or only recorded.

    `verdicts` are those of the whole list, `cursor` is as it was before this poll. On a baseline nothing is asked,
    since nothing is sent; nor of a page that is watched, whose changes are of today.
    """
    if cursor.last_success_at is None or source.kind == "page":
        return tuple(verdicts)
    last = min(cursor.last_success_at, now)  # a clock that stood ahead for a poll makes nothing old
    aged = _with_claims([_aged(verdict, last) for verdict in _without_constant_date(verdicts, last)], last, now)
    older, total = sum(one.claims_older for one in aged), len(verdicts)
    if source.kind not in NEVER_HELD and is_flood(older, total, cursor.unseen_recent):
        words = f"{older} of {total} items of one poll were unseen and claim to be older than the last"
        return tuple(_held_or_not(one, last, now, words) for one in aged)
    return _by_age(source, aged, last, now)


def is_flood(unseen: int, listed: int, usual: Sequence[int]) -> bool:
    """Say whether so many unseen items that claim to be old are too many, of so many listed."""
    least = max(_FLOOD_LEAST, _FLOOD_TIMES * median(usual) if usual else 0)
    return unseen > least and unseen > _FLOOD_SHARE * listed


def sample_of(titles: Sequence[str]) -> tuple[str, ...]:
    """Choose a few titles that stand for all: from the beginning, the middle and the end."""
    if len(titles) <= _SAMPLE:
        return tuple(titles)
    return tuple(titles[place * (len(titles) - 1) // (_SAMPLE - 1)] for place in range(_SAMPLE))


def held_verdict(document: Document, story: int, lead_id: str, because: str) -> Verdict:
    """Say again what was decided of a held document; one that its story did not begin with is told as that one."""
    told_as = "" if document.id == lead_id else lead_id
    state = State.ADDITION if told_as else State.NEW
    return Verdict(document, state, because, story, told_as=told_as, held=True)


def let_go(verdict: Verdict, flood: Flood, now: datetime) -> Verdict:
    """Say why a held item is sent after all. Whoever asks for it gets it in a list."""
    how = "after an hour" if now - flood.since >= HELD_FOR else "by an operator"
    return replace(verdict, because=f"{verdict.because}; let go {how}", delay=Delay.HELD, held=False)


def discarded(because: str) -> str:
    """Say why a held item is not sent."""
    return f"{because}; discarded by an operator"


# --- how old an item is -------------------------------------------------------------------------------------------


def _without_constant_date(verdicts: Sequence[Verdict], last: datetime) -> Sequence[Verdict]:
    """Take back an old date that every item of a list bears, those known before too: it says nothing of any."""
    known = sum(not _is_unseen(verdict) and not verdict.repeats for verdict in verdicts)
    claims = {verdict.document.claimed_at for verdict in verdicts}
    dated = claimed_date(verdicts[0].document) if len(claims) == 1 else None
    if known < _ALIKE_LEAST or dated is None or last - dated.end <= OLD_AFTER:
        return verdicts
    note = f"date unknown: its source gives every item the same, {dated.words}"
    return [
        replace(verdict, document=replace(verdict.document, claimed_at=None, precision=Precision.NONE, date_note=note))
        for verdict in verdicts
    ]


class _Age(StrEnum):
    """What an item's dates say of it."""

    FRESH = "fresh"
    OLD = "old"
    STAMPED_ANEW = "stamped anew"  # it claims to be new while its own address or first line says that it is old


@dataclass(frozen=True, slots=True)
class _Aged:
    """A verdict, how old its document is, and whether it is unseen and claims to be older than the last good poll."""

    verdict: Verdict
    dated: Dated | None = None
    age: _Age = _Age.FRESH
    claim: Dated | None = None  # what it claims, where that may be true
    claims_older: bool = False


def _aged(verdict: Verdict, last: datetime) -> _Aged:
    if not _is_unseen(verdict):
        return _Aged(verdict)
    own, claimed = own_date(verdict.document), claimed_date(verdict.document)
    best = own or claimed
    if best is None:
        return _Aged(verdict)
    if last - best.end <= OLD_AFTER:
        return _Aged(verdict, best, claim=claimed or best)
    if claimed is not None and last - claimed.end <= OLD_AFTER:
        return _Aged(verdict, best, _Age.STAMPED_ANEW)
    return _Aged(verdict, best, _Age.OLD, claim=best)


def _with_claims(aged: Sequence[_Aged], last: datetime, now: datetime) -> list[_Aged]:
    """Say which items claim to be older than the last good poll."""
    bearing = Counter((one.claim.start, one.claim.end) for one in aged if one.claim)
    stamped = {day for day, items in bearing.items() if items > _A_DAYS_NEWS or items * 5 >= len(aged)}
    return [replace(one, claims_older=_is_older(one.claim, last, now, stamped)) if one.claim else one for one in aged]


def _is_older(dated: Dated, last: datetime, now: datetime, stamped: Collection[tuple[datetime, datetime]]) -> bool:
    """Say whether an item is older, as it claims; of a day that may not have ended, only where many are stamped so."""
    if dated.start == dated.end or dated.end + _DAY_LASTS_ON <= last:
        return dated.end <= last
    return dated.start < last and now - last < _READ_LATELY and (dated.start, dated.end) in stamped


# --- what becomes of it -------------------------------------------------------------------------------------------


def _held_or_not(one: _Aged, last: datetime, now: datetime, words: str) -> Verdict:
    """Hold an item of a flood. What shows that it is new is none of it, and what is stamped anew is only recorded."""
    if not _may_be_told(one.verdict):
        return one.verdict
    if one.age is _Age.STAMPED_ANEW:
        return _recorded(one)
    if one.dated is not None and not one.claims_older:
        return _with_outage(one.verdict, last, now)
    return replace(one.verdict, matches=(), held=True, because=f"{one.verdict.state}, but held back: {words}")


def _by_age(source: SourceSpec, aged: Sequence[_Aged], last: datetime, now: datetime) -> tuple[Verdict, ...]:
    """Record what is old, send what an official source posted late, and all else as usual."""
    counted = Counter(one.age for one in aged if _may_be_told(one.verdict))
    official = source.standing is Standing.OFFICIAL
    few = counted.total() - counted[_Age.FRESH] < ONE_BY_ONE
    return tuple(
        _with_outage(one.verdict, last, now)
        if one.age is _Age.FRESH or not _may_be_told(one.verdict)
        else _posted_late(one, Delay.POSTED if few else Delay.POSTED_TOGETHER)
        if official and (few or one.age is _Age.OLD)
        else _recorded(one)
        for one in aged
    )


def _posted_late(one: _Aged, delay: Delay) -> Verdict:
    words = f"{_dated(one)} and first seen now, from an official source: told as late"
    return replace(one.verdict, because=f"{one.verdict.because}; {words}", delay=delay)


def _recorded(one: _Aged) -> Verdict:
    later = ", though its source claims a later day" if one.age is _Age.STAMPED_ANEW else ""
    because = f"{one.verdict.state}, but old: {_dated(one)}{later}; recorded, not sent"
    return replace(one.verdict, matches=(), because=because)


def _dated(one: _Aged) -> str:
    assert one.dated is not None, "what has no date is not old"
    return f"dated {one.dated.words} by {one.dated.where}"


def _with_outage(verdict: Verdict, last: datetime, now: datetime) -> Verdict:
    """Mark as late what came out since the last good poll, and more than a day ago."""
    dated = claimed_date(verdict.document)
    if not _may_be_told(verdict) or dated is None or dated.end <= last or now - dated.end <= LATE_AFTER:
        return verdict
    words = f"it came out while its source was not read, for {span_of_time(now - last)}: told as late"
    return replace(verdict, because=f"{verdict.because}; {words}", delay=Delay.MISSED)
