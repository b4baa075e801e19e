"""The files that come with the program: `bot.toml`, `config/sources.toml`, `config/topics.toml`."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from config import inspect, load
from config.layers import SECRETS, SECTIONS
from config.not_yet import KINDS_NOT_YET
from config.shipped import shipped
from config.units import read_duration
from config.words import read_docket_number, read_url

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT.parent / "shared" / "catalogue" / "sources.toml"

SOURCES = shipped("sources")
DEFAULT = [source for source in SOURCES if source.get("on", True)]
LEFT_OUT = {
    "reuters": "no feed, and robots are asked to stay away",
    "doj-press-api": "reports on how it sorts contradict one another; doj-press says the same",
}
WITHOUT_HTTPS = {"cnn", "uscourts-news"}  # so their addresses are recorded; both are off
TOPICS = shipped("topics")


def test_the_shipped_file_loads_without_a_problem_or_a_key_that_nothing_obeys() -> None:
    findings = inspect(ROOT / "bot.toml", {})
    assert findings.problems == ()
    assert findings.not_yet == ()


def test_every_value_in_the_shipped_file_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text("")
    assert load(ROOT / "bot.toml", {}) == load(tmp_path / "bot.toml", {})


def test_the_shipped_file_shows_every_key_but_secrets() -> None:
    shown = tomllib.loads((ROOT / "bot.toml").read_text())
    for section, model in SECTIONS.items():
        secret = {path.partition(".")[2] for path in SECRETS if path.startswith(f"{section}.")}
        assert set(shown[section]) == set(model.model_fields) - secret


def test_the_commented_items_of_the_shipped_file_work_when_uncommented(tmp_path: Path) -> None:
    text = (ROOT / "bot.toml").read_text()
    head, items = text.split("# [[sources]]", 1)
    lines = [line.removeprefix("# ") for line in f"# [[sources]]{items}".splitlines() if " = " in line or "[[" in line]
    (tmp_path / "bot.toml").write_text(head + "\n".join(lines))
    settings = load(tmp_path / "bot.toml", {})
    assert "my-county" in {spec.id for spec in settings.source_specs()}
    assert "work-permits" in {topic.id for topic in settings.topics}


def test_with_nothing_configured_the_ready_made_sources_are_read() -> None:
    settings = load(ROOT / "bot.toml", {})
    read = {spec.id for spec in settings.source_specs()}
    waiting = {source_id for source_id, _, _ in settings.not_yet_sources()}
    assert read | waiting == {source["id"] for source in DEFAULT}
    assert len(DEFAULT) == 33
    assert not read & waiting
    assert len(read) >= 25
    assert {source["kind"] for source in SOURCES if source["id"] in waiting} <= set(KINDS_NOT_YET)


def test_every_source_proposed_on_is_there_and_nothing_that_was_rejected() -> None:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue is not beside the repository")
    catalogue = tomllib.loads(CATALOGUE.read_text())
    assert {source["id"] for source in DEFAULT} == {row["id"] for row in catalogue["source"] if row["enabled"]}
    rejected = {row["url"] for row in catalogue["rejected"]}
    assert not rejected & {source["url"] for source in SOURCES}


def test_every_known_source_is_there_or_left_out_with_a_reason() -> None:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue is not beside the repository")
    known = {row["id"]: row for row in tomllib.loads(CATALOGUE.read_text())["source"]}
    ours = {source["id"]: source for source in SOURCES}
    assert known.keys() - ours.keys() == LEFT_OUT.keys()
    text = (ROOT / "config" / "sources.toml").read_text()
    assert all(f"# {source_id} " in text for source_id in LEFT_OUT)
    for source_id in known.keys() & ours.keys():
        same = ("standing", "language", "relevance")
        usual = {"language": "en", "relevance": "filter"}
        assert [{**usual, **ours[source_id]}[key] for key in same] == [known[source_id][key] for key in same]
        assert urlsplit(ours[source_id]["url"]).hostname == urlsplit(known[source_id]["url"]).hostname


@pytest.mark.parametrize(
    ("enabled", "more", "less"),
    [
        ('"default"', set(), set()),
        ('["default"]', set(), set()),
        ('["default", "crs-reports", "-ap-sitemap", "-hrw"]', {"crs-reports"}, {"ap-sitemap"}),
        ('["crs-reports"]', {"crs-reports"}, {source["id"] for source in DEFAULT}),
        ("[]", set(), {source["id"] for source in DEFAULT}),
    ],
)
def test_sources_are_chosen_by_name_beside_the_default_ones(
    tmp_path: Path, enabled: str, more: set[str], less: set[str]
) -> None:
    (tmp_path / "bot.toml").write_text(f"[catalogue]\nenabled = {enabled}")
    settings = load(tmp_path / "bot.toml", {})
    assert {source.id for source in settings.sources} == {source["id"] for source in DEFAULT} - less | more


def test_every_ready_made_source_loads_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(f"[catalogue]\nenabled = {[source['id'] for source in SOURCES]}")
    settings = load(tmp_path / "bot.toml", {})
    assert {source.id for source in settings.sources} == {source["id"] for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source["id"])
def test_a_ready_made_source_is_polled_gently_at_an_address_that_can_be_asked(source: dict[str, str]) -> None:
    assert urlsplit(read_url(source["url"])).scheme == ("http" if source["id"] in WITHOUT_HTTPS else "https")
    assert not set(source["url"]) & set('[]"| ')
    assert read_duration(source["every"]) >= timedelta(minutes=15)


def test_ready_made_sources_have_ids_and_names_of_their_own() -> None:
    for key in ("id", "name", "url"):
        assert max(Counter(source[key] for source in SOURCES).values()) == 1


FIELDS = (
    "document_number title type action abstract dates citation publication_date effective_on comments_close_on "
    "agencies docket_ids cfr_references topics html_url"
)


@pytest.mark.parametrize(
    "source", [source for source in SOURCES if source["kind"] == "federal_register"], ids=lambda source: source["id"]
)
def test_the_federal_register_is_asked_for_what_is_read_of_it(source: dict[str, str]) -> None:
    asked = parse_qs(urlsplit(source["url"]).query)
    text_of_its_own = ["raw_text_url"] if source["id"] == "fr-presidential" else []
    assert asked["fields[]"] == FIELDS.split() + text_of_its_own
    assert asked["order"] == ["newest"]
    assert 2 <= int(asked["per_page"][0]) <= 2000
    assert any(key.startswith("conditions[") for key in asked)


def test_short_summaries_of_the_press_and_of_organizations_are_read_whole_but_behind_no_wall() -> None:
    told = {
        source["id"] for source in DEFAULT if source["kind"] == "feed" and source["standing"] in {"news", "advocacy"}
    }
    whole = {source["id"] for source in SOURCES if source.get("select", {}).get("article") == "auto"}
    assert told - whole == {"nyt-us", "immigration-forum"}
    assert not whole & {"ap-sitemap", "nyt-us", "wapo-national", "efe", "google-news"}


DOCKETS = shipped("dockets")


def test_every_case_belongs_to_a_court_that_can_be_chosen_and_is_listed_once() -> None:
    hosts = {urlsplit(source["url"]).hostname for source in SOURCES if source["kind"] == "docket"}
    assert {f"ecf.{case['court']}.uscourts.gov" for case in DOCKETS} <= hosts
    assert len({(case["court"], case["number"]) for case in DOCKETS}) == len(DOCKETS)


@pytest.mark.parametrize("case", DOCKETS, ids=lambda case: f"{case['court']} {case['number']}")
def test_a_case_is_named_after_who_brought_it_and_its_number_is_one(case: dict[str, str]) -> None:
    assert set(case) == {"court", "number", "name"}
    assert read_docket_number(case["number"])
    assert re.fullmatch(r"[A-Z].+ v\. [A-Z].+", case["name"])
    assert not re.search(r"\b(Doe|Roe|Jane|John)\b|\b[A-Z]\. ?[A-Z]\.", case["name"]), "people are left out"


def test_the_topics_that_were_promised_are_there() -> None:
    assert {"tps", "removal", "asylum", "parole", "daca", "border", "visas", "detention"} <= {t["id"] for t in TOPICS}
    assert {alias for topic in TOPICS if topic["id"] == "removal" for alias in topic["aliases"]} >= {"deportation"}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic["id"])
def test_every_topic_has_examples_of_both_kinds(topic: dict[str, list[str]]) -> None:
    assert topic["must_match"]
    assert topic["must_not_match"]
