"""Policy, notice, case and news: by the publisher's fields first, then by phrases in the title."""

from __future__ import annotations

import json

import pytest

from bot.core.intake import Standing
from bot.core.tiers import TOLD, Tier, tier_of
from tests.builders import a_document
from tests.shared_data import shared

REGISTER = "https://www.federalregister.gov/d/2027-00001"


def _tier(title: str, standing: Standing = Standing.OFFICIAL, url: str = "https://x.gov/1", **facts: str) -> Tier:
    return tier_of(a_document(title=title, standing=standing, url=url, facts=facts)).tier


@pytest.mark.parametrize(
    ("kind", "tier"),
    [("Rule", Tier.POLICY), ("Proposed Rule", Tier.POLICY), ("Presidential Document", Tier.POLICY)],
)
def test_the_registers_own_type_needs_no_word_in_the_title(kind: str, tier: Tier) -> None:
    assert _tier("Safe Shores", url=REGISTER, type=kind) is tier
    assert _tier("Safe Shores", url=REGISTER, type="Notice") is Tier.NOTICE


def test_an_order_is_known_by_how_orders_are_named() -> None:
    assert _tier("Closing the Northern Harbors", url=REGISTER) is Tier.POLICY
    assert _tier("Hearing on the Northern Harbors", url=REGISTER) is Tier.NOTICE


def test_the_registers_forms_are_notices_whatever_they_are_about() -> None:
    title = "Extension of the Application for Temporary Protected Status"
    assert _tier(title, url=REGISTER) is Tier.POLICY
    assert _tier(title, url=REGISTER, action="30-Day Notice; Information Collection") is Tier.NOTICE


@pytest.mark.parametrize(
    ("title", "tier"),
    [
        ("Cuban Alien Sentenced for Illegal Reentry", Tier.CASE),
        ("ICE arrests Honduran man after a crash", Tier.CASE),
        ("Grand jury indicts three aliens", Tier.CASE),
        ("Man previously deported pleads guilty", Tier.CASE),
        ("House passes bill on aliens convicted of theft", Tier.NEWS),
        ("Secretary tours a bridge", Tier.NEWS),
        ("Public meeting of the advisory council", Tier.NOTICE),
        ("DHS terminates the designation of Nepal", Tier.POLICY),
    ],
)
def test_an_official_release_is_what_its_title_says(title: str, tier: Tier) -> None:
    assert _tier(title) is tier


def test_press_is_news_unless_it_is_about_one_person() -> None:
    assert _tier("DHS terminates the designation of Nepal", Standing.NEWS) is Tier.NEWS
    assert _tier("Cuban national charged with fraud", Standing.NEWS) is Tier.CASE


def test_cases_and_notices_are_not_told_unless_asked_for() -> None:
    assert {Tier.POLICY, Tier.NEWS} == TOLD


def test_no_release_of_the_newsroom_that_announced_no_change_is_policy() -> None:
    lines = shared("samples/noise/dhs_releases.labelled.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 40
    assert [row["title"] for row in rows if _tier(row["title"], url=row["url"]) is Tier.POLICY] == []
