"""What a page that is watched for change says, compared with what is remembered of it: between reading and deciding."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.core.intake import SourceSpec, WatchedPage
from bot.core.pages import Doubted, turn
from bot.errors import ParseError
from bot.poll.desk import PollDesk, Reading

KIND = "page"


@dataclass(frozen=True, slots=True)
class Unbelieved:
    """A version that seems to be another page: the failure that it is, and what is to be remembered of it."""

    error: ParseError
    page: WatchedPage | None


async def compare(desk: PollDesk, source: SourceSpec, reading: Reading) -> Reading | Unbelieved:
    """Put in place of a page's sections what changed in them. In a thread: the largest pages take seconds."""
    known = await desk.store.page(source.id)
    turned = await asyncio.to_thread(turn, source, known, reading.entries, desk.clock.now())
    if isinstance(turned, Doubted):
        return Unbelieved(ParseError(turned.sentence, kind=turned.kind), turned.page)
    entries = (turned.entry,) if turned.entry else ()
    return replace(reading, entries=entries, page=turned.page, unsettled=turned.unsettled)
