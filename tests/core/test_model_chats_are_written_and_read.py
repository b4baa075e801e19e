"""A chat as people type it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Chat

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)


@given(st.builds(Chat, WORD, WORD | st.just(""), WORD, WORD | st.just("")))
def test_what_is_written_is_read_back(chat: Chat) -> None:
    assert Chat.parse(str(chat)) == chat


@pytest.mark.parametrize(
    ("text", "chat"),
    [
        ("telegram:-1001234", Chat("telegram", "", "-1001234")),
        (" slack:T1/C0123 ", Chat("slack", "T1", "C0123")),
        ("telegram:-100#5", Chat("telegram", "", "-100", "5")),
    ],
)
def test_a_chat_is_read(text: str, chat: Chat) -> None:
    assert Chat.parse(text) == chat


@pytest.mark.parametrize("text", ["", "telegram", "telegram:", ":5", "slack:/C1", "slack:T1/", "telegram:#5"])
def test_what_is_no_chat_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a chat\. Write PLATFORM:ID"):
        Chat.parse(text)
