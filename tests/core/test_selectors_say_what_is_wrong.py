from __future__ import annotations

import pytest

from bot.core.selectors import Selector, read_selector, why_wrong


def test_a_selector_may_name_an_attribute() -> None:
    assert read_selector(" h3 a@href ") == Selector(read_selector("h3 a").path, "href")
    assert read_selector("a[href*='@']").attribute == ""
    assert read_selector("@data-id") == Selector("self::*", "data-id")


def test_the_row_itself_counts() -> None:
    assert read_selector("a").path.startswith("descendant-or-self::")


@pytest.mark.parametrize("wrong", ["", "@", "a[", "a@", "li >", "a::before", "::", "p:nope", "(" * 5_000])
def test_what_is_none_is_said_in_a_sentence(wrong: str) -> None:
    with pytest.raises(ValueError, match="CSS selector"):
        read_selector(wrong)


@pytest.mark.parametrize(
    ("part", "said", "why"),
    [
        ("title", "h3 a", ""),
        ("summary", "+", ""),
        ("title", "+", "CSS selector"),
        ("match", "^/news/", ""),
        ("match", "(", "no regular expression"),
    ],
)
def test_each_part_is_judged_by_what_it_is(part: str, said: str, why: str) -> None:
    assert bool(why) == bool(why_wrong(part, said))
    assert why in why_wrong(part, said)
