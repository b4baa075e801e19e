"""What comes in: a source as configured, what is remembered of it, what it answered, what it said.

Nothing here is trusted yet: an `Entry` is what the source said, and becomes a `Document` in `bot.core.clean`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.office import Spell


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


class Trouble(StrEnum):
    """What kind of trouble the last poll was, by what people can do about it."""

    NONE = ""
    UNREACHABLE = "unreachable"  # no answer, or one that says "later": networks, names, certificates, 429, 5xx
    REFUSED = "refused"  # the server does not want us: 401, 403, 451, robots.txt, a page that says so
    BLOCKED = "blocked"  # a challenge, a login or a decoy came in place of the thing, with status 200
    GONE = "gone"  # 410: the server says that it is not coming back
    BROKEN = "broken"  # an answer came that cannot be read as what it should be


@dataclass(frozen=True, slots=True)
class Hints:
    """What reading one source takes besides its answer: settings of its own, by name, such as CSS selectors.

    `only` are the cases that a court's docket is read for, as number and name; the others are not even taken over.
    `known` are the entries that need not be read again, by what `Parsed.spans` called them.
    """

    select: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()


NO_HINTS = Hints()


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source as configured. `kind` is the name of a module in `bot.sources`.

    `elsewhere` names the other official place where the same news appears, for the day on which this one refuses us.
    `brisk` are the parts of a working day in which it is asked more often than `every`.
    """

    id: str
    kind: str
    name: str
    url: str
    every: timedelta
    standing: Standing = Standing.NEWS
    agency: str = ""
    language: str = "en"
    relevance: Relevance = Relevance.FILTER
    select: Mapping[str, str] = field(default_factory=dict)
    elsewhere: str = ""
    brisk: tuple[Spell, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)

    @property
    def hints(self) -> Hints:
        return Hints(self.select, self.only)


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is remembered of a source between two polls.

    Validators are kept byte for byte and belong to `validator_url`, the address after redirects.
    `last_success_at` is None until the first good poll, which is the baseline: all seen, nothing sent.
    `full_at` is when the whole was last given, without being asked for changes only. `trouble` has lasted since
    `trouble_since`, for `trouble_polls` polls in a row; without trouble, polls were put off since then.
    `moved_to` is where permanent redirects have led since `moved_since`, in `moved_polls` polls. What was followed is
    the `address` where the source is read since `address_at`, for as long as its configured one is
    `address_instead_of` (`bot.core.moves`).
    A source that is `retired_at` is asked no more: it said that it is gone.
    `unseen_recent` counts what was unseen in the last polls that had a new body, the newest last.
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
    full_at: datetime | None = None
    trouble: Trouble = Trouble.NONE
    trouble_since: datetime | None = None
    trouble_polls: int = 0
    moved_to: str = ""
    moved_since: datetime | None = None
    moved_polls: int = 0
    retired_at: datetime | None = None
    address: str = ""
    address_instead_of: str = ""
    address_at: datetime | None = None
    unseen_recent: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedResponse:
    """A body that came back. `headers` have lower-case names; `url` is the address after redirects.

    `moved_to` is that address where every redirect on the way was a permanent one; empty where there was none.
    """

    source_id: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    fetched_at: datetime
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The source said 304. `moved_to` is as in `FeedResponse`."""

    source_id: str
    url: str
    headers: Mapping[str, str]
    fetched_at: datetime
    moved_to: str = ""


DECISION = "decision:"  # begins the id that a docket's number and a day make: it holds whatever the file is called
ARTICLE = "article"  # how the text behind an entry is read: no kind of source


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as the source said it; nothing in it is trusted.

    Text fields are plain text already (the child process strips markup and keeps paragraph breaks).
    `article` is the text behind the item, fetched once by itself.
    `published` and `updated` are the source's own words. `facts` are a publisher's own structured fields;
    known keys: document_number, type, action, effective_on, comments_close_on, dates, citation, outlet, docket,
    date_from (where a list has its date: listing, text or url), full_text (its text's own address), planned_for
    (the day for which publication is planned), filing (regular or special: how it came on public inspection).
    """

    guid: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    article: str = ""
    published: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a watched page under one heading.

    `key` is the path of headings to it. It was `missed` in so many polls in a row.
    """

    key: str
    title: str
    text: str
    url: str = ""
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """A page that is not believed: what its last version is recognized by, since when, and how many polls agree."""

    version: str
    since: datetime
    polls: int = 1


@dataclass(frozen=True, slots=True)
class WatchedPage:
    """What is remembered of a page that is watched for change (`bot.core.pages`).

    The sections are as they were last told, or found at first.
    `asked` sums up the address and the settings it was read with: with others it is another page. `updated` is the
    page's own word on when it was changed. `changes` counts what was told of it; `told` says which versions, and when.
    """

    source_id: str
    asked: str
    sections: tuple[Section, ...]
    updated: str = ""
    changes: int = 0
    told: Mapping[str, datetime] = field(default_factory=dict)
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a source's `parse` makes of one response. `more_urls` are further pages to fetch in the same poll.

    `spans` names every entry of the list, in its order, by a hash (`bot.core.splice`); `entries` are then those that
    were not known. Where it is empty, the list could not be taken apart, and `entries` are all.
    """

    entries: tuple[Entry, ...]
    more_urls: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
