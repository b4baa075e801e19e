"""Before a filter is saved, people read how it was understood."""

from __future__ import annotations

import pytest

from bot.core.query import describe, parse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tps", 'any form of "tps"'),
        (
            'tps (haiti OR venezuela) -"fee schedule"',
            'any form of "tps" and ("haiti" or "venezuela"), without the phrase "fee schedule"',
        ),
        ("a b OR c", '(any form of "a" and "b") or "c"'),
        ("a (b OR c)", 'any form of "a" and ("b" or "c")'),
        ("deport* -x -(y z)", 'words that begin with "deport", without any form of "x" and without ("y" and "z")'),
        ("#perm OR visa", 'exactly "perm" or any form of "visa"'),
        ("a OR b BUT NOT c OR d", '(any form of "a" or "b"), without ("c" or "d")'),
        ("title:asylum topic:tps", 'any form of "asylum" in the title and the topic tps'),
        ("title:(asylum OR parole)", '(any form of "asylum" or "parole") in the title'),
        ("a (b OR NOT c)", 'any form of "a" and ("b" or not "c")'),
        ("NOT (NOT a NOT b)", 'not (anything, without any form of "a" and without "b")'),
        ('"due process" OR topic:daca', 'the phrase "due process" or the topic daca'),
    ],
)
def test_a_query_is_said_in_words(text: str, said: str) -> None:
    assert describe(parse(text)) == said
