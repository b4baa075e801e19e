"""Which sources may be added, and that what a chat adds for itself decides nothing for others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.added import (
    A_CHAT_AT_MOST,
    A_HOST_AT_MOST,
    HOSTS_AT_MOST,
    Added,
    Refusal,
    Wanted,
    is_added,
    is_private,
    why_not,
)
from bot.core.clean import clean
from bot.core.decide import judge
from bot.core.index import Index
from bot.core.intake import Entry, Standing
from bot.core.model import Fingerprint, Past, State
from tests.builders import NOW, a_chat, a_source

ANA = a_chat(1)
HOURLY = timedelta(hours=1)


def own(number: int, url: str = "", chat: int = 1) -> Added:
    return Added(number, "feed", url or f"https://{number}.example.org/feed", "x", a_chat(chat))


def wanted(url: str = "https://new.example.org/feed") -> Wanted:
    return Wanted("feed", url, "x", ANA)


@pytest.mark.parametrize(
    ("source_id", "added", "private"),
    [
        ("own-1", True, True),
        ("added-12", True, False),
        ("uscis-all-news", False, False),
        ("own-news", False, False),
        ("own-", False, False),
        ("my-own-1", False, False),
    ],
)
def test_an_id_says_whose_a_source_is(source_id: str, *, added: bool, private: bool) -> None:
    assert (is_added(source_id), is_private(source_id)) == (added, private)


def test_an_added_source_counts_as_news_whatever_it_is() -> None:
    spec = own(7).spec(HOURLY)
    assert (spec.id, spec.standing, spec.every) == ("own-7", Standing.NEWS, HOURLY)
    assert Added(7, "feed", "u", "x" * 500).spec(HOURLY).id == "added-7"
    assert len(Added(7, "feed", "u", "x" * 500).spec(HOURLY).name) == 100


def test_a_chat_has_a_limit_and_operators_have_none() -> None:
    full = [own(number) for number in range(A_CHAT_AT_MOST)]
    assert why_not(full[:-1], wanted()) is None
    assert why_not(full, wanted()) is Refusal.FULL
    assert why_not(full, Wanted("feed", "https://new.example.org/feed", "x")) is None


def test_all_chats_together_ask_few_hosts_and_each_host_for_little() -> None:
    many = [own(number, chat=100 + number) for number in range(HOSTS_AT_MOST)]
    assert why_not(many, wanted()) is Refusal.HOSTS
    assert why_not(many, wanted("https://1.example.org/other")) is None
    crowd = [own(number, f"https://new.example.org/{number}", 100 + number) for number in range(A_HOST_AT_MOST)]
    assert why_not(crowd[1:], wanted()) is None
    assert why_not(crowd, wanted()) is Refusal.CROWDED


def test_operators_sources_count_against_no_chat() -> None:
    many = [Added(number, "feed", f"https://{number}.example.org/", "x") for number in range(HOSTS_AT_MOST + 9)]
    assert why_not(many, wanted()) is None


ENTRY = Entry(
    guid="https://agency.example/rule",
    url="https://agency.example/rule",
    title="Agency ends the program for everybody at once",
    content="The agency said that the program ends. " * 30,
    facts={"document_number": "2026-01234"},
)


@pytest.mark.parametrize(("first", "second"), [("own-1", "uscis"), ("uscis", "own-1"), ("own-1", "own-2")])
def test_nothing_that_a_private_source_says_makes_others_news_old(first: str, second: str) -> None:
    (early,) = clean(a_source(1, id=first), (ENTRY,), NOW)
    (late,) = clean(a_source(2, id=second), (ENTRY,), NOW)
    known = Fingerprint(early.id, early.source_id, 1, early.number, early.digest, early.keys)
    assert set(early.keys).isdisjoint(late.keys)
    (verdict,) = judge([late], Past((known,), 1), Index({}), baseline=False, now=NOW)
    assert verdict.state is State.NEW


def test_within_a_private_source_copies_are_known_again() -> None:
    source = a_source(1, id="own-1")
    (early,) = clean(source, (ENTRY,), NOW)
    known = Fingerprint(early.id, early.source_id, 1, early.number, early.digest, early.keys)
    (verdict,) = judge(clean(source, (ENTRY,), NOW), Past((known,), 1), Index({}), baseline=False, now=NOW)
    assert verdict.state is State.SEEN
