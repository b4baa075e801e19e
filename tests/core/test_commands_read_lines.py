"""One grammar for everything that people type or press."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import read_line


@pytest.mark.parametrize(
    ("line", "verb", "args"),
    [
        ("follow tps", "follow", ("tps",)),
        ("  /Follow   TPS  Venezuela ", "follow", ("TPS", "Venezuela")),
        ("/follow@some_bot tps", "follow", ("tps",)),
        ("/policybell follow tps", "follow", ("tps",)),
        ("/policybell", "", ()),
        ("/policybelled", "policybelled", ()),
        ("1|unfollow all yes", "unfollow", ("all", "yes")),
        ("1|/follow tps", "follow", ("tps",)),
        ("0|follow tps", "0|follow", ("tps",)),
        ("", "", ()),
        (" \n ", "", ()),
        ("/", "", ()),
        ("?", "?", ()),
        ('follow tps "work permit"', "follow", ("tps", '"work permit"')),
        ("follow tps “work permit”", "follow", ("tps", '"work permit"')),
        ('follow tps "work permit', "follow", ("tps", '"work permit')),
        ('follow tps"work permit"x', "follow", ("tps", '"work permit"', "x")),
        ('search tps -"fee rule"', "search", ("tps", '-"fee rule"')),
        ('search -title:"fee rule"', "search", ('-title:"fee rule"',)),
        ("why https://newsroom.example/a?b=1@c", "why", ("https://newsroom.example/a?b=1@c",)),
        ("follow\ntps\tvenezuela", "follow", ("tps", "venezuela")),
    ],
)
def test_a_line_becomes_a_verb_and_words(line, verb, args):
    assert read_line(line) == (verb, args)


@given(st.text(max_size=60))
def test_any_line_is_read_and_reading_again_changes_nothing(line):
    verb, args = read_line(line)
    assert verb == verb.lower()
    assert not any(word.isspace() or not word for word in args)
    if verb and "/" not in verb and "|" not in verb:
        assert read_line(" ".join(("x", *args))) == ("x", args)
