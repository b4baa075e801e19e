"""What comes back from a job may have been written by whoever wrote the feed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.intake import Entry, Parsed
from bot.errors import ParseError
from bot.reading.room import result
from bot.reading.wire import decode_answer_head, encode_answer, encode_error, encode_parsed
from tests.builders import an_entry

END = b'{"more_urls": []}\n'
FIELDS = {"guid": "", "url": "", "title": "", "summary": "", "content": "", "published": "", "updated": ""}
LISTS: Mapping[str, object] = {"authors": [], "tags": [], "facts": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
TEXT = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)
ENTRIES = st.builds(
    Entry,
    **dict.fromkeys(FIELDS, TEXT),
    authors=st.lists(TEXT, max_size=3).map(tuple),
    tags=st.lists(TEXT, max_size=3).map(tuple),
    facts=st.dictionaries(TEXT, TEXT, max_size=3),
)


def decoded(lines: bytes) -> Parsed | ParseError:
    return asyncio.run(result(lines, "it was stopped"))


@given(st.builds(Parsed, st.lists(ENTRIES, max_size=60).map(tuple), st.lists(TEXT, max_size=2).map(tuple)))
def test_what_was_read_comes_back_the_same(parsed: Parsed) -> None:
    assert decoded(encode_parsed(parsed)) == parsed


def test_an_error_comes_back_the_same() -> None:
    error = decoded(encode_error(ParseError("the answer is empty", kind="not_a_feed")))
    assert isinstance(error, ParseError)
    assert (str(error), error.kind) == ("the answer is empty", "not_a_feed")


def test_an_error_of_an_unknown_kind_is_a_short_broken_one() -> None:
    error = decoded(json.dumps({"error": "root", "sentence": "x" * 10_000}).encode() + b"\n")
    assert isinstance(error, ParseError)
    assert (len(str(error)), error.kind) == (300, "broken")


@given(st.dictionaries(st.sampled_from([*FIELDS, *LISTS]), JSON), JSON)
def test_any_other_object_is_refused_or_is_an_entry(changed: dict[str, object], end: object) -> None:
    lines = json.dumps({**FIELDS, **LISTS, **changed}).encode() + b"\n"
    for last in (END, json.dumps(end).encode() + b"\n"):
        parsed = decoded(lines + last)
        assert isinstance(parsed, Parsed | ParseError)
        for entry in parsed.entries if isinstance(parsed, Parsed) else ():
            assert all(isinstance(getattr(entry, name), str) for name in FIELDS)


GOOD = encode_parsed(Parsed((an_entry(1), an_entry(2))))


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"\n",
        b"\n\n\n",
        b"null\n",
        b"[]\n",
        b"\xff\xfe\n",
        END[:-1],
        GOOD[:-1],
        GOOD[:100],
        GOOD + b"more",
        GOOD + GOOD[:50] + b"\n",
        b"[" * 100_000 + b"\n",
        b"[" * 100_000 + b"\n" + END,
        b"{}\n" + END,
        json.dumps({**FIELDS, **LISTS, "title": "\ud800"}).encode() + b"\n" + END,
        json.dumps({**FIELDS, **LISTS, "guid": "a\0b"}).encode() + b"\n" + END,
        (json.dumps({**FIELDS, **LISTS}).encode() + b"\n") * 5_001 + END,
    ],
)
def test_half_a_result_or_rubbish_is_none(lines: bytes) -> None:
    error = decoded(lines)
    assert isinstance(error, ParseError)
    assert (str(error), error.kind) == ("it was stopped", "parse_limit")


MANY = encode_parsed(Parsed(tuple(map(an_entry, range(1_000)))))


def test_the_loop_gets_its_turn_while_many_entries_are_read() -> None:
    async def turns() -> int:
        count, reading = 0, asyncio.create_task(result(MANY, ""))
        while not reading.done():
            await asyncio.sleep(0)
            count += 1
        return count

    assert asyncio.run(turns()) >= 20


def test_the_head_of_an_answer_says_how_much_follows() -> None:
    head, _, lines = encode_answer(GOOD, "stopped: ü\n").partition(b"\n")
    assert decode_answer_head(head) == (len(GOOD), "stopped: ü\n")
    assert lines == GOOD
