"""What is kept about a chat, laid out as JSON on pages that a message can hold; each page is whole JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

PAGE_CHARS = 3_000  # one message: Telegram's has 4,096 characters, and 90 lines that are shown as code
_WIDTH = 100


def page_of(kept: Mapping[str, Sequence[Mapping[str, object]]], page: int) -> tuple[str, int, int]:
    """Give one page, with its number and that of the last. A page too far is the last one, and page 0 the first."""
    pages = _paged(kept)
    page = min(max(page, 1), len(pages))
    head = {"page": page, "pages": len(pages)} if len(pages) > 1 else {}
    return _laid_out({**head, **pages[page - 1]}), page, len(pages)


def _paged(kept: Mapping[str, Sequence[Mapping[str, object]]]) -> list[dict[str, list[Mapping[str, object]]]]:
    pages: list[dict[str, list[Mapping[str, object]]]] = [{}]
    room = PAGE_CHARS
    for table, rows in kept.items():
        for row in rows:
            size = len(_laid_out(row)) + len(table)
            if size > room and pages[-1]:
                pages.append({})
                room = PAGE_CHARS
            room -= size
            pages[-1].setdefault(table, []).append(row)
    return pages


def _laid_out(value: Mapping[str, object]) -> str:
    """Write JSON in lines of a readable width; they break between its parts and never within a text."""
    lines = [""]
    for part in json.dumps(value, ensure_ascii=False, indent=1).split("\n"):
        longer = f"{lines[-1]} {part.strip(' ')}".strip(" ")
        if len(longer) > _WIDTH:
            lines.append(part.strip(" "))
        else:
            lines[-1] = longer
    return "\n".join(lines)
