"""Answers in JSON, field by field: what several kinds of sources share, in the child process.

Nothing of an answer is what it should be until it was looked at: a field that is missing or of another type is empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.core.plain import plain
from bot.errors import ParseError


def read_record(body: bytes, what: str) -> Mapping[str, Any]:
    """Read an answer that is one JSON object; raise `ParseError` that it is not `what` where it is not."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise ParseError("the answer is not JSON", kind="not_a_feed") from error
    if not isinstance(answer, Mapping):
        raise ParseError(f"the answer is not {what}", kind="not_a_feed")
    return answer


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Take those items of a list that are objects."""
    return [item for item in sequence(value) if isinstance(item, Mapping)]


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def address(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def text(value: object) -> str:
    """Take a text as plain text: a few abstracts have markup in them, NO<INF>X</INF>."""
    return plain(value) if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    return [found for item in sequence(value) if (found := text(item))]


def named(facts: Mapping[str, str]) -> dict[str, str]:
    """Leave out the facts that say nothing."""
    return {name: value for name, value in facts.items() if value}


def agency_names(value: object) -> list[str]:
    """Name the agencies of a Federal Register document; a few have only the name that it printed."""
    found = (text(agency.get("name")) or text(agency.get("raw_name")) for agency in mappings(value))
    return [name for name in found if name]
