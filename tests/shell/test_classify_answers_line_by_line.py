"""`policybell classify`: one JSON object in, one out; a bad line harms only itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.cli import run
from tests.shared_data import shared

TITLE = "DHS extends Temporary Protected Status for Yemen"


def _classified(tmp_path: Path, capsys: pytest.CaptureFixture[str], *lines: object) -> tuple[int, list[Any]]:
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    code = run(["classify", str(file)])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_answered_with_tier_topics_and_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"agencies": ["DHS", "USCIS"], "effective_on": "2027-03-01", "citation": "91 FR 1"}
    line = {"id": "a", "title": TITLE, "url": "https://x.gov/a", "published": "2027-02-01", "facts": facts}
    code, (answer, news, other) = _classified(
        tmp_path, capsys, line, {"id": "b", "title": TITLE, "source": "a paper"}, {"id": "c", "title": "Rain"}
    )
    assert code == 0
    assert (answer["id"], answer["tier"], answer["alert"]) == ("a", "policy", True)
    assert "tps" in answer["topics"]
    why = next(why for why in answer["why"] if why["topic"] == "tps")
    assert TITLE[why["start"] : why["end"]] == why["words"] == "Temporary Protected Status"
    policy = answer["policy"]
    assert (policy["agencies"], policy["effective_on"], policy["citations"]) == (
        ["DHS", "USCIS"],
        "2027-03-01",
        ["91 FR 1"],
    )
    assert (news["tier"], news["alert"]) == ("news", True)
    assert (other["tier"], other["alert"], other["topics"], other["why"]) == ("none", False, [], [])


def test_a_case_is_no_alert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    title = "Venezuelan national with Temporary Protected Status pleads guilty"
    _, (answer,) = _classified(tmp_path, capsys, {"id": "a", "title": title})
    assert (answer["tier"], answer["alert"], "tps" in answer["topics"]) == ("case", False, True)


def test_a_bad_line_harms_only_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = ("{", "[]", {"id": 1}, {"id": 2, "title": 3}, {"id": 3, "title": "x", "facts": "y"})
    code, answers = _classified(
        tmp_path, capsys, *bad, {"id": 4, "title": "x", "published": "soon"}, {"id": 5, "title": TITLE}
    )
    assert code == 1
    assert [answer["id"] for answer in answers] == [None, None, 1, 2, 3, 4, 5]
    assert ["error" in answer for answer in answers] == [True] * 6 + [False]


def test_the_first_article_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shared("samples/seed-event/dallas-express-article.txt").read_text(encoding="utf-8")
    _, (answer,) = _classified(tmp_path, capsys, {"id": "seed", "text": text})
    assert answer["alert"]
    assert "removal" in answer["topics"]


def test_quality_is_skipped_where_nothing_is_labelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quality", str(tmp_path)]) == 0
    assert "skipped" in capsys.readouterr().out


def test_quality_stands_beside_the_broad_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("score_detect.py", "keywords.py"):
        shutil.copy(shared(f"quality/{name}"), tmp_path / name)
    (tmp_path / "topnews_immigration_dev.jsonl").write_text(
        json.dumps({"id": "1", "headline": TITLE, "url": "", "outlet": "a", "rel": 2, "story": None}), encoding="utf-8"
    )
    assert run(["quality", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "skipped: there is no fr_labels_dev.csv" in told
    assert "headlines.policy.recall" in told
    assert "broad list" in told
    assert run(["quality", str(tmp_path), "--json"]) == 0
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {figure["name"]: figure["value"] for figure in figures}["headlines.policy.recall"] == 1.0
