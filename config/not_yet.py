"""Settings that are part of the contract and that nothing obeys yet.

They are accepted, reported in words and ignored, so that a file written for a later release is no error in this one.
A line leaves this module on the day something obeys its key.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

_GROUPING = "reports of one story are not grouped yet"
_BURSTS = "bursts are not bundled yet; every alert is sent by itself"
_WEBHOOKS = "Telegram is read by long polling only"
_PAGES = "the web serves the chat and the health checks only"

# A name stands for itself and for everything under it; `[]` is any item of a list.
NOT_YET: dict[str, str] = {
    "match.default_operator": "two words side by side always mean AND",
    "match.max_query_chars": "the length of filters is fixed",
    "match.warn_per_day": "the number of alerts a filter makes is not forecast yet",
    "match.refuse_now_per_day": "the number of alerts a filter makes is not forecast yet",
    "match.preview_days": "filters are not tried on the archive yet",
    "match.story_window": _GROUPING,
    "delivery.burst_limit": _BURSTS,
    "delivery.burst_window": _BURSTS,
    "telegram.mode": _WEBHOOKS,
    "telegram.webhook_url": _WEBHOOKS,
    "telegram.admins_only": "in groups only admins may change things",
    "web.public_pages": _PAGES,
    "web.base_url": _PAGES,
    "web.admin_token": "the web listens on this machine only so far",
    "sources[].relevance": "topics and filters alone decide so far",
    "topics[].name.es": "Policybell speaks English only so far",
    "topics[].group": "topics stand in one list so far",
    "topics[].tiers": "documents are not told apart by tier yet",
}

# Values that wait for their day although something obeys their key.
VALUES_NOT_YET: dict[tuple[str, object], str] = {
    ("bot.language", "es"): "Policybell speaks English only so far",
}

# Checked and kept although nothing obeys them: they say what a source is, and the catalogue already knows it.
_KEPT = frozenset({"sources[].relevance"})

KINDS_NOT_YET: dict[str, str] = {}  # all that the catalogue names are read


def take_out(tree: MutableMapping[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    """Remove every such key from `tree`; yield (path, why) for each, the path with its real indexes."""
    for key, value in list(tree.items()):
        path = f"{under}.{key}" if under else key
        if why := _why(path, value):
            if _pattern(path) not in _KEPT:
                del tree[key]
            yield path, why
        elif isinstance(value, MutableMapping):
            yield from take_out(value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, MutableMapping):
                    yield from take_out(item, f"{path}[{index}]")


def _why(path: str, value: object) -> str | None:
    """Say why a key or this value of it waits for its day; None: it does not."""
    key = _pattern(path)
    return NOT_YET.get(key) or (VALUES_NOT_YET.get((key, value)) if isinstance(value, str) else None)


def keys_of(section: str) -> tuple[str, ...]:
    """Return the keys of one section that nothing obeys yet; a whole section of such keys has no model."""
    return tuple(path.partition(".")[2] for path in NOT_YET if path.partition(".")[0] == section)


def _pattern(path: str) -> str:
    head, bracket, rest = path.partition("[")
    return f"{head}[]{rest.partition(']')[2]}" if bracket else path
