"""How good detection is: `classify` over labelled documents, each figure beside that of a broad list of words.

The documents, their labels, the scorer and the list stay outside the project; where they are absent, it says so.
"""

from __future__ import annotations

import csv
import gzip
import json
import runpy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from bot.cli.classifying import Classifier, Json
from bot.cli.querying import with_json


class Graded(NamedTuple):
    """One labelled document: what the labels say, what `classify` says, and whether the broad list finds it."""

    gold: Json
    answer: Json
    broad: bool


class Figure(NamedTuple):
    """One measured figure, what it should reach, and the broad list's in the same run."""

    name: str
    value: float
    reach: str
    broad: float | None


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@with_json
@click.option("--items", is_flag=True, help="Also list what was missed and what was told wrongly.")
def quality(directory: Path, *, items: bool, as_json: bool) -> int:
    """How good detection is on the labelled documents of DIR, beside a broad list."""
    if not (directory / "score_detect.py").is_file():
        click.echo(f"skipped: there are no labelled documents in {directory}.", err=as_json)
        return 0
    grader = Grader(directory)
    told: Counter[str] = Counter()
    hits: dict[str, list[bool]] = {}
    for measure in (grader.register, grader.agency_rules, grader.headlines, grader.articles, grader.spanish):
        try:
            graded, figures = measure()
        except FileNotFoundError as error:
            click.echo(f"skipped: there is no {Path(error.filename).name}.", err=as_json)
            continue
        for figure in figures:
            click.echo(json.dumps(figure._asdict()) if as_json else _line(figure))
        _count_topics(graded, told, hits)
        for line in _wrong(graded) if items and not as_json else ():
            click.echo(f"    {line}")
    for line in () if as_json else _topics(told, hits):
        click.echo(line)
    return 0


class Grader:
    """The labelled files of one directory, each graded in its own way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._classifier = Classifier()
        self._score: Callable[..., Mapping[str, Any]] = runpy.run_path(str(directory / "score_detect.py"))["score"]
        self._broad: Callable[[str], bool] = runpy.run_path(str(directory / "keywords.py"))["k2"]

    def register(self) -> tuple[Sequence[Graded], list[Figure]]:
        """Federal Register: policy documents found, false alerts, precision of the tier `policy`."""
        rows = self._rows("fr_labels_dev.csv")
        abstracts = {row["doc"]: row["abstract"] for row in self._rows("fr_2020-01_2025-09.jsonl.gz")}
        graded = self._graded(rows, lambda row: _register(row, abstracts.get(row["doc"]) or ""))
        ours, broad = self._scores(graded, "alert", grade="grade", name="doc")
        in_tier = [one for one in graded if one.answer["tier"] == "policy"]
        right = sum(one.gold["grade"] == "2" for one in in_tier)
        all_policy = sum(one.gold["grade"] == "2" for one in graded)
        found = [one for one in graded if one.broad]
        broad_right = sum(one.gold["grade"] == "2" for one in found)
        return graded, [
            Figure("register.policy_recall", ours["policy_recall"], ">= .967", broad["policy_recall"]),
            Figure("register.false_per_1000", ours["false_alerts_per_1000"], "<= 1.0", broad["false_alerts_per_1000"]),
            Figure(
                "register.tier_policy_precision", _share(right, len(in_tier)), ">= .70", _share(broad_right, len(found))
            ),
            Figure("register.tier_policy_recall", _share(right, all_policy), ">= .90", broad["policy_recall"]),
        ]

    def agency_rules(self) -> tuple[Sequence[Graded], list[Figure]]:
        """Rules of the immigration agencies, by the publisher's own label: every one must be found."""
        texts = {row["doc"]: row for row in self._rows("fr_2020-01_2025-09.jsonl.gz")}
        labels = self._rows("fr_rule_agency_2020-01_2023-09.csv")
        ours = {"USCIS", "ICE", "EOIR"}
        rows = [
            texts[row["doc"]]
            for row in labels
            if row["doc"] in texts and ours & set(row["agencies"].replace(";", " ").split())
        ]
        graded = self._graded(rows, lambda row: _register(row, row["abstract"] or ""))
        found = sum(bool(one.answer["topics"]) for one in graded)
        broad = sum(one.broad for one in graded)
        return graded, [
            Figure(
                "register.agency_rules", _share(found, len(graded)), f"all {len(graded)}", _share(broad, len(graded))
            )
        ]

    def headlines(self) -> tuple[Sequence[Graded], list[Figure]]:
        """Headlines of the press: changes of policy by `alert`, the subject by `topics`."""
        rows = self._rows("topnews_immigration_dev.jsonl")
        graded = self._graded(rows, lambda row: {"title": row["headline"], "url": row["url"], "source": row["outlet"]})
        policy, broad_policy = self._scores(graded, "alert", grade="rel", floor=2)
        subject, broad_subject = self._scores(graded, "topics", grade="rel")
        return graded, [
            *_both("headlines.policy", policy, broad_policy, (">= .90", ">= .65")),
            *_both("headlines.subject", subject, broad_subject, (">= .92", ">= .85")),
        ]

    def articles(self) -> tuple[Sequence[Graded], list[Figure]]:
        """Articles of the press, title and lead, of the subject and far from it."""
        rows = self._rows("allsides_topics_dev.jsonl.gz")
        graded = self._graded(rows, lambda row: {"title": row["title"], "text": row["text"], "source": row["source"]})
        ours, broad = self._scores(graded, "topics", grade="label")
        return graded, _both("articles", ours, broad, (">= .97", ">= .96"))

    def spanish(self) -> tuple[Sequence[Graded], list[Figure]]:
        """Spanish paragraphs, among them many about other countries' immigration."""
        rows = self._rows("es_paragraphs_dev.jsonl.gz")
        graded = self._graded(rows, lambda row: {"text": row["text"], "lang": "es"})
        ours, broad = self._scores(graded, "topics", grade="label")
        return graded, _both("spanish", ours, broad, ("all", ">= .75"))

    def _rows(self, name: str) -> list[Any]:
        path = self._directory / name
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            return list(csv.DictReader(file)) if ".csv" in path.suffixes else [json.loads(line) for line in file]

    def _graded(self, rows: Iterable[Json], line: Callable[[Any], dict[str, str]]) -> list[Graded]:
        graded = []
        for row in rows:
            said = line(row)
            broad = self._broad(" ".join(said.get(part, "") for part in ("title", "summary", "text")))
            graded.append(Graded(row, self._classifier.classify(said), broad))
        return graded

    def _scores(
        self, graded: Sequence[Graded], by: str, *, grade: str, name: str = "id", floor: int = 1
    ) -> tuple[Json, Json]:
        gold = [one.gold for one in graded]
        ours = {str(one.gold[name]): bool(one.answer[by]) for one in graded}
        broad = {str(one.gold[name]): one.broad for one in graded}
        return self._score(gold, ours, name, grade, floor), self._score(gold, broad, name, grade, floor)


def _register(row: Json, abstract: str) -> dict[str, str]:
    url = f"https://www.federalregister.gov/d/{row['doc']}"
    return {"title": row["title"], "summary": abstract, "url": url, "published": row["date"]}


def _both(name: str, ours: Json, broad: Json, reach: tuple[str, str]) -> list[Figure]:
    return [
        Figure(f"{name}.recall", ours["recall"], reach[0], broad["recall"]),
        Figure(f"{name}.precision", ours["precision"], reach[1], broad["precision"]),
    ]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _line(figure: Figure) -> str:
    broad = "" if figure.broad is None else f"  broad list {figure.broad:.3f}"
    return f"{figure.name:<34}{figure.value:>8.3f}  reach {figure.reach:<8}{broad}"


def _grade(gold: Json) -> int:
    return int(gold.get("grade", gold.get("rel", gold.get("label", 1))))


def _wrong(graded: Iterable[Graded]) -> Iterator[str]:
    """What the labels and the answers disagree on: a change or the subject missed, an unrelated document told."""
    for gold, answer, _ in graded:
        grade = _grade(gold)
        title = str(gold.get("title") or gold.get("headline") or gold.get("text"))[:150]
        topics = " ".join(answer["topics"])
        if grade and not answer["topics"]:
            yield f"missed {grade} {answer['tier']} | {title}"
        elif grade > 1 and not answer["alert"]:
            yield f"silent {grade} {answer['tier']} | {title}"
        elif not grade and answer["topics"]:
            yield f"wrong {answer['tier']} {topics} | {title}"
        elif grade == 1 and answer["tier"] == "policy":
            yield f"related {answer['tier']} {topics} | {title}"


def _count_topics(graded: Iterable[Graded], told: Counter[str], hits: dict[str, list[bool]]) -> None:
    for gold, answer, _ in graded:
        for topic in answer["topics"] if answer["alert"] else ():
            told[topic] += 1
            hits.setdefault(topic, []).append(_grade(gold) > 0)
        told[""] += answer["alert"]


def _topics(told: Counter[str], hits: Mapping[str, Sequence[bool]]) -> Iterator[str]:
    """Each topic alone: how much of what it tells is of the subject, and its share of all alerts."""
    for topic in sorted(hits):
        precision = _share(sum(hits[topic]), len(hits[topic]))
        share = _share(told[topic], told[""])
        yield f"topic.{topic:<28}{precision:>8.3f}  reach >= .85    share {share:.3f} reach <= .35"
