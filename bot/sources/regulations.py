"""Regulations.gov, version 4: the documents of dockets, with the days until which comments are taken.

Its moments are written in UTC and mean days of Washington: a document posted on 16 January says 05:00 of that day, and
comments that end on 4 October are said to end at 03:59:59 of the 5th. So both are read as the day that they are there.
A document that the Federal Register printed carries its number, by which the two are one story.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.ports import Source
from bot.records import mapping, mappings, named, read_record, text

SITE = "https://www.regulations.gov/document/"
_WHAT = "a list of documents of regulations.gov"
_WASHINGTON = ZoneInfo("America/New_York")


class Regulations:
    """One page of documents. Their texts are elsewhere; a list has titles alone."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read a page; raise `ParseError` where it is none."""
        answer = read_record(response.body, _WHAT)
        if not isinstance(answer.get("data"), list):
            raise ParseError(f"the answer is not {_WHAT}", kind="not_a_feed")
        records = [record for record in mappings(answer["data"]) if record.get("type") == "documents"]
        if answer["data"] and not records:
            raise ParseError("the answer lists other things than documents", kind="not_a_feed")
        return Parsed(tuple(_entry(text(record.get("id")), mapping(record.get("attributes"))) for record in records))


def _entry(name: str, said: Mapping[str, Any]) -> Entry:
    facts = {
        "document_number": text(said.get("frDocNum")),
        "type": text(said.get("documentType")),
        "action": "Withdrawn" if said.get("withdrawn") is True else text(said.get("subtype")),
        "agencies": text(said.get("agencyId")),
        "docket": text(said.get("docketId")),
        "comments_close_on": _day(said.get("commentEndDate")),
    }
    return Entry(
        guid=name,
        url=f"{SITE}{name}" if name else "",
        title=text(said.get("title")),
        summary=text(said.get("highlightedContent")),
        published=_moment(said.get("postedDate")),
        facts=named(facts),
    )


def _day(value: object) -> str:
    """Name the day that a moment belongs to in Washington."""
    at = _there(value)
    return f"{at:%Y-%m-%d}" if at else ""


def _moment(value: object) -> str:
    """Write a moment as the day that it stands for, where it is a midnight of Washington; else as it is."""
    at = _there(value)
    return f"{at:%Y-%m-%d}" if at and at.time() == time() else text(value)


def _there(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(_WASHINGTON)
    except (ValueError, OverflowError):
        return None


SOURCE: Source = Regulations()
