"""The Federal Register's documents API: `…/api/v1/documents.json?…&order=newest`.

Its silent traps, and what is done about each:

* `results` and `total_pages` are missing where nothing matches: an empty day, not an error.
* `page` above 50, or beyond the 10,000th document, quietly becomes page 1 again. Further pages are taken from
  `next_page_url` as given (it carries a cursor that cannot be built), but only the next page by number, on the same
  host, and never so far. So neither a wrong link nor a circle leads anywhere.
* `page_views`, and the time stamp in `public_inspection_pdf_url`, change by themselves: both are left out.

Whether a further page is worth a request is for the poll to decide: it stops where it has seen everything before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.ports import Source
from bot.records import address, agency_names, mappings, named, read_record, text, texts

PAGES_AT_MOST = 50
DOCUMENTS_AT_MOST = 10_000

_NUMBER = re.compile("[0-9]{1,5}")
_WITH_TEXT = "Presidential Document"  # few, without abstracts, and always worth reading whole
_SAME_NAME = ("document_number", "type", "action", "effective_on", "comments_close_on", "dates", "citation")


class FederalRegister:
    """One page of documents, in the API's own order."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read a page; raise `ParseError` where it is none: a "Request Access" page comes with status 200 too."""
        answer = _read(response.body)
        entries = tuple(map(_entry, mappings(answer.get("results"))))
        further = _next_page(answer, response.url, len(entries))
        return Parsed(entries, (further,) if further else ())


def _read(body: bytes) -> Mapping[str, Any]:
    answer = read_record(body, "a list of Federal Register documents")
    if not isinstance(answer.get("count"), int):
        raise ParseError("the answer is not a list of Federal Register documents", kind="not_a_feed")
    if answer["count"] and not isinstance(answer.get("results"), list):
        raise ParseError("the answer counts documents and lists none", kind="broken")
    return answer


def _entry(document: Mapping[str, Any]) -> Entry:
    facts = {name: text(document.get(name)) for name in _SAME_NAME}
    agencies = tuple(agency_names(document.get("agencies")))
    facts |= {"agencies": "; ".join(agencies), "docket": "; ".join(texts(document.get("docket_ids")))}
    facts["cfr"] = "; ".join(_cfr(document))
    if facts["type"] == _WITH_TEXT:
        facts["full_text"] = address(document.get("raw_text_url"))
    abstract = text(document.get("abstract"))
    whole = "\n\n".join(part for part in (abstract, facts["action"], facts["dates"]) if part)
    return Entry(
        guid=facts["document_number"],
        url=address(document.get("html_url")),
        title=text(document.get("title")),
        summary=abstract,
        content="" if whole == abstract else whole,
        published=text(document.get("publication_date")),
        authors=agencies,
        tags=tuple(texts(document.get("topics"))),
        facts=named(facts),
    )


def _cfr(document: Mapping[str, Any]) -> Iterator[str]:
    """Cite the changed parts of the Code of Federal Regulations: "8 CFR 214"."""
    for part in mappings(document.get("cfr_references")):
        if part.get("title"):
            yield f"{part['title']} CFR {part.get('part') or ''}".strip()


def _next_page(answer: Mapping[str, Any], here: str, entries: int) -> str:
    """The next page's address if it is one, else nothing."""
    there = address(answer.get("next_page_url"))
    following, total = _page(there), answer.get("total_pages")
    is_next = bool(there) and entries > 0 and following == _page(here) + 1 and _place(there) == _place(here)
    is_real = isinstance(total, int) and following <= min(total, PAGES_AT_MOST)
    return there if is_next and is_real and following * entries <= DOCUMENTS_AT_MOST else ""


def _page(url: str) -> int:
    """The page number in a URL. The first page has none, and what has several or nonsense is no page (-1)."""
    try:
        numbers = parse_qs(urlsplit(url).query).get("page", ["1"])
    except ValueError:
        return -1
    return int(numbers[0]) if len(numbers) == 1 and _NUMBER.fullmatch(numbers[0]) else -1


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


SOURCE: Source = FederalRegister()
