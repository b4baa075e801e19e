"""What goes between daemon, zygote and job: lines of JSON, never pickles, and bodies whose size is said before.

    daemon → zygote   {kind, hints, source_id, url, status, headers, fetched_at, size} ⏎ body
    zygote → daemon   {size, stopped} ⏎ lines of the job
    job → zygote      {entry} ⏎ … {more_urls, spans} ⏎   or   {error, sentence} ⏎

The last line of a job says that it came to its end. Where it is missing, `stopped` says why.
The daemon believes nothing of it: a job may be in the hands of whoever wrote the feed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.intake import Entry, FeedResponse, Hints, Parsed
from bot.errors import KINDS, ParseError

READY = b"ready\n"
ENTRIES_AT_MOST = 5_000

# Characters of a field that go on; longer ones are cut. Real ones stay far below: titles in the Federal Register
# reach 1,500 characters, articles 50,000.
_AT_MOST = {"title": 4_000, "summary": 100_000, "content": 100_000, "guid": 2_000, "url": 8_000}
_AT_MOST_ELSE = 2_000
_NAMES_AT_MOST = 100
_SENTENCE_AT_MOST = 300
_SPAN_AT_MOST = 64
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TEXTS = ("guid", "url", "title", "summary", "content", "published", "updated")


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one job may use: processor and real time in seconds, memory and output in bytes.

    A zygote that says nothing for `grace` seconds beyond the real time counts as hung itself.
    """

    cpu: int = 10
    wall: int = 60
    grace: int = 5
    memory: int = 320 * 1024 * 1024
    output: int = 16 * 1024 * 1024


def encode_request(kind: str, response: FeedResponse, hints: Hints) -> bytes:
    head = {
        "kind": kind,
        "hints": {"select": dict(hints.select), "only": dict(hints.only), "known": sorted(hints.known)},
        "source_id": response.source_id,
        "url": response.url,
        "status": response.status,
        "headers": dict(response.headers),
        "fetched_at": response.fetched_at.isoformat(),
        "size": len(response.body),
    }
    return _line(head) + response.body


def decode_request(head: bytes, read: Callable[[int], bytes]) -> tuple[str, FeedResponse, Hints]:
    """Return kind, response and hints. The daemon wrote this, so it is what it should be."""
    fields = json.loads(head)
    kind, size, said = fields.pop("kind"), fields.pop("size"), fields.pop("hints")
    hints = Hints(**{**said, "known": frozenset(said["known"])})
    fetched_at = datetime.fromisoformat(fields.pop("fetched_at"))
    return kind, FeedResponse(**fields, fetched_at=fetched_at, body=read(size)), hints


def encode_answer(lines: bytes, stopped: str) -> bytes:
    return _line({"size": len(lines), "stopped": stopped}) + lines


def decode_answer_head(head: bytes) -> tuple[int, str]:
    fields = json.loads(head)
    return fields["size"], fields["stopped"]


def encode_parsed(parsed: Parsed) -> bytes:
    """Write a job's good result, every field bounded and fit to be stored."""
    if len(parsed.entries) > ENTRIES_AT_MOST:
        raise ParseError(f"there are more than {ENTRIES_AT_MOST:,} entries", kind="parse_limit")
    end = {"more_urls": _bounded_all(parsed.more_urls, 8_000), "spans": list(parsed.spans)}
    return b"".join([*map(_encode_entry, parsed.entries), _line(end)])


def encode_error(error: ParseError) -> bytes:
    return _line({"error": error.kind, "sentence": str(error)[:_SENTENCE_AT_MOST]})


def decode_entry(line: bytes) -> Entry:
    """Read one entry; raise `ValueError`, `TypeError`, `KeyError` or `RecursionError` where it is none."""
    fields = _mapping(json.loads(line))
    return Entry(
        **{name: _text(fields[name]) for name in _TEXTS},
        authors=_texts(fields["authors"]),
        tags=_texts(fields["tags"]),
        facts={_text(name): _text(value) for name, value in _mapping(fields["facts"]).items()},
    )


def decode_end(line: bytes) -> tuple[str, ...] | ParseError:
    """Read a job's last line: further addresses, or the error. Raises like `decode_entry`."""
    fields = _mapping(json.loads(line))
    if "error" in fields:
        kind = _text(fields["error"])
        return ParseError(_text(fields["sentence"])[:_SENTENCE_AT_MOST], kind=kind if kind in KINDS else "broken")
    return _texts(fields["more_urls"])


def decode_spans(line: bytes) -> tuple[str, ...]:
    """Read from a job's last line what the entries of the list are called. Raises like `decode_entry`."""
    spans = _texts(_mapping(json.loads(line)).get("spans", []))
    if len(spans) > ENTRIES_AT_MOST or any(len(span) > _SPAN_AT_MOST for span in spans):
        raise ValueError("no such names were given out")
    return spans


def _encode_entry(entry: Entry) -> bytes:
    fields: dict[str, object] = {name: _bounded(getattr(entry, name), _AT_MOST.get(name)) for name in _TEXTS}
    facts = {name: _bounded(value) for name, value in list(entry.facts.items())[:_NAMES_AT_MOST]}
    return _line({**fields, "authors": _bounded_all(entry.authors), "tags": _bounded_all(entry.tags), "facts": facts})


def _bounded(text: str, at_most: int | None = None) -> str:
    return _UNSTORABLE.sub("", text[: at_most or _AT_MOST_ELSE])


def _bounded_all(texts: Iterable[str], at_most: int | None = None) -> list[str]:
    return [_bounded(text, at_most) for text in list(texts)[:_NAMES_AT_MOST]]


def _line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"


def _text(value: object) -> str:
    if not isinstance(value, str) or _UNSTORABLE.search(value):
        raise TypeError("a text was expected")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return tuple(map(_text, value))


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object was expected")
    return value
