"""Congress.gov, version 3: bills and laws by what happened to them last, and reports of the research service.

* It answers in XML unless the address says `format=json`.
* `updateDate` is when a record changed, which may be years after anything happened: what dates a bill is its latest
  action. So each action is news of its own, and a record that changed without one is known already.
* An order that was asked for may come turned round. From a list whose newest records come last, news would never
  come: it is refused.
* The pages of www.congress.gov turn robots away: they are linked, never fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.ports import Source
from bot.records import mapping, mappings, named, read_record, text

SITE = "https://www.congress.gov"
_WHAT = "a list of bills or reports of Congress.gov"
_LISTS = ("bills", "CRSReports")
# type in the interface → how a bill is cited, and how the site's address names it
_BILLS = {
    "HR": ("H.R.", "house-bill"),
    "S": ("S.", "senate-bill"),
    "HJRES": ("H.J.Res.", "house-joint-resolution"),
    "SJRES": ("S.J.Res.", "senate-joint-resolution"),
    "HCONRES": ("H.Con.Res.", "house-concurrent-resolution"),
    "SCONRES": ("S.Con.Res.", "senate-concurrent-resolution"),
    "HRES": ("H.Res.", "house-resolution"),
    "SRES": ("S.Res.", "senate-resolution"),
}


class Congress:
    """One page of a list: of bills, or of reports."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read a page; raise `ParseError` where it is none, or where its order is not the one asked for."""
        if response.body.lstrip().startswith(b"<?xml"):
            raise ParseError("the answer is XML: the address must say format=json", kind="not_a_feed")
        answer = read_record(response.body, _WHAT)
        name = next((name for name in _LISTS if isinstance(answer.get(name), list)), None)
        if name is None:
            raise ParseError(f"the answer is not {_WHAT}", kind="not_a_feed")
        records = mappings(answer[name])
        if _wants_newest_first(response.url) and _comes_oldest_first(records):
            raise ParseError("the list comes oldest first, though newest first was asked for", kind="broken")
        return Parsed(tuple(map(_bill if name == "bills" else _report, records)))


def _wants_newest_first(url: str) -> bool:
    return any(order.endswith("desc") for order in parse_qs(urlsplit(url).query).get("sort", ()))


def _comes_oldest_first(records: list[Mapping[str, Any]]) -> bool:
    changed = [text(record.get("updateDateIncludingText")) or text(record.get("updateDate")) for record in records]
    return len(set(changed)) > 1 and all(earlier <= later for earlier, later in pairwise(changed))


def _bill(record: Mapping[str, Any]) -> Entry:
    congress, number = _number(record.get("congress")), text(record.get("number"))
    kind = text(record.get("type")).upper()
    cited, path = _BILLS.get(kind, (kind, ""))
    action = mapping(record.get("latestAction"))
    done, day = text(action.get("text")), text(action.get("actionDate"))
    there = f"{SITE}/bill/{_ordinal(congress)}-congress/{path}/{number}" if congress and path and number else ""
    return Entry(
        guid=f"{congress}-{kind}-{number}:{day}:{done}",
        url=there,
        title=f"{cited} {number}: {text(record.get('title'))}",
        summary=done,
        published=day,
        facts=named({"type": "Bill", "action": done, "chamber": text(record.get("originChamber"))}),
    )


def _report(record: Mapping[str, Any]) -> Entry:
    name = text(record.get("id"))
    return Entry(
        guid=f"{name}:{_number(record.get('version'))}",
        url=f"{SITE}/crs-product/{name}" if name else "",
        title=text(record.get("title")),
        published=text(record.get("publishDate")) or text(record.get("updateDate")),
        facts=named({"type": text(record.get("contentType")) or "Report", "status": text(record.get("status"))}),
    )


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) else text(value)


def _ordinal(number: str) -> str:
    endings = {"1": "st", "2": "nd", "3": "rd"}
    return number + ("th" if number[-2:-1] == "1" else endings.get(number[-1:], "th"))


SOURCE: Source = Congress()
