"""The text of one article, which a list named and only summed up. Read in a job of its own; no kind of source.

Where it stands on the page is said by `select.article`; the Federal Register's own text form is one block of it;
elsewhere trafilatura finds it, in the quick way that falls back on nothing.
"""

from __future__ import annotations

import re

from trafilatura import extract

from bot.core.intake import NO_HINTS, Entry, FeedResponse, Hints, Parsed
from bot.errors import ParseError
from bot.markup import Element, drop, read_page, select, text_of
from bot.ports import Source

_NOISE = "nav, header, footer, aside, form, script, style"
_AUTO = "auto"
_BLANK_LINE = re.compile(r"\n\s*\n")


class Article:
    """One entry without a title, whose content is the text."""

    def parse(self, response: FeedResponse, hints: Hints = NO_HINTS) -> Parsed:
        """Read the text; raise `ParseError` where there is none."""
        text = _text(read_page(response), response.body, hints.select.get("article", ""))
        if not text:
            raise ParseError("there is no text where the article should be", kind="empty")
        return Parsed((Entry(content=text),))


def _text(root: Element, body: bytes, selector: str) -> str:
    if selector and selector != _AUTO:
        return _at(root, selector)
    if blocks := select(root, "body > pre"):
        return "\n\n".join(" ".join(part.split()) for part in _BLANK_LINE.split(blocks[0].text_content())).strip()
    return extract(body, fast=True, include_comments=False) or ""


def _at(root: Element, selector: str) -> str:
    for found in select(root, selector):
        drop(found, _NOISE)
        return text_of(found)
    return ""


SOURCE: Source = Article()
