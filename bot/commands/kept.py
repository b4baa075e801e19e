"""What is kept about a chat, laid out as JSON on pages that a message can hold; each page is whole JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

PAGE_CHARS = 3_000  # Telegram's message has 4,096, Slack's four messages more


def page_of(kept: Mapping[str, Sequence[Mapping[str, object]]], page: int) -> tuple[str, int, int]:
    """Give one page, with its number and that of the last. A page too far is the last one, and page 0 the first."""
    pages = _paged(kept)
    page = min(max(page, 1), len(pages))
    head = {"page": page, "pages": len(pages)} if len(pages) > 1 else {}
    return json.dumps({**head, **pages[page - 1]}, ensure_ascii=False, indent=1), page, len(pages)


def _paged(kept: Mapping[str, Sequence[Mapping[str, object]]]) -> list[dict[str, list[Mapping[str, object]]]]:
    pages: list[dict[str, list[Mapping[str, object]]]] = [{}]
    room = PAGE_CHARS
    for table, rows in kept.items():
        for row in rows:
            size = len(json.dumps(row, ensure_ascii=False, indent=1)) + len(table)
            if size > room and pages[-1]:
                pages.append({})
                room = PAGE_CHARS
            room -= size
            pages[-1].setdefault(table, []).append(row)
    return pages
