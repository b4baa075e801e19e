"""CourtListener's search, version 4: opinions (`type=o`) and dockets (`type=r`), newest first as the address asks.

It answers 401 to more and more anonymous calls, so its sources wait for a token. Of a docket the case is taken and
what it is about, not its parties, lawyers and papers: these name people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.ports import Source
from bot.records import address, mappings, named, read_record, text

SITE = "https://www.courtlistener.com/"
_WHAT = "a list of CourtListener's search"


class CourtListener:
    """One page of a search."""

    def parse(self, response: FeedResponse, _hints: Hints = NO_HINTS) -> Parsed:
        """Read a page; raise `ParseError` where it is none. Whatever is no opinion and no docket is passed over."""
        answer = read_record(response.body, _WHAT)
        count, results = answer.get("count"), answer.get("results")
        if not isinstance(count, int) or not isinstance(results, list | None):
            raise ParseError(f"the answer is not {_WHAT}", kind="not_a_feed")
        if count and not results:
            raise ParseError("the answer counts results and lists none", kind="broken")
        entries = tuple(entry for result in mappings(results) if (entry := _entry(result)))
        further = address(answer.get("next"))
        return Parsed(entries, (further,) if entries and _is_beside(further, response.url) else ())


def _entry(result: Mapping[str, Any]) -> Entry | None:
    opinion, docket = result.get("cluster_id"), result.get("docket_id")
    path = address(result.get("absolute_url")) or address(result.get("docket_absolute_url"))
    case, number = text(result.get("caseName")), text(result.get("docketNumber"))
    if not case or not path or (opinion is None and docket is None):
        return None
    court = text(result.get("court"))
    facts = {
        "type": "Opinion" if opinion is not None else "Court case",
        "court": court,
        "docket": number,
        "status": text(result.get("status")),
    }
    said = (court, number, text(result.get("cause")), text(result.get("suitNature")), *_snippets(result))
    return Entry(
        guid=f"opinion:{opinion}" if opinion is not None else f"docket:{docket}",
        url=urljoin(SITE, path),
        title=f"{case} ({text(result.get('court_citation_string')) or court}, {number})" if number else case,
        summary="\n\n".join(part for part in said if part),
        published=text(result.get("dateFiled")),
        facts=named(facts),
    )


def _snippets(result: Mapping[str, Any]) -> list[str]:
    """Quote the opinions as the search does; the papers of a docket are left alone."""
    return [text(opinion.get("snippet")) for opinion in mappings(result.get("opinions"))]


def _is_beside(there: str, here: str) -> bool:
    try:
        return bool(there) and urlsplit(there)[:3] == urlsplit(here)[:3]
    except ValueError:
        return False


SOURCE: Source = CourtListener()
