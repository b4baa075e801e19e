"""News rooms that have no feed: a web page that lists items, each with a title, a link and, mostly, a date.

What stands where is said in `select`, as `bot.core.selectors` reads it, each but `item` within one item:

    item       one row of the list; without it every dated link of the page is an item
    title      its headline; by default its first link
    link       its address; by default its first link's. A row that has none goes by the page and a fragment
    date       its date; by default `time@datetime`. Failing that, one in the address. `none` takes none from anywhere
    summary    what is said of it; all places that are found count. `+` is what stands between it and the next item:
               the first part of that is the summary, all of it the content
    type, docket, citation    facts of their own. Docket and date name an item: its file may be replaced by another
    match      no selector: a regular expression that the path of a link must fit, else it is no item
    next       the further page; by default what calls itself so. Followed on the same host only

Where the date was found is kept as the fact `date_from`: `listing` (an attribute, written for machines), `text`, `url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from bot.core.dates import read_date
from bot.core.days import days_in
from bot.core.intake import DECISION, NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.core.terms import normalize
from bot.errors import ParseError
from bot.markup import Element, absolute, base_of, drop, first, read_page, select, text_of, texts
from bot.ports import Source

_LINK = "a[href]"
_STAMP = "time@datetime"
_AFTER = "+"
_NO_DATE = "none"
_FACTS = ("type", "docket", "citation")
_SHORT_DAY = re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{2})\b")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_IN_PATH = (
    re.compile(r"(?P<year>(?:19|20)\d{2})([/_-])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>20\d{2})(?P<month>[01]\d)(?P<day>[0-3]\d)(?!\d)"),
)
_IN_WORDS = re.compile(r"(?<![a-z])([a-z]{3,9})-(\d{1,2})-((?:19|20)\d{2})(?!\d)")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 80
_NEXT = (
    "a[rel~='next'], link[rel~='next'], .pager__item--next a, a.next, "
    "a.usa-pagination__next-page, a.wp-block-query-pagination-next"  # of the government's own design, and of WordPress
)
_UP = 6  # elements from a link outwards within which its date may stand
_LINKS_AT_MOST = 3_000


@dataclass(frozen=True, slots=True)
class _Page:
    """What is known of the page as a whole: where it is, and what its links are relative to."""

    url: str
    base: str
    select: Mapping[str, str]


class Listing:
    """The rows of a list, in its own order."""

    def parse(self, response: FeedResponse, hints: Hints = NO_HINTS) -> Parsed:
        """Read all rows; a page without any is a failure (`empty`): news rooms are never empty, rebuilt ones are.

        A table of which nothing but its headings stands there is empty: so a court begins its term.
        """
        root = read_page(response)
        page = _Page(response.url, base_of(root, response.url), hints.select)
        item = hints.select.get("item", "")
        found = _rows(root, item, page) if item else _dated_links(root, page)
        entries = tuple({(entry.guid, entry.url, entry.title): entry for entry in found}.values())
        if not entries and not _is_only_headings(select(root, item) if item else ()):
            raise ParseError("no item of the list is where it should be", kind="empty")
        further = _further(root, page)
        return Parsed(entries, (further,) if further else ())


def _is_only_headings(rows: Sequence[Element]) -> bool:
    return bool(rows) and all(row.tag == "tr" and select(row, "th") and not select(row, "td") for row in rows)


# --- by selectors -------------------------------------------------------------------------------------------------


def _rows(root: Element, item: str, page: _Page) -> Iterator[Entry]:
    for row in select(root, item):
        title = _line(first(row, page.select.get("title") or "a"))
        link = absolute(first(row, page.select.get("link") or f"{_LINK}@href"), page.base)
        if title and _fits(link, page):
            yield _entry(row, title, link, page)


def _entry(row: Element, title: str, link: str, page: _Page) -> Entry:
    date, date_from = _date(row, link, page.select.get("date", ""))
    address = link or _place_on(page.url, f"{date} {title}")
    named = {name: page.select[name] for name in _FACTS if name in page.select}
    facts = {name: said for name, selector in named.items() if (said := _line(first(row, selector)))}
    summary, content = _prose(row, page.select.get("summary", ""))
    return Entry(
        guid=_decision(facts.get("docket", ""), date) or address,
        url=address,
        title=title,
        summary=summary,
        content=content,
        published=date,
        facts={**facts, "date_from": date_from} if date_from else facts,
    )


def _decision(docket: str, date: str) -> str:
    """Name what was decided in a case on a day; "" where either is not known. A year alone is kept as such."""
    read = read_date(date)
    day = read[0].date().isoformat() if read else date
    return f"{DECISION}{docket} {day}" if docket and day else ""


def _fits(link: str, page: _Page) -> bool:
    pattern = page.select.get("match", "")
    return not pattern or (bool(link) and bool(re.search(pattern, urlsplit(link).path)))


def _place_on(url: str, named: str) -> str:
    """Give a row that leads nowhere an address of its own, on its page. Ids of rows often count them, and shift."""
    slug = _NOT_A_WORD.sub("-", normalize(named)).strip("-")[:_LONGEST_SLUG]
    return f"{urldefrag(url).url}#!{slug}"


def _prose(row: Element, selector: str) -> tuple[str, str]:
    """Say what stands where the summary should, and the whole where that is only its beginning, as after a row."""
    if selector == _AFTER:
        parts = list(filter(None, map(text_of, _after(row))))
        return "".join(parts[:1]), "\n\n".join(parts)
    return "\n\n".join(dict.fromkeys(filter(None, texts(row, selector)))) if selector else "", ""


def _after(row: Element) -> Iterator[Element]:
    """Give what follows a row, up to the next one of its kind."""
    for sibling in row.itersiblings():
        if sibling.tag == row.tag:
            return
        yield sibling


def _line(text: str) -> str:
    return " ".join(text.split())


# --- dates --------------------------------------------------------------------------------------------------------


def _date(row: Element, link: str, selector: str) -> tuple[str, str]:
    """Find when, and say where that was found; what the source wrote is kept where it can be read as it is."""
    if selector == _NO_DATE:
        return "", ""
    for said in texts(row, selector or _STAMP):
        if found := _date_in(said):
            return found, "listing" if "@" in (selector or _STAMP) else "text"
    found = _date_in_path(urlsplit(link).path)
    return (found, "url") if found else ("", "")


def _date_in(text: str) -> str:
    """Find a date in a text of one place: whole, as part of it, short as in 6/30/26, or nothing but a year."""
    if read_date(text):
        return _line(text)
    for day in days_in(text):
        return day.on.isoformat()
    if short := _SHORT_DAY.search(text):
        return f"20{short[3]}-{short[1]}-{short[2]}"
    years = _YEAR.findall(text)
    return years[-1] if years else ""


def _date_in_path(path: str) -> str:
    for form in _IN_PATH:
        if found := form.search(path):
            day = f"{found['year']}-{found['month']}-{found['day']}"
            if read_date(day):
                return day
    found = _IN_WORDS.search(path.lower())
    day = f"{found[1]} {found[2]}, {found[3]}" if found else ""
    return day if read_date(day) else ""


# --- without selectors --------------------------------------------------------------------------------------------


def _dated_links(root: Element, page: _Page) -> Iterator[Entry]:
    """Take every link that fits and has a date of its own; what has none is part of the menus."""
    drop(root, "nav, header, footer, script, style")
    wanted: dict[str, list[Element]] = {}
    for anchor in select(root, _LINK)[:_LINKS_AT_MOST]:
        link = absolute(anchor.get("href"), page.base)
        if link and _fits(link, page):
            wanted.setdefault(link, []).append(anchor)
    for link, anchors in wanted.items():
        date, date_from = _date_near(anchors, link, page)
        title = max((_title_of(anchor) for anchor in anchors), key=len)
        if date and title:
            yield Entry(guid=link, url=link, title=title, published=date, facts={"date_from": date_from})


def _title_of(anchor: Element) -> str:
    said = _line(first(anchor, "a"))
    return "" if days_in(said) and len(said) < len("September 30, 2026 00:00") else said


def _date_near(anchors: list[Element], link: str, page: _Page) -> tuple[str, str]:
    """Look outwards from a link for a date, as far as no other item's link is reached; then in its address."""
    for around in list(anchors[-1].iterancestors())[:_UP]:
        leads_to = {absolute(other.get("href"), page.base) for other in select(around, _LINK)}
        if any(there != link and _fits(there, page) for there in leads_to if there):
            break
        if found := next(filter(None, map(_date_in, texts(around, _STAMP))), ""):
            return found, "listing"
    found = _date_in_path(urlsplit(link).path)
    return (found, "url") if found else ("", "")


# --- further pages ------------------------------------------------------------------------------------------------


def _further(root: Element, page: _Page) -> str:
    """The next page's address if it is on this host and another page than this one."""
    selector = page.select.get("next", "")
    hrefs = texts(root, selector if "@" in selector else f"{selector}@href") if selector else _default_next(root)
    for href in hrefs:
        there = absolute(href, page.base)
        if there and urlsplit(there)[:2] == urlsplit(page.url)[:2] and there != page.url:
            return there
    return ""


def _default_next(root: Element) -> Iterator[str]:
    for element in select(root, _NEXT):
        yield element.get("href") or ""


SOURCE: Source = Listing()
