"""Feeds as outlets would write them, from plain items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

START = datetime(2023, 10, 5, 9, 0, tzinfo=UTC)  # in the past of any machine: dates in the future are not believed


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a feed."""

    title: str
    link: str
    summary: str = ""
    published: datetime | None = START  # None: the feed gives no date


def tps_item(number: int, *, outlet: str = "uscis") -> Item:
    """Write an item that the topic `tps` matches; no two share anything by which they would be one."""
    return Item(
        f"Temporary Protected Status notice number {number}",
        f"https://{outlet}.example/news/{number}",
        f"The Department gave notice number {number} on the Temporary Protected Status of a country.",
        START + timedelta(minutes=number),
    )


def rss(outlet: str, items: Iterable[Item]) -> str:
    """Write an RSS 2.0 feed, the items in the order given."""
    body = "".join(
        f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link><guid>{escape(item.link)}</guid>"
        f"<description>{escape(item.summary)}</description>{_date(item.published)}</item>"
        for item in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{escape(outlet)}</title>{body}</channel></rss>'


def _date(at: datetime | None) -> str:
    return f"<pubDate>{format_datetime(at)}</pubDate>" if at else ""
