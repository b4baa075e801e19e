"""What can go wrong between a bot and Telegram, once each: an answer, a lost answer, rubbish, silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    ANSWER = "answer"  # refuse with a status and a body, whatever was asked
    DROP_BEFORE = "drop before accepting"  # read the request, hang up
    DROP_AFTER = "drop after accepting"  # carry it out, hang up
    CUT = "cut the answer"  # carry it out, send half of the answer
    GARBAGE = "garbage"  # carry it out, answer 200 with what is no JSON
    HANG = "hang"  # carry it out, answer never


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, for one request."""

    kind: Kind
    status: int = 0
    body: bytes = b""

    @property
    def accepts(self) -> bool:
        """Tell whether the request is carried out although its answer is lost."""
        return self.kind not in {Kind.ANSWER, Kind.DROP_BEFORE}


def answer(status: int, body: str | Mapping[str, object]) -> Fault:
    """Refuse with these words; a string that is no JSON is sent as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Fault(Kind.ANSWER, status, text.encode())


def refusal(status: int, description: str, **parameters: int) -> Fault:
    """Refuse as the Bot API does."""
    body: dict[str, object] = {"ok": False, "error_code": status, "description": description}
    return answer(status, body | ({"parameters": parameters} if parameters else {}))
