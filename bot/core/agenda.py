"""When a source is asked again, and what is remembered of the last answer.

A source is asked once in its interval, `every`; in the parts of a working day that its `brisk` names, as often as
those say. Chance then only takes from the interval, so that it is the longest wait, and a cache may stretch it no
further: whoever set it knows the source's clock, and an answer from a cache on the way costs the site nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec, Trouble
from bot.core.moves import after_redirects, retired
from bot.core.office import next_spell, pace

# A cache may hold us back to every other poll and no more: the Federal Register's edge says a day, for lists that
# it renews the moment an issue appears.
_CACHE_HOLDS_AT_MOST = 2
_RETRY_AFTER_AT_MOST = timedelta(hours=24)
_ASKED_LESS = frozenset({Trouble.REFUSED, Trouble.GONE})  # no clock of theirs counts against their word
MISSED_AFTER = timedelta(hours=1)  # a poll that comes so much later than planned: we were off, not put off
BRISK_BACKOFF = timedelta(minutes=15)  # the most that a failure may cost while a source is to be asked briskly
_LEFT_ALONE_LEAST, _LEFT_ALONE_INTERVALS = timedelta(hours=1), 2  # counted from the poll that was put off
FULL_EVERY = timedelta(hours=24)  # reliability R21
_DOUBLINGS = 20  # enough for any interval to reach any longest wait
_ERROR_SIZE = 300
_FRESHNESS = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})\"?(?:$|[\s,])", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_NOT_CACHED = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,=])", re.ASCII | re.IGNORECASE)


_FRESHNESS_HEADERS = frozenset({"cache-control", "expires"})


@dataclass(frozen=True, slots=True)
class AgendaLimits:
    """Bounds of polling: the share of an interval that chance may add or take, the longest and shortest wait."""

    jitter_share: float
    backoff_max: timedelta
    minimum: timedelta


def after_success(
    source: SourceSpec,
    cursor: Cursor,
    response: FeedResponse | NotModified,
    now: datetime,
    *,
    jitter: float,
    new: bool,
    body_hash: str = "",
    limits: AgendaLimits,
) -> Cursor:
    """Note a poll that went well. To be called once the answer was read: validators of unread answers lose items."""
    full_at, validator_url, etag, last_modified = _validators(cursor, response)
    noted = replace(
        cursor,
        full_at=full_at,
        validator_url=validator_url,
        etag=etag,
        last_modified=last_modified,
        body_hash=body_hash or cursor.body_hash,
        next_poll_at=_planned(source, response.headers, now, jitter, limits),
        failures=0,
        last_error="",
        trouble=Trouble.NONE,
        trouble_since=None,
        trouble_polls=0,
        last_success_at=now,
        last_new_at=now if new else cursor.last_new_at,
    )
    return after_redirects(source, noted, response.moved_to, now)


def after_failure(
    source: SourceSpec,
    cursor: Cursor,
    error_text: str,
    now: datetime,
    *,
    jitter: float,
    trouble: Trouble,
    retry_after: timedelta | None,
    limits: AgendaLimits,
) -> Cursor:
    """Note a poll that failed: wait twice as long each time, and at least as long as the server asked.

    A brisk source that does not refuse us waits no longer than `BRISK_BACKOFF` within a spell, nor past the next one's
    begin: an outage of a night must not cost the morning for which it is brisk.
    """
    goes_on = trouble is cursor.trouble or (cursor.trouble is Trouble.NONE and not _missed(cursor, now))
    planned = _backed_off(source, cursor.failures, now, jitter, limits, keeps_clock=trouble not in _ASKED_LESS)
    asked = min(max(retry_after or timedelta(0), timedelta(0)), _RETRY_AFTER_AT_MOST)
    wait = max(asked + asked * limits.jitter_share * jitter, limits.minimum)
    noted = replace(
        cursor,
        next_poll_at=max(planned, now + wait),
        failures=cursor.failures + 1,
        last_error=error_text[:_ERROR_SIZE],
        trouble=trouble,
        trouble_since=(cursor.trouble_since if goes_on else None) or now,
        trouble_polls=cursor.trouble_polls + 1 if goes_on else 1,
    )
    return replace(noted, retired_at=retired(noted, now))


def after_postponed(cursor: Cursor, after: timedelta, now: datetime, *, jitter: float, limits: AgendaLimits) -> Cursor:
    """Note a poll that was not made, since its host is to be left alone: no failure, and not all back at once.

    From the first of them on the source is not read by its host's wish. What we missed ourselves is not counted.
    """
    begins = _missed(cursor, now) or (not cursor.failures and cursor.trouble_since is None)
    planned = now + after * (1 + limits.jitter_share * jitter)
    return replace(cursor, next_poll_at=planned, trouble_since=now if begins else cursor.trouble_since)


def left_alone_since(source: SourceSpec, cursor: Cursor, now: datetime) -> datetime | None:
    """Say since when a source is not asked at its host's wish, for longer than its interval explains; None: it is not.

    One failure may be the beginning: where the answer says when to come back, the next poll may be a day away.
    Where polls were missed nothing is said: the bot was off.
    """
    since = cursor.trouble_since
    if since is None or cursor.failures > 1 or cursor.next_poll_at is None or _missed(cursor, now):
        return None
    return since if now - since > max(_LEFT_ALONE_LEAST, _LEFT_ALONE_INTERVALS * source.every) else None


def _missed(cursor: Cursor, now: datetime) -> bool:
    """Tell whether a poll that was due long ago was not made."""
    return cursor.next_poll_at is not None and now - cursor.next_poll_at > MISSED_AFTER


def asking(source: SourceSpec, cursor: Cursor, now: datetime) -> Cursor:
    """Give what is known for asking with: no validators once a day, since some servers say 304 whatever changes."""
    fresh_until = (cursor.full_at or now) + FULL_EVERY - source.every
    if cursor.full_at is not None and cursor.full_at <= now < fresh_until:
        return cursor
    return replace(cursor, validator_url="", etag="", last_modified="")


def asking_for_all(cursor: Cursor) -> Cursor:
    """Let the next poll see the whole, changed or not: something about it was not read, or is to be seen twice."""
    return replace(cursor, etag="", last_modified="", body_hash="")


def _planned(
    source: SourceSpec, headers: Mapping[str, str], now: datetime, jitter: float, limits: AgendaLimits
) -> datetime:
    """Say when to ask again after an answer: at the latest when a brisker part of the day begins."""
    interval = _interval(source, now)
    if interval < source.every:
        least = interval * (1 - limits.jitter_share * jitter)
        wait = max(least, min(_held_by_cache(source, headers, now), interval))
    else:
        wait = max(_spread(source.every, jitter, limits), _held_by_cache(source, headers, now))
    return _before_spell(source, now + max(wait, limits.minimum), now, jitter, limits)


def _backed_off(
    source: SourceSpec, failures: int, now: datetime, jitter: float, limits: AgendaLimits, *, keeps_clock: bool
) -> datetime:
    """Say when to ask again after so many failures and this one, where the server asked for nothing."""
    interval, longest = _interval(source, now), max(source.every, limits.backoff_max)
    if keeps_clock and interval < source.every:
        longest = max(interval, BRISK_BACKOFF)
    planned = now + _spread(min(longest, interval * (1 << min(failures, _DOUBLINGS))), jitter, limits)
    return _before_spell(source, planned, now, jitter, limits) if keeps_clock else planned


def _before_spell(
    source: SourceSpec, planned: datetime, now: datetime, jitter: float, limits: AgendaLimits
) -> datetime:
    """Plan no later than when a brisker part of the day begins."""
    coming = next_spell(source.brisk, now)
    if coming is None or coming[1].every >= _interval(source, now):
        return planned
    begins = coming[0] + coming[1].every * limits.jitter_share * jitter
    return min(planned, max(begins, now + limits.minimum))


def _interval(source: SourceSpec, now: datetime) -> timedelta:
    """Say how often a source is to be asked at this moment."""
    return min(source.every, (source.brisk and pace(source.brisk, now)) or source.every)


def _spread(interval: timedelta, jitter: float, limits: AgendaLimits) -> timedelta:
    """Move an interval by chance (`jitter` 0..1), so that sources do not come in step."""
    return interval * (1 + limits.jitter_share * (2 * jitter - 1))


def _validators(cursor: Cursor, response: FeedResponse | NotModified) -> tuple[datetime | None, str, str, str]:
    """Keep validators byte for byte, for the address that gave them; one that is gone belonged to an older body."""
    if isinstance(response, NotModified) or response.status != HTTPStatus.OK:
        return cursor.full_at, cursor.validator_url, cursor.etag, cursor.last_modified
    headers = response.headers
    return response.fetched_at, response.url, headers.get("etag", ""), headers.get("last-modified", "")


def _held_by_cache(source: SourceSpec, headers: Mapping[str, str], now: datetime) -> timedelta:
    """Say how long the answer stays fresh by its own account, within reason."""
    if headers.keys().isdisjoint(_FRESHNESS_HEADERS):
        return timedelta(0)
    control = headers.get("cache-control", "")
    if _NOT_CACHED.search(control):
        return timedelta(0)
    said = _FRESHNESS.search(control)
    fresh = (
        timedelta(seconds=int(said[1])) if said else _until(headers.get("expires", ""), headers.get("date", ""), now)
    )
    age = _SECONDS.fullmatch(headers.get("age", "").strip())
    spent = timedelta(seconds=int(age[0])) if age else timedelta(0)
    return min(fresh - spent, source.every * _CACHE_HOLDS_AT_MOST)


def _until(expires: str, date: str, now: datetime) -> timedelta:
    """Measure how long something holds by the server's own clock; no time at all where it says nothing readable."""
    end = _http_date(expires)
    return end - (_http_date(date) or now) if end else timedelta(0)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
