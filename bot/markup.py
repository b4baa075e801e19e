"""HTML as a tree: for kinds of sources that read web pages, in the child process. lxml's only room.

lxml forgives every fault of markup; what it may cost on hostile input is bounded by the job's limits.
"""

from __future__ import annotations

from lxml import etree, html


def read_html(body: bytes, charset: str = "") -> html.HtmlElement:
    """Read a page; raise `ValueError` where there is nothing in it. `charset` is what its headers say, if anything."""
    parser = html.HTMLParser(encoding=charset or None, no_network=True, huge_tree=False)
    try:
        root = html.document_fromstring(body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, LookupError) as error:
        raise ValueError("there is no web page in it") from error
    return root
