"""What a site of the catalogue shows at a moment: its items, written as its kind and its selectors want them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from urllib.parse import urlsplit

from bot.core.intake import SourceSpec

SHOWN = 12  # items in a list at any moment
_CLASSES = re.compile(r"\.([\w-]+)")
_ATTRIBUTE = re.compile(r"\[(\w+)\*=['\"]?([^'\"\]]+)")
_TAG = re.compile(r"^[a-z][a-z0-9]*")


@dataclass(frozen=True, slots=True)
class Said:
    """One item as a site says it. `path` is where its text stands."""

    title: str
    text: str
    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Newsroom:
    """One source's site: an old stock, and new items every so often, of which each third is about the subject."""

    source: SourceSpec
    opened_at: datetime
    first: timedelta
    every: timedelta
    series: int = 0
    two_digit_years: bool = False
    constant_date: str = ""

    def items(self, now: datetime) -> list[Said]:
        """List what is shown at a moment, the newest first."""
        begun = self.opened_at + self.first
        count = 0 if now < begun else 1 + int((now - begun) / self.every)
        new = [self._item(number, begun + number * self.every) for number in range(max(0, count - SHOWN), count)]
        old = [self._item(-number, self.opened_at - number * timedelta(hours=20)) for number in range(1, SHOWN + 1)]
        return [*reversed(new), *old][:SHOWN]

    def on_subject(self, now: datetime) -> list[Said]:
        """List everything about the subject that came after the opening, the oldest first."""
        begun, found = self.opened_at + self.first, []
        while begun + len(found) * 3 * self.every <= now:
            number = 3 * len(found)
            found.append(self._item(number, begun + number * self.every))
        return found

    def body(self, now: datetime) -> tuple[str, bytes]:
        """Write the list as its kind is read: media type and bytes."""
        media, write = WRITERS.get(self.source.kind, WRITERS["feed"])
        return media, write(self, self.items(now)).encode()

    def article(self, path: str, now: datetime) -> bytes | None:
        """Write the page of one item."""
        said = next((said for said in self.items(now) if said.path == path), None)
        if said is None:
            return None
        page = f"<h1>{escape(said.title)}</h1><p>{escape(said.text)}</p>"
        return f"<!doctype html><html><body><main>{page}</main></body></html>".encode()

    def _item(self, number: int, at: datetime) -> Said:
        name = f"{'item' if number >= 0 else 'old'} {abs(number)} of {self.source.id}"
        about = "the Temporary Protected Status of a country" if number % 3 == 0 and number >= 0 else "an office fire"
        path = f"/news/{'n' if number >= 0 else 'o'}{abs(number)}-{self.source.id}"
        return Said(f"{name.capitalize()} on {about}", f"The office gave notice, as {name}, of {about}.", path, at)

    def date(self, at: datetime) -> str:
        if self.two_digit_years:
            return at.strftime("%a, %d %b %y %H:%M:%S +0000")
        return self.constant_date or format_datetime(at)


def _rss(room: Newsroom, items: Sequence[Said]) -> str:
    site = _site(room)
    there = "" if "article" in room.source.select else site  # what is read has to be at this port
    body = "".join(
        f"<item><title>{escape(said.title)}</title><link>{there}{said.path}</link><guid>{site}{said.path}</guid>"
        f"<description>{escape(said.text)}</description><pubDate>{room.date(said.at)}</pubDate></item>"
        for said in items
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>News</title>{body}</channel></rss>"


def _docket(room: Newsroom, items: Sequence[Said]) -> str:
    """Write what a court lists: entries of cases, none of which anybody follows."""
    return _rss(room, [replace(said, title=f"9:99-cv-{at:05} {said.title}") for at, said in enumerate(items, 1)])


def _listing(room: Newsroom, items: Sequence[Said]) -> str:
    rows = "".join(_row(room, said) for said in items)
    return f"<!doctype html><html><head><title>News</title></head><body><main>{rows}</main></body></html>"


def _row(room: Newsroom, said: Said) -> str:
    select = room.source.select
    if "nth-child" in select.get("title", ""):
        return _table_row(said)
    day = room.constant_date or said.at.date().isoformat()
    path = _fitting_path(select, said)
    link, date = select.get("link", "").partition("@")[0], select.get("date", "").partition("@")[0]
    date = "time" if date == "none" else date  # what is not to be taken stands there
    title = select.get("title", "a")
    parts = _element(title, said.title, {"href": path})
    if link and link != title:
        parts += _element(link, "More", {"href": path})
    if date:
        parts += _element(date, day, {"datetime": day})
    if "summary" in select:
        parts += _element(select["summary"], said.text, {})
    return _element(select.get("item", "li"), parts, {}, is_markup=True)


def _table_row(said: Said) -> str:
    """Write one opinion as its court lists them: number, day, docket, name, justice, citation."""
    number = re.sub(r"\D", "", said.path)
    name = f'<a href="/opinions/25pdf/{said.path.rpartition("/")[2]}.pdf">{escape(said.title)}</a>'
    cells = (number, f"{said.at.month}/{said.at.day}/{said.at:%y}", f"25-{number}", name, "K", f"607 U. S. {number}")
    return f'<table class="table-bordered"><tr>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr></table>'


def _fitting_path(select: Mapping[str, str], said: Said) -> str:
    """Stand where the selectors look for links."""
    asked = _ATTRIBUTE.search(select.get("link", ""))
    return f"{asked[2]}{said.path.rpartition('/')[2]}" if asked else said.path


def _element(css: str, content: str, attributes: Mapping[str, str], *, is_markup: bool = False) -> str:
    """Write elements that a selector finds: `div.row .title a` is three of them, one in the other."""
    opened, closed = "", ""
    steps = css.split(",", maxsplit=1)[0].replace(">", " ").split() or ["div"]
    for number, step in enumerate(steps, 1):
        tag = found[0] if (found := _TAG.match(step)) else "div"
        classes = " ".join(_CLASSES.findall(step.partition("[")[0]))
        said = dict(attributes) if number == len(steps) else {}
        marked = "".join(f' {name}="{escape(value)}"' for name, value in said.items())
        opened += f'<{tag} class="{classes}"{marked}>'
        closed = f"</{tag}>{closed}"
    return f"{opened}{content if is_markup else escape(content)}{closed}"


def _page(room: Newsroom, items: Sequence[Said]) -> str:
    sections = "".join(f"<h2>{escape(said.title)}</h2><p>{escape(said.text)}</p>" for said in reversed(items[:6]))
    head = f"<h1>{escape(room.source.name)}</h1><p>What holds now.</p>"
    return f"<!doctype html><html><body><nav>Menu</nav><main>{head}{sections}</main></body></html>"


def _sitemap(room: Newsroom, items: Sequence[Said]) -> str:
    site = _site(room)
    urls = "".join(
        f"<url><loc>{site}{said.path}</loc><news:news><news:publication_date>{said.at.isoformat()}"
        f"</news:publication_date><news:title>{escape(said.title)}</news:title></news:news></url>"
        for said in items
    )
    spaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    )
    return f"<?xml version='1.0' encoding='UTF-8'?><urlset {spaces}>{urls}</urlset>"


def _register(room: Newsroom, items: Sequence[Said]) -> str:
    results = [
        {
            "document_number": _number(room, said),
            "title": said.title,
            "type": "Notice",
            "abstract": said.text,
            "html_url": f"https://www.federalregister.gov/documents/{said.at:%Y/%m/%d}/{_number(room, said)}/a-notice",
            "publication_date": said.at.date().isoformat(),
            "agencies": [{"name": "Homeland Security Department"}],
        }
        for said in items
    ]
    return json.dumps({"count": len(results), "total_pages": 1, "results": results})


def _inspection(room: Newsroom, items: Sequence[Said]) -> str:
    results = [
        {
            "document_number": _number(room, said),
            "title": said.title,
            "type": "Notice",
            "filing_type": "special",
            "filed_at": said.at.isoformat(),
            "html_url": f"https://www.federalregister.gov/public-inspection/{_number(room, said)}/a-notice",
            "publication_date": (said.at.date() + timedelta(days=1)).isoformat(),
            "agencies": [{"name": "Homeland Security Department"}],
        }
        for said in items
    ]
    stamp = items[0].at.isoformat()
    return json.dumps(
        {
            "count": len(results),
            "results": results,
            "special_filings_updated_at": stamp,
            "regular_filings_updated_at": stamp,
        }
    )


def _number(room: Newsroom, said: Said) -> str:
    """Number a document as no other source's: which newsroom, whether new, and which item."""
    item = int(re.sub(r"^\D*|-.*$", "", said.path.removeprefix("/news/")))
    return f"2026-{5 if said.path.startswith('/news/n') else 7}{room.series:02}{item:02}"


def _site(room: Newsroom) -> str:
    parts = urlsplit(room.source.url)
    return f"{parts.scheme}://{parts.netloc}"


WRITERS: dict[str, tuple[str, Callable[[Newsroom, Sequence[Said]], str]]] = {
    "feed": ("application/rss+xml", _rss),
    "docket": ("application/rss+xml", _docket),
    "listing": ("text/html; charset=utf-8", _listing),
    "page": ("text/html; charset=utf-8", _page),
    "sitemap": ("application/xml", _sitemap),
    "federal_register": ("application/json", _register),
    "public_inspection": ("application/json", _inspection),
}
