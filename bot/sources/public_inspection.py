"""The Federal Register's public inspection desk: `…/api/v1/public-inspection-documents/current.json`.

What was filed for coming issues, hours or days ahead of its publication: without an abstract, and with a planned day
of publication that may be moved, or taken back. So an entry is dated by its filing, which has happened, and the
planned day is a fact, `planned_for`. Once published, a document keeps its number: its copy in the documents API is
recognized by it.

Counters of views, and the time stamp in `pdf_url`, change by themselves: both are left out. Asked with `fields[]` for
no more than is read here, the answer stays the same byte for byte until the desk changes, and is then not even parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.ports import Source
from bot.records import address, agency_names, mappings, named, read_record, text, texts

_WHAT = "a list of documents on public inspection"
_SUBJECTS = ("toc_subject", "toc_doc", "subject_1", "subject_2", "subject_3")


class PublicInspection:
    """The whole desk in one answer, as it stands now."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read the desk; raise `ParseError` where it is another list, or counts what it does not show."""
        answer = read_record(response.body, _WHAT)
        count, results = answer.get("count"), answer.get("results", [])
        if not isinstance(count, int) or not isinstance(results, list) or "total_pages" in answer:
            raise ParseError(f"the answer is not {_WHAT}", kind="not_a_feed")
        if count and not results:
            raise ParseError("the answer counts documents and lists none", kind="broken")
        return Parsed(tuple(map(_entry, mappings(results))))


def _entry(filing: Mapping[str, Any]) -> Entry:
    agencies = tuple(agency_names(filing.get("agencies")))
    planned = text(filing.get("publication_date"))
    facts = {
        "document_number": text(filing.get("document_number")),
        "type": text(filing.get("type")),
        "agencies": "; ".join(agencies),
        "docket": "; ".join(texts(filing.get("docket_numbers"))),
        "filing": text(filing.get("filing_type")),
        "planned_for": planned,
    }
    return Entry(
        guid=facts["document_number"],
        url=address(filing.get("html_url")) or address(filing.get("pdf_url")).partition("?")[0],
        title=text(filing.get("title")),
        summary="\n\n".join(_said(filing)),
        published=text(filing.get("filed_at")) or planned,
        authors=agencies,
        facts=named(facts),
    )


def _said(filing: Mapping[str, Any]) -> list[str]:
    """Gather what stands in place of an abstract: lines of the table of contents, and the editors' note."""
    title = text(filing.get("title"))
    lines = dict.fromkeys(text(filing.get(name)) for name in (*_SUBJECTS, "editorial_note"))
    return [line for line in lines if line and line != title]


SOURCE: Source = PublicInspection()
