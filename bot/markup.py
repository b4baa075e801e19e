"""HTML as a tree: for kinds of sources that read web pages, in the child process. lxml's only room.

lxml forgives every fault of markup; what it may cost on hostile input is bounded by the job's limits. Where something
stands is said as `bot.core.selectors` says it. Text comes out as `bot.core.plain` makes it: with paragraph breaks,
nothing of scripts and styles, no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from bot.core.intake import FeedResponse
from bot.core.plain import plain
from bot.core.selectors import Selector, read_selector
from bot.errors import ParseError

Element: TypeAlias = html.HtmlElement
XmlElement: TypeAlias = etree._Element  # noqa: SLF001 — the only name that lxml gives to its type

_CHARSET = re.compile(r"""charset=["']?([\w.:-]+)""", re.IGNORECASE)
_OPENS = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(!doctype\s+html|[a-z][a-z0-9]*)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML_ROOTS = frozenset({b"rss", b"feed", b"rdf", b"urlset", b"sitemapindex", b"opml", b"xml"})
_ROOT_CLOSES = re.compile(rb"</html\s*>", re.IGNORECASE)
_WEB = frozenset({"http", "https"})
_HEAD = 5_000  # bytes in which a page must begin
_SELECTORS_KEPT = 500


def read_html(body: bytes, content_type: str = "") -> Element:
    """Read a page; raise `ValueError` where there is nothing in it. `content_type` is the header's, if there is one.

    Text that is valid as UTF-8 and not ASCII is never anything else, whatever header and page say.
    """
    parser = html.HTMLParser(encoding=_charset(body, content_type), no_network=True, huge_tree=False)
    try:
        return html.document_fromstring(body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise ValueError("there is no web page in it") from error


def read_page(response: FeedResponse) -> Element:
    """Read a web page that must be whole; raise `ParseError` where it is none, or where its end is missing.

    A page that opens a document has to close it. What is only part of one has to close as many of its first kind of
    element as it opens. HTML allows to leave ends out, and a site that does so cannot be watched: it could not be told
    from one whose pages are cut on the way, and a page that was cut looks like one from which items were removed.
    """
    body = response.body
    opens = _OPENS.match(body, 0, _HEAD)
    name = opens[1].lower() if opens else b""
    if not name or name in _XML_ROOTS:
        raise ParseError("the answer is not a web page", kind="not_a_feed")
    if not _is_whole(body, name):
        raise ParseError("the page is cut off before its end", kind="broken")
    try:
        return read_html(body, response.headers.get("content-type", ""))
    except ValueError as error:
        raise ParseError(str(error), kind="not_a_feed") from error


def read_xml(body: bytes) -> XmlElement:
    """Read XML that must be well-formed; raise `ValueError` where it is not. Entities stay as they are."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError("it is no well-formed XML") from error


def _is_whole(body: bytes, name: bytes) -> bool:
    if name == b"html" or name.startswith(b"!"):
        return bool(_ROOT_CLOSES.search(body))
    opened = re.findall(rb"<" + name + rb"\b", body, re.IGNORECASE)
    return len(opened) <= len(re.findall(rb"</" + name + rb"\s*>", body, re.IGNORECASE))


def read_rows(body: bytes, root: str, row: str) -> Iterator[dict[str, str]]:
    """Read the rows of an XML list, each as the texts of its parts by name, without their namespaces.

    Faults of markup are forgiven, an end that is missing is not: raise `ParseError` there, and where `root` is another
    one. Entities of its own no such list needs: they are left as they stand.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ParseError("the answer is not XML", kind="not_a_feed") from error
    if tree is None or _name(tree) != root:
        raise ParseError(f"the answer is no XML list of the kind <{root}>", kind="not_a_feed")
    if not body.rstrip().endswith(b"</" + str(tree.xpath("name()")).encode() + b">"):
        raise ParseError("the list is cut off before its end", kind="broken")
    for found in tree.iter():
        if _name(found) == row:
            yield {_name(part): (part.text or "").strip() for part in reversed(found)}


def _name(node: etree._Element) -> str:
    """Name an element without its namespace; comments and the like have no name."""
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def select(root: Element, selector: str) -> list[Element]:
    """Find all elements that a selector means, in the order of the page; what it says of attributes is left out."""
    found = _path(_selector(selector).path)(root)
    return [element for element in found if isinstance(element, html.HtmlElement)]


def texts(root: Element, selector: str) -> Iterator[str]:
    """Say what stands at each place that a selector means: text, or the attribute that it names."""
    attribute = _selector(selector).attribute
    for element in select(root, selector):
        yield " ".join((element.get(attribute) or "").split()) if attribute else text_of(element)


def first(root: Element, selector: str) -> str:
    """Say what stands at the first place that a selector means and that says anything; "" where there is none."""
    return next(filter(None, texts(root, selector)), "") if selector else ""


def text_of(element: Element) -> str:
    """Reduce an element to its text, paragraphs parted by a blank line."""
    return plain(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def drop(root: Element, selector: str) -> None:
    """Take all elements out that a selector means, with what is in them; the text after them stays."""
    for element in select(root, selector):
        if element.getparent() is not None:
            element.drop_tree()


def base_of(root: Element, url: str) -> str:
    """Say what the links of a page are relative to: its own address unless it names another on the same host."""
    href = first(root, "base@href")
    there = absolute(href, url) if href else ""
    return there if there and urlsplit(there).netloc == urlsplit(url).netloc else url


def absolute(href: str, base: str) -> str:
    """Write a link out in full; "" where it leads to nothing on the web, or only to another place on the page."""
    try:
        there = urljoin(base, href.strip())
        parts = urlsplit(there)
    except ValueError:
        return ""
    return there if href.strip() and not href.strip().startswith("#") and parts.scheme in _WEB and parts.netloc else ""


def _charset(body: bytes, content_type: str) -> str | None:
    """Settle the encoding where we know it; None leaves it to what the page says of itself."""
    if not body.isascii() and _is(body, "utf-8"):
        return "utf-8"
    said = _CHARSET.search(content_type)
    return said[1] if said and _is_known(said[1]) else None


def _is(body: bytes, charset: str) -> bool:
    try:
        body.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _is_known(charset: str) -> bool:
    try:
        html.HTMLParser(encoding=charset)
    except LookupError:
        return False
    return True


@lru_cache(maxsize=_SELECTORS_KEPT)
def _selector(selector: str) -> Selector:
    return read_selector(selector)


@lru_cache(maxsize=_SELECTORS_KEPT)
def _path(path: str) -> etree.XPath:
    return etree.XPath(path)
