"""Sources that move, and sources that are gone: what a server says for good is believed once it has said so for a day.

A permanent redirect within one site is followed by itself. One that leads to another site may be a domain that fell
into other hands, so an operator is asked, and the old address goes on being read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.core.intake import Cursor, SourceSpec, Trouble

POLLS_LEAST = 3  # reliability R23 and R24, as is the day
LASTS_LEAST = timedelta(hours=24)

# Where the last two labels of a name belong to one owner. Country domains have rules of their own (`co.uk`, `gob.mx`,
# `k12.ca.us`) which only a long list knows; there, an operator is asked.
_TWO_LABELS = frozenset({"gov", "mil", "edu", "int", "com", "org", "net", "info", "news"})
# Names under which anybody may have one of their own.
_SHARED = frozenset(
    {
        "amazonaws.com",
        "azurewebsites.net",
        "blogspot.com",
        "cloudfront.net",
        "feedburner.com",
        "herokuapp.com",
        "medium.com",
        "squarespace.com",
        "substack.com",
        "typepad.com",
        "wordpress.com",
    }
)


def in_place(source: SourceSpec, cursor: Cursor) -> SourceSpec:
    """Give the source with the address where it is read now. A changed address in the settings wins."""
    if not cursor.address or cursor.address_instead_of != source.url:
        return source
    return replace(source, url=cursor.address)


def after_redirects(source: SourceSpec, cursor: Cursor, moved_to: str, now: datetime) -> Cursor:
    """Note where permanent redirects led in a poll that went well; follow them when it is time.

    `source` is as configured, `moved_to` empty where nothing redirected.
    """
    if not moved_to:
        return replace(cursor, moved_to="", moved_since=None, moved_polls=0) if cursor.moved_to else cursor
    goes_on = moved_to == cursor.moved_to
    noted = replace(
        cursor,
        moved_to=moved_to,
        moved_since=cursor.moved_since if goes_on else now,
        moved_polls=cursor.moved_polls + 1 if goes_on else 1,
    )
    if is_for_good(noted, now) and _same_site(in_place(source, cursor).url, moved_to):
        return followed(noted, source.url, now)
    return noted


def is_for_good(cursor: Cursor, now: datetime) -> bool:
    """Say whether redirects have led to one place for long enough to be believed."""
    return bool(cursor.moved_to) and _lasts(cursor.moved_polls, cursor.moved_since, now)


def followed(cursor: Cursor, configured: str, now: datetime) -> Cursor:
    """Read a source where its redirects lead, from now on and instead of its `configured` address."""
    return replace(
        cursor,
        address=cursor.moved_to,
        address_instead_of=configured,
        address_at=now,
        moved_to="",
        moved_since=None,
        moved_polls=0,
    )


def retired(cursor: Cursor, now: datetime) -> datetime | None:
    """Say since when the source is to be asked no more, its server having said for a day that it is gone."""
    is_gone = cursor.trouble is Trouble.GONE and _lasts(cursor.trouble_polls, cursor.trouble_since, now)
    return cursor.retired_at or (now if is_gone else None)


def host_of(url: str) -> str:
    """Give the host of an address: all of it that may be shown."""
    return urlsplit(url).hostname or ""


def _lasts(polls: int, since: datetime | None, now: datetime) -> bool:
    return polls >= POLLS_LEAST and since is not None and now - since >= LASTS_LEAST


def _same_site(url: str, other: str) -> bool:
    """Say whether two addresses surely belong to one owner."""
    host, there = host_of(url), host_of(other)
    if host == there:
        return True
    site = host.rsplit(".", 2)[-2:]
    same = site == there.rsplit(".", 2)[-2:]
    return same and site[-1] in _TWO_LABELS and ".".join(site) not in _SHARED
