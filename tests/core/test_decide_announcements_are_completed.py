"""A document announced by its title alone: the copy that brings its text is matched, for those not told yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.card import card
from bot.core.decide import judge, matched
from bot.core.index import Index
from bot.core.intake import Standing
from bot.core.model import Document, Fingerprint, Past, Reader, State, Verdict, Voice
from bot.core.plan import plan
from tests.builders import NOW, a_chat, a_cursor, a_document, a_story, an_alert

ANNOUNCED = a_document(
    1, source=1, title="Notice of a measure", text="", number="2023-02222", keys=("number:2023-2222",)
)
PUBLISHED = replace(ANNOUNCED, id="published", source_id="source-2", text="It extends protection.", digest="other")
BOTH = tuple(Reader(a_chat(query), Voice(), query, "Topic") for query in (1, 2))


def an_index() -> Index:
    index = Index({})
    index.add(1, "measure")
    index.add(2, "protection")
    return index


def judged(document: Document, *known: Fingerprint, baseline: bool = False, previews: str = "source-1") -> Verdict:
    past = Past(known, len(known))
    [verdict] = judge([document], past, an_index(), baseline=baseline, now=NOW, previews={previews})
    return verdict


def remembered(document: Document, *, leads: bool = True) -> Fingerprint:
    return Fingerprint(document.id, document.source_id, 1, document.number, document.digest, document.keys, leads)


def told(verdict: Verdict) -> dict[str, str]:
    changes = plan(a_cursor(), (verdict,), BOTH, NOW)
    return {delivery.chat.id: delivery.id for delivery in changes.deliveries}


def test_who_was_told_of_the_announcement_gets_the_same_row_and_others_one_of_their_own() -> None:
    first = judged(ANNOUNCED)
    second = judged(PUBLISHED, remembered(ANNOUNCED))
    assert (first.state, second.state, second.told_as) == (State.NEW, State.ADDITION, ANNOUNCED.id)
    assert matched([second]) == {1, 2}
    assert told(first).items() <= told(second).items(), "a row that is there already is not written again"
    assert len(told(second)) == 2
    assert second.because.endswith("announced before by its title alone")


def test_an_announcement_that_was_revised_still_leads_its_story() -> None:
    moved = replace(ANNOUNCED, digest="moved")
    verdicts = list(
        judge(
            [moved, PUBLISHED],
            Past((remembered(ANNOUNCED),), 1),
            an_index(),
            baseline=False,
            now=NOW,
            previews={"source-1"},
        )
    )
    assert {verdict.state for verdict in verdicts} == {State.REVISION, State.ADDITION}
    assert {verdict.told_as for verdict in verdicts if verdict.state is State.ADDITION} == {ANNOUNCED.id}


@pytest.mark.parametrize(
    "verdict",
    [
        judged(PUBLISHED, remembered(ANNOUNCED), baseline=True),
        judged(PUBLISHED, remembered(ANNOUNCED), previews="source-9"),
        judged(replace(PUBLISHED, standing=Standing.AGGREGATOR), remembered(ANNOUNCED)),
        judged(PUBLISHED, remembered(ANNOUNCED, leads=False)),
        judged(replace(PUBLISHED, source_id="source-1"), remembered(replace(ANNOUNCED, source_id="source-3"))),
    ],
    ids=[
        "on a first poll",
        "of another source",
        "by no official source",
        "that came second",
        "of an announcement itself",
    ],
)
def test_no_other_copy_is_matched(verdict: Verdict) -> None:
    assert verdict.state is State.ADDITION
    assert verdict.matches == ()


def test_a_planned_day_is_said_and_what_it_is_not() -> None:
    facts = {"planned_for": "2023-10-06", "filing": "special"}
    shown = dict(card(an_alert(a_story(1, replace(ANNOUNCED, facts=facts)))).facts)
    assert shown["Scheduled"] == (
        "to be published on October 6, 2023 (special filing); until then it may be moved or withdrawn"
    )
    assert "Filed" in shown
    assert "Published" not in shown
    regular = dict(card(an_alert(a_story(1, replace(ANNOUNCED, facts={**facts, "filing": "regular"})))).facts)
    assert "special" not in regular["Scheduled"]
