"""What `policybell run` prints: what is on, what would start the rest, and how the first round went."""

from __future__ import annotations

from bot import __version__
from bot.poll import Polled
from bot.welcome import RoomLine, first_round, greeting

ROOMS = (RoomLine("Web", "http://127.0.0.1:8080/chat"), RoomLine("Slack", "set X", on=False))
DOWN = "feeds.example could not be reached"


def test_the_greeting_names_the_data_every_room_and_how_many_sources_are_read() -> None:
    assert greeting("data", ROOMS, 17, 0, sample=False).splitlines() == [
        f"Policybell {__version__}   data: data",
        "  Web        on    http://127.0.0.1:8080/chat",
        "  Slack      off   set X",
        "  Reading 17 sources …",
    ]


def test_the_greeting_says_what_is_sample_and_what_is_not_yet_read() -> None:
    text = greeting("data", (), 2, 5, sample=True)
    assert "SAMPLE" in text
    assert "5 more are not read" in text


def test_a_good_first_round_says_why_nothing_is_sent_yet() -> None:
    said = first_round([Polled("a", new=3, baseline=True), Polled("b", new=4, baseline=True)], sample=False)
    assert said == "  2 read · 7 items, the baseline: alerts come for what is new"


def test_a_later_start_says_what_came_meanwhile_and_calls_it_no_baseline() -> None:
    said = first_round([Polled("a", new=3, alerts=2), Polled("b")], sample=False)
    assert said == "  2 read · 3 new items, 2 alerts"


def test_sources_that_failed_are_named_the_first_few() -> None:
    failed = [Polled(f"source-{number}", error=DOWN) for number in range(5)]
    said = first_round([Polled("a", new=1), *failed], sample=False)
    assert "1 read · 5 failed" in said
    assert "source-2" in said
    assert "source-3" not in said
    assert "and 2 more" in said


def test_without_a_network_it_says_so_once_and_offers_the_sample() -> None:
    said = first_round([Polled("a", error=DOWN), Polled("b", error=DOWN)], sample=False)
    assert DOWN in said
    assert "make demo" in said
    assert "make demo" not in first_round([Polled("a", error=DOWN)], sample=True)


def test_a_round_without_sources_is_no_failure() -> None:
    assert "could be reached" not in first_round([], sample=False)
