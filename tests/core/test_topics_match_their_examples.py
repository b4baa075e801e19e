"""Every ready-made topic finds what it is for, and none of the traps that sink such services."""

from __future__ import annotations

import pytest

from bot.core.index import find, read_page
from bot.core.model import Topic
from bot.core.query import parse, read_topics, show
from bot.core.syntax import ADMITTED
from config.loading import shipped
from config.topics import read_topics as read_shipped

TOPICS, PROBLEMS = read_shipped(shipped("topics"), ())
QUERIES = read_topics(TOPICS)

TRAPS = {
    "removal": ("controlled substance", "drawbridge", "pilotage", "superfund", "sentenced", "indicts", "deportivas"),
    "border": ("customs and border protection", "safety zone", "import restrictions on archaeological"),
    "detention": ("ice and water", "detention basin", "arrests"),
    "parole": ("denied parole", "parole board"),
    "asylum": ("insane asylum",),
    "visas": ("visa inc", "debit card"),
    "tps": ("tps reports",),
}


def matching(title: str, text: str = "") -> set[str]:
    page = read_page(title, text)
    return {topic.id for topic in TOPICS if find(QUERIES[topic.id], page) is not None}


def test_the_topics_of_this_release_are_there() -> None:
    assert not PROBLEMS
    assert [topic.id for topic in TOPICS] == [
        "tps",
        "removal",
        "asylum",
        "parole",
        "daca",
        "border",
        "visas",
        "detention",
        "refugees",
        "humanitarian",
        "children",
        "enforcement",
        "courts",
        "litigation",
        "work-visas",
        "work-permits",
        "students",
        "family",
        "green-card",
        "naturalization",
        "travel-ban",
        "public-charge",
        "fees-forms",
        "policy-manual",
    ]
    assert QUERIES["deportation"] is QUERIES["removal"]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.id)
def test_a_topic_keeps_its_examples(topic: Topic) -> None:
    assert len(topic.must_match) >= 4
    assert len(topic.must_not_match) >= 4
    assert [example for example in topic.must_match if topic.id not in matching(example)] == []
    assert [example for example in topic.must_not_match if topic.id in matching(example)] == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.id)
def test_a_topic_is_a_query_like_any_other(topic: Topic) -> None:
    text = show(QUERIES[topic.id])
    assert parse(text, limits=ADMITTED) == QUERIES[topic.id]


@pytest.mark.parametrize(("topic_id", "traps"), TRAPS.items(), ids=TRAPS)
def test_known_traps_stand_among_the_examples(topic_id: str, traps: tuple[str, ...]) -> None:
    (topic,) = (topic for topic in TOPICS if topic.id == topic_id)
    examples = "\n".join(topic.must_not_match).casefold()
    assert [trap for trap in traps if trap not in examples] == []


@pytest.mark.parametrize(
    "title",
    [
        "U.S. Customs and Border Protection; Commercial Gauger Approval",
        "ICE Clear Europe Files a Proposed Rule Change on Margin",
        "Petition for Rulemaking on Work Visas for Dogs",
        "Georgia, Jordan and Chad sign a trade deal with Turkey",
        "Safety Zone; Fireworks Display, Anchorage of Vessels, Border River",
        "Migratory Bird Hunting; Final Frameworks",
        "Tennessee (TN) State Plan for Ozone",
        "Reagent L-1 and web-based tools of permanent use",
        "Secretary Names New Director of Immigration and Customs Enforcement",
    ],
)
def test_look_alikes_match_no_topic_at_all(title: str) -> None:
    assert matching(title) == set()


def test_a_veto_in_the_title_does_not_hide_a_change_told_in_the_text() -> None:
    text = "The United States will resume deportation flights to Venezuela. In another case a man was sentenced."
    assert "removal" in matching("Deportations to start again", text)
    assert "removal" not in matching("Man sentenced after deportation", text)
