"""An official copy of what others showed before is told like news where nobody was told of it, and once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.decide import judge
from bot.core.delays import Delay
from bot.core.floods import held_verdict, sift
from bot.core.index import Index
from bot.core.intake import Standing
from bot.core.model import Document, Fingerprint, Past, State, Verdict
from tests.builders import NOW, a_cursor, a_document, a_source

SHOWN = a_document(1, source=1, title="A memo on policy", standing=Standing.NEWS, keys=("url:memo",))
MEMO = replace(SHOWN, id="memo", source_id="source-2", standing=Standing.OFFICIAL)
LAST = NOW - timedelta(minutes=15)


def judged(*documents: Document, untold: str = SHOWN.id, baseline: bool = False) -> list[Verdict]:
    index = Index({})
    index.add(1, "policy")
    known = Fingerprint(SHOWN.id, SHOWN.source_id, 1, "", SHOWN.digest, SHOWN.keys, leads=True, untold=untold)
    return list(judge(documents, Past((known,), 1), index, baseline=baseline, now=NOW))


def sifted(verdicts: list[Verdict], standing: Standing = Standing.OFFICIAL) -> tuple[Verdict, ...]:
    return sift(a_source(2, standing=standing), a_cursor(2, last_success_at=LAST), verdicts, NOW)


@given(standing=st.sampled_from(Standing), untold=st.booleans(), baseline=st.booleans())
def test_only_an_official_copy_of_what_nobody_was_told_is_asked_for_matches(
    standing: Standing, *, untold: bool, baseline: bool
) -> None:
    copy = replace(MEMO, standing=standing)
    [verdict] = judged(copy, untold=SHOWN.id if untold else "", baseline=baseline)
    assert (verdict.state, verdict.story) == (State.ADDITION, 1)
    assert bool(verdict.matches) is (untold and not baseline and standing is Standing.OFFICIAL)


def test_it_is_told_as_the_document_with_which_the_story_began() -> None:
    [verdict] = judged(MEMO)
    assert verdict.told_as == SHOWN.id
    assert verdict.because.endswith("nobody was told of it, and this is its first official source")


def test_of_two_official_copies_in_one_poll_one_is_told() -> None:
    other = replace(MEMO, id="other", keys=("url:memo", "guid:source-2:b"), title="Another", digest="other")
    verdicts = judged(replace(MEMO, keys=("url:memo", "guid:source-2:a")), other)
    assert [verdict.told_as for verdict in verdicts if verdict.matches] == [SHOWN.id]


def test_one_that_is_dated_long_ago_is_told_as_posted_late() -> None:
    old = replace(MEMO, claimed_at=NOW - timedelta(days=12))
    [verdict] = sifted(judged(old))
    assert (verdict.delay, len(verdict.matches)) == (Delay.POSTED, 1)
    [silent] = sifted(judged(old, untold=""))
    assert (silent.delay, silent.matches) == (Delay.NONE, ())


def test_many_that_are_stamped_anew_are_recorded_as_news_would_be() -> None:
    old = replace(MEMO, url="https://agency.example/2019/05/07/memo", claimed_at=NOW)
    [verdict] = judged(old)
    others = [replace(verdict, document=replace(old, id=f"{n}"), story=n) for n in range(2, 8)]
    assert not any(one.matches for one in sifted([verdict, *others]))
    assert sifted([verdict, *others])[0].because.startswith("addition, but old: dated May 7, 2019 by its address")


def test_a_flood_of_them_is_held_and_goes_out_as_what_it_is() -> None:
    [verdict] = judged(replace(MEMO, claimed_at=NOW - timedelta(days=12)))
    flood = [replace(verdict, document=replace(verdict.document, id=f"{n}"), story=n) for n in range(20)]
    held = sifted(flood)
    assert all(one.held and not one.matches and one.told_as == SHOWN.id for one in held)
    assert held[0].because.startswith("addition, but held back: 20 of 20")
    kept = held_verdict(held[0].document, held[0].story, SHOWN.id, held[0].because)
    assert kept == held[0]
