"""What was entered on the dockets of one federal court: `https://ecf.COURT.uscourts.gov/cgi-bin/rss_outside.pl`.

A court's list holds a day of everything that was filed there, by anybody, against anybody. Only the cases that the
source is to be read for (`Hints.only`) are taken over; of the others nothing leaves this process.

Entries of one case may share guid, title, link and date: what tells them apart is the description alone. So an entry
is known by its case, date and description, and its address has these as a fragment, which every browser ignores.
The title that people see is made of the case and of what was filed: "Case name: Order on Motion to Stay (45)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.core.plain import plain
from bot.errors import ParseError
from bot.markup import read_rows
from bot.ports import Source

# "1:25-cv-00306 Case name", in appeals "25-5243 Case name", here and there "1:25-cv-00306: Case name" or
# "1:2025cv00306 Case name"; initials of judges or a defendant's number may follow.
_A_NUMBER = r"(?:(\d{1,2}):)?(?:19|20)?(\d{2})(?:-?([a-z]{2,4})-?|-)0*(\d{1,6})"
_WHOSE = r"(?:-[a-z0-9-]+)?"
_NUMBER = re.compile(_A_NUMBER + _WHOSE, re.IGNORECASE)
_NUMBERED = re.compile(rf"\s*(?P<number>{_A_NUMBER}){_WHOSE}:?(?:\s+(?P<case>.+))?", re.IGNORECASE | re.DOTALL)
_FILED = re.compile(r"\s*\[(.*)\]\s*(?:\(\s*(\d+)\s*\))?\s*", re.DOTALL)
_LINK = re.compile(r"""href=["']?(https?://[^"'\s>]+)""", re.IGNORECASE)


class Docket:
    """The entries of the cases that the source is read for, newest first as the court lists them."""

    def parse(self, response: FeedResponse, hints: Hints = NO_HINTS) -> Parsed:
        """Read the court's list; raise `ParseError` where it is none, or only part of one.

        It holds what was filed in all cases. Without any entry (`empty`), or without any number that can be read
        (`broken`), it says nothing about those that are followed.
        """
        cases = {number: name for written, name in hints.only.items() if (number := _case(written))}
        rows = list(read_rows(response.body, "rss", "item"))
        if not rows:
            raise ParseError("the court's list holds no entry of any case", kind="empty")
        numbered = [(row, found) for row in rows if (found := _NUMBERED.fullmatch(plain(row.get("title", ""))))]
        if not numbered:
            raise ParseError("no entry of the court's list begins with the number of a case", kind="broken")
        return Parsed(tuple(_entries(numbered, cases)))


def _entries(
    numbered: Iterable[tuple[Mapping[str, str], re.Match[str]]], cases: Mapping[tuple[str, str], str]
) -> Iterator[Entry]:
    for row, found in numbered:
        number = found["number"]
        if (name := _wanted(number, cases)) is not None:
            yield _entry(row, number, name or (found["case"] or number).strip())


def _wanted(number: str, cases: Mapping[tuple[str, str], str]) -> str | None:
    """Find the name of a case among those that are followed; None: it is not followed.

    A court counts its cases in each of its offices. Where the office was not written down, any will do.
    """
    case = _case(number)
    return None if case is None else cases.get(case, cases.get(("", case[1])))


def _case(written: str) -> tuple[str, str] | None:
    """Read a docket number as its office and the rest of it, without padding: "1:25-cv-00306" is 1 and 25-cv-306."""
    found = _NUMBER.fullmatch(written.strip())
    return (found[1] or "", f"{found[2]}-{(found[3] or '').lower()}-{found[4]}") if found else None


def _entry(row: Mapping[str, str], number: str, case: str) -> Entry:
    description, date, link = row.get("description", ""), row.get("pubDate", ""), row.get("link", "")
    said = " ".join(plain(description).split())
    filed = _FILED.fullmatch(said)
    what, entered_as = (filed[1], filed[2] or "") if filed else (said, "")
    mark = blake2b(f"{number}\0{date}\0{description}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    document = _LINK.search(description)
    facts = {"type": "Docket entry", "docket": number, "entry": entered_as}
    return Entry(
        guid=f"docket:{mark}",
        url=f"{plain(document[1]) if document else link}#/{mark}",
        title=f"{case}: {what or 'new entry'}" + (f" ({entered_as})" if entered_as else ""),
        summary=said,
        published=date,
        facts={name: value for name, value in facts.items() if value},
    )


SOURCE: Source = Docket()
