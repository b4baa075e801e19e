"""What comes in: a source as configured, what is remembered of it, what it answered, what it said.

Nothing here is trusted yet: an `Entry` is what the source said, and becomes a `Document` in `bot.core.clean`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Standing(StrEnum):
    """What kind of voice a source is."""

    OFFICIAL = "official"
    NEWS = "news"
    ADVOCACY = "advocacy"
    AGGREGATOR = "aggregator"


class Relevance(StrEnum):
    """How much of a source is about the subject: everything, what filters say, or clear policy only."""

    ALL = "all"
    FILTER = "filter"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source as configured. `kind` is the name of a module in `bot.sources`."""

    id: str
    kind: str
    name: str
    url: str
    every: timedelta
    standing: Standing = Standing.NEWS
    agency: str = ""
    language: str = "en"
    relevance: Relevance = Relevance.FILTER


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is remembered of a source between two polls.

    Validators are kept byte for byte and belong to `validator_url`, the address after redirects.
    `last_success_at` is None until the first good poll, which is the baseline: all seen, nothing sent.
    """

    source_id: str
    validator_url: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    next_poll_at: datetime | None = None
    failures: int = 0
    last_error: str = ""
    last_success_at: datetime | None = None
    last_new_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FeedResponse:
    """A body that came back. `headers` have lower-case names; `url` is the address after redirects."""

    source_id: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class NotModified:
    """The source said 304."""

    source_id: str
    url: str
    headers: Mapping[str, str]
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as the source said it; nothing in it is trusted.

    Text fields are plain text already (the child process strips markup and keeps paragraph breaks).
    `published` and `updated` are the source's own words. `facts` are a publisher's own structured fields;
    known keys: document_number, type, action, effective_on, comments_close_on, dates, citation, outlet.
    """

    guid: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    published: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a source's `parse` makes of one response. `more_urls` are further pages to fetch in the same poll."""

    entries: tuple[Entry, ...]
    more_urls: tuple[str, ...] = ()
