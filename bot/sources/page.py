"""One page that is watched for change: each part of it under a heading becomes an entry.

    select.region   the part of the page that counts; by default its main part, and a page without one is none of ours
    select.drop     what in it does not: counters, menus, related links; added to what never counts

Only words that people see are taken, so markup, scripts, addresses and their one-time numbers change nothing. A table
is written row by row, each cell with the heading of its column, so that a row can be read by itself. What changed is
for `bot.core.pages` to say, which knows what the page said before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import urldefrag, urlsplit

from bot.core.days import days_in
from bot.core.difference import CELL
from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.core.pages import MOST_TEXT
from bot.errors import ParseError
from bot.markup import Element, drop, first, read_page, select, text_of
from bot.ports import Source

# Where the subject of a page is, by the elements and names that publishing systems give it; the first that is there.
_REGIONS = ("main", "[role=main]", "#main-content", "#maincontent", "#content", "article")
_NOISE = (
    "script, style, noscript, template, nav, header, footer, aside, form, button, iframe, svg, dialog, [hidden],"
    "[aria-hidden=true], [role=navigation], [role=search], [role=banner], [role=contentinfo], .visually-hidden,"
    ".sr-only, .breadcrumb, .breadcrumbs, .pager, .pagination, .share, .social-share, .addtoany"
)
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_MOST_OF_ONE = 100_000  # characters of a section: what is longer would be cut on its way to the daemon
_UPDATED = re.compile(
    r"[^\n]{0,40}\b(?:last\s+(?:reviewed|updated|modified|published)|(?:date|page)\s+(?:modified|updated)"
    r"|(?:última|ultima)\s+(?:revisión|actualización|modificación|revision|actualizacion|modificacion))"
    r"\b[^\n]{0,60}",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")


class Page:
    """A page as its sections, in its own order."""

    def parse(self, response: FeedResponse, hints: Hints = NO_HINTS) -> Parsed:
        """Read the sections; raise `ParseError` where it is no whole page, or has nothing to watch."""
        root = read_page(response)
        updated = _updated(text_of(root), response.url)
        title = first(root, "title") or urlsplit(response.url).netloc
        region = _region(root, hints.select.get("region", ""))
        drop(region, _NOISE)
        if noise := hints.select.get("drop"):
            drop(region, noise)
        for table in select(region, "table"):
            _write_by_rows(table)
        found = tuple(_sections(region, title, response.url, updated))
        if not found:
            raise ParseError("there is no text where the subject of the page should be", kind="empty")
        _check_size(found)
        return Parsed(found)


def _region(root: Element, selector: str) -> Element:
    for region in [selector] if selector else _REGIONS:
        if found := select(root, region):
            return found[0]
    what = f"the part that select.region names, {selector!r}," if selector else "a main part"
    raise ParseError(f"{what} is not on the page: it was rebuilt, or this is another page", kind="empty")


def _check_size(sections: Sequence[Entry]) -> None:
    sizes = [len(section.content) for section in sections]
    if max(sizes) > _MOST_OF_ONE or sum(sizes) > MOST_TEXT:
        sentence = f"the page has more than {MOST_TEXT:,} characters of text: name a smaller part by select.region"
        raise ParseError(sentence, kind="parse_limit")


# --- when it was changed, as it says itself -----------------------------------------------------------------------


def _updated(text: str, url: str) -> str:
    """Find the page's own date of change. Of days in numbers only American offices' own are read: month first."""
    for line in _UPDATED.finditer(text):
        said = line[0] if urlsplit(url).netloc.endswith(".gov") else _NUMBERS.sub("", line[0])
        for day in days_in(said):
            return day.on.isoformat()
    return ""


# --- sections -----------------------------------------------------------------------------------------------------


def _sections(region: Element, title: str, url: str, updated: str) -> Iterator[Entry]:
    """Cut the region at its headings. What stands before the first one goes by the page's own title."""
    heads = select(region, _HEADINGS)
    marks = [_mark(number) for number, _ in enumerate(heads)]
    names = [(" ".join(text_of(head).split()), _rank(head), _anchor(head)) for head in heads]
    for head, mark in zip(heads, marks, strict=True):
        tail = head.tail
        head.clear()
        head.text, head.tail = mark, tail
    text, _, rest = text_of(region).partition(marks[0]) if marks else (text_of(region), "", "")
    used: Counter[str] = Counter()
    above: list[tuple[int, str]] = []
    for (name, rank, anchor), following in zip([(title, 0, ""), *names], [*marks[1:], "", ""], strict=False):
        above = [(higher, heading) for higher, heading in above if higher < rank]
        path = " › ".join([*(heading for _, heading in above), name])
        if rank:
            above.append((rank, name))
        used[path] += 1
        if said := _said(text):
            guid = path if used[path] == 1 else f"{path} ({used[path]})"
            address = f"{urldefrag(url)[0]}#{anchor}" if anchor else url
            yield Entry(guid=guid, url=address, title=name or title, content=said, updated=updated)
        text, _, rest = rest.partition(following) if following else (rest, "", "")


def _mark(number: int) -> str:
    return f"\ue000{number}\ue001"


def _rank(head: Element) -> int:
    return int(str(head.tag)[1])


def _anchor(head: Element) -> str:
    """Find the name by which an address can lead to a heading."""
    return head.get("id") or first(head, "a[id]@id") or first(head, "a[name]@name")


def _said(text: str) -> str:
    """Leave out the line on when the page was changed, which moves by itself."""
    lines = (line for line in text.strip().split("\n") if not (_UPDATED.fullmatch(line) and days_in(line)))
    return "\n".join(lines).strip()


# --- tables -------------------------------------------------------------------------------------------------------


def _write_by_rows(table: Element) -> None:
    """Put each row into words of its own, unless the table only lays the page out."""
    if select(table, f"table table, {_HEADINGS}"):
        return
    names: list[str] = []
    for row in select(table, "tr"):
        cells = [child for child in row if child.tag in {"td", "th"}]
        said = [" ".join(text_of(cell).replace("|", "/").split()) for cell in cells]
        if not names and len(cells) > 1 and all(cell.tag == "th" for cell in cells):
            names, said = said, []
        tail = row.tail
        row.clear()
        row.text, row.tail = _row(said, names), tail


def _row(cells: Sequence[str], names: Sequence[str]) -> str:
    headed = [f"{names[at]}: {cell}" if 0 < at < len(names) and names[at] else cell for at, cell in enumerate(cells)]
    return CELL.join(said for said, cell in zip(headed, cells, strict=True) if cell)


SOURCE: Source = Page()
