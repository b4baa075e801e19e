"""Values → HTML. Every text is cleaned of control characters and escaped; the templates are fixed files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.core.speech import Card, Reply, Span
from bot.core.text import clean_controls

STATIC = Path(__file__).parent / "static"


def page(template: str, **values: Any) -> str:
    """Fill a whole page."""
    return _ENVIRONMENT.get_template(template).render(values)


def alert_item(item_id: str, number: int, card: Card) -> str:
    """Write an alert as it stands in the conversation."""
    return str(_ITEMS.alert(item_id, number, card))


def exchange_item(item_id: str, said: str, reply: Reply) -> str:
    """Write a typed line and its answer as they stand in the conversation."""
    return str(_ITEMS.exchange(item_id, said, reply))


def notice_item(item_id: str, reply: Reply) -> str:
    """Write what the bot says unasked as it stands in the conversation."""
    return str(_ITEMS.notice(item_id, reply))


def lines(spans: Iterable[Span]) -> list[list[Span]]:
    """Break spans into lines where their text breaks; empty lines fall away."""
    broken: list[list[Span]] = [[]]
    for span in spans:
        for count, text in enumerate(span.text.split("\n")):
            if count:
                broken.append([])
            if text:
                broken[-1].append(replace(span, text=text))
    return [line for line in broken if line]


def web_url(url: str) -> str:
    """Let only web addresses become links."""
    try:
        return url if urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _cleaned(value: object) -> object:
    """Clean text before it is escaped; what a template has already escaped stays."""
    return clean_controls(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_cleaned,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"lines": lines, "web_url": web_url}
_ITEMS: Any = _ENVIRONMENT.get_template("items.html").module
