"""Ready-made values for tests: say only what the test is about.

Everything is a plain function of its arguments; numbers in names keep values apart:
`a_document(3)` and `a_document(4)` share nothing by which one would be taken for a copy of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from bot.core.intake import Cursor, Entry, FeedResponse, Relevance, SourceSpec, Standing
from bot.core.model import (
    Alert,
    Changes,
    Chat,
    Delivery,
    Document,
    Hit,
    Match,
    Precision,
    Reason,
    State,
    Story,
    Verdict,
    Voice,
    Why,
)

NOW = datetime(2023, 10, 5, 12, 0, tzinfo=UTC)


def at(seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
    """So long after (or, negative, before) the noon at which tests begin."""
    return NOW + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def a_chat(number: int = 1, platform: str = "telegram", workspace: str = "", thread: str = "") -> Chat:
    return Chat(platform, workspace, str(1000 + number), thread)


def a_source(number: int = 1, **changes: Any) -> SourceSpec:
    source = SourceSpec(
        id=f"source-{number}",
        kind="feed",
        name=f"Newsroom {number}",
        url=f"https://newsroom-{number}.example/feed.xml",
        every=timedelta(minutes=15),
        standing=Standing.OFFICIAL,
        agency="DHS",
        language="en",
        relevance=Relevance.FILTER,
    )
    return replace(source, **changes)


def a_cursor(number: int = 1, **changes: Any) -> Cursor:
    return replace(Cursor(source_id=f"source-{number}"), **changes)


def a_response(body: bytes = b"", **changes: Any) -> FeedResponse:
    response = FeedResponse(
        source_id="source-1",
        url="https://newsroom-1.example/feed.xml",
        status=200,
        headers={"content-type": "application/rss+xml"},
        body=body,
        fetched_at=NOW,
    )
    return replace(response, **changes)


def an_entry(number: int = 1, **changes: Any) -> Entry:
    entry = Entry(
        guid=f"guid-{number}",
        url=f"https://newsroom-1.example/news/{number}",
        title=f"Department announces measure number {number}",
        summary=f"The department announced measure number {number} today.",
        published="Thu, 05 Oct 2023 11:30:00 GMT",
    )
    return replace(entry, **changes)


def a_document(number: int = 1, /, *, source: int = 1, **changes: Any) -> Document:
    title = str(changes.get("title", f"Department announces measure number {number}"))
    text = str(changes.get("text", f"The department announced measure number {number} today."))
    url = str(changes.get("url", f"https://newsroom-{source}.example/news/{number}"))
    document = Document(
        id=f"document-{source}-{number}",
        source_id=f"source-{source}",
        outlet=f"Newsroom {source}",
        standing=Standing.OFFICIAL,
        language="en",
        url=url,
        title=title,
        text=text,
        seen_at=NOW,
        keys=(f"url:{url}", f"guid:source-{source}:guid-{number}"),
        digest=sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()[:32],
        agency="DHS",
        claimed_at=NOW - timedelta(minutes=30),
        precision=Precision.TIME,
        facts={"type": "news release"},
    )
    return replace(document, **changes)


def a_story(number: int = 1, lead: Document | None = None, **changes: Any) -> Story:
    lead = lead or a_document(number)
    return replace(Story(number=number, lead=lead, first_seen_at=lead.seen_at), **changes)


def a_why(query_id: int = 1, label: str = "Topic: TPS", hits: tuple[Hit, ...] = (Hit("title", 0, 10),)) -> Why:
    return Why(query_id, label, hits)


def an_alert(story: Story | None = None, chat: Chat | None = None, **changes: Any) -> Alert:
    alert = Alert(
        chat=chat or a_chat(),
        voice=Voice(),
        story=story or a_story(),
        why=(a_why(),),
        reason=Reason.NEW,
    )
    return replace(alert, **changes)


def a_delivery(alert: Alert | None = None, **changes: Any) -> Delivery:
    """Make a pending row. Its id follows from chat, story and leading document, as in the product."""
    alert = alert or an_alert()
    key = f"{alert.chat}\n{alert.story.number}\n{alert.story.lead.id}"
    return replace(
        Delivery(id=sha256(key.encode("utf-8", "replace")).hexdigest()[:32], alert=alert, due_at=NOW), **changes
    )


def a_verdict(document: Document | None = None, story: int = 1, **changes: Any) -> Verdict:
    verdict = Verdict(
        document=document or a_document(story),
        state=State.NEW,
        because="nothing like it was seen before",
        story=story,
        matches=(Match(1, (Hit("title", 0, 10),)),),
    )
    return replace(verdict, **changes)


def some_changes(*stories: Story, deliveries: Sequence[Delivery] = (), cursor: Cursor | None = None) -> Changes:
    """One poll that found these stories, all new. A store writes only deliveries whose chats follow their queries."""
    cursor = cursor or Cursor(
        source_id=stories[0].lead.source_id if stories else "source-1",
        etag='"v1"',
        next_poll_at=at(minutes=15),
        last_success_at=NOW,
        last_new_at=NOW if stories else None,
    )
    verdicts = tuple(a_verdict(story.lead, story.number) for story in stories)
    return Changes(cursor=cursor, verdicts=verdicts, deliveries=tuple(deliveries))
