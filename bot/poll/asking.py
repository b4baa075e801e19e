"""What polling asks beside a poll's own request: for pages and articles behind a list, and whether they are known."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec
from bot.errors import FetchError, Postponed
from bot.poll.desk import PollDesk

PAGE_PATIENCE = timedelta(seconds=20)  # for eight polls at once, two seconds apart


async def fetch_whole(desk: PollDesk, source: SourceSpec, url: str) -> FeedResponse | FetchError:
    """Fetch without validators: what is said to be unchanged then is an error."""
    answer = await desk.fetch(source, url, Cursor(source.id))
    return FetchError("what a list leads to answered 304 unasked") if isinstance(answer, NotModified) else answer


async def fetch_patiently(desk: PollDesk, source: SourceSpec, url: str) -> FeedResponse | FetchError:
    """Fetch what a list leads to. A host that is busy with others is waited for, one that wants minutes is not."""
    while True:
        page = await fetch_whole(desk, source, url)
        if not isinstance(page, Postponed) or page.after > PAGE_PATIENCE:
            return page
        await desk.clock.sleep(page.after.total_seconds())


async def known_keys(desk: PollDesk, keys: Collection[str]) -> frozenset[str]:
    """Give all keys of what is remembered under any of these."""
    past = await desk.store.past(keys)
    return frozenset(key for fingerprint in past.fingerprints for key in fingerprint.keys)
