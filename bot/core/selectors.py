"""What settings say of where things stand in a page: a CSS selector, and after an `@` the attribute that is meant.

    h3 a          the first link within a heading, by its text
    h3 a@href     where that link leads
    @id           an attribute of the row itself

The row itself counts as well as what stands in it, so `a@href` is right for a row that is a link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cssselect import HTMLTranslator, SelectorError

_ATTRIBUTE = re.compile(r"(.*)@([A-Za-z][\w:.-]*)", re.DOTALL)
_ITSELF = "self::*"
_PATTERNS = frozenset({"match"})
_WORDS = frozenset({("summary", "+"), ("date", "none"), ("article", "auto")})


@dataclass(frozen=True, slots=True)
class Selector:
    """Where something stands: `path` is XPath; `attribute` names what is wanted of it, "" for its text."""

    path: str
    attribute: str = ""


def read_selector(text: str) -> Selector:
    """Read a selector; raise `ValueError` with a sentence where it is none."""
    found = _ATTRIBUTE.fullmatch(text.strip())
    css, attribute = (found[1].strip(), found[2]) if found else (text.strip(), "")
    if not css:
        if attribute:
            return Selector(_ITSELF, attribute)
        raise ValueError("a CSS selector is needed, and it is empty")
    try:
        return Selector(HTMLTranslator().css_to_xpath(css), attribute)
    except (SelectorError, RecursionError) as error:
        raise ValueError(f"{text!r} is no CSS selector, with or without @attribute") from error


def why_wrong(part: str, said: str) -> str:
    """Say what is wrong with one part of `select`; "" where nothing is. Not every part is a selector."""
    try:
        if part in _PATTERNS:
            re.compile(said)
        elif (part, said) not in _WORDS:
            read_selector(said)
    except ValueError as error:
        return str(error)
    except re.error as error:
        return f"{said!r} is no regular expression: {error}"
    return ""
