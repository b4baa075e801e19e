"""What the shipped topics make of documents: one JSON object a line in, one out, in the same order.

It takes no settings and keeps no state but the clock, which stands at a line's `published`, else at the previous one's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

import click

from bot.core.clean import clean
from bot.core.dates import read_date
from bot.core.index import Index, read_page
from bot.core.intake import Entry, SourceSpec, Standing
from bot.core.links import host_of
from bot.core.model import Document, Match
from bot.core.tiers import TOLD, Tier, tier_of
from config.shipped import shipped
from config.topics import read_topics, shipped_queries

Json = Mapping[str, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_FIELDS: Final = ("title", "summary", "text", "url", "source", "published", "lang")


class LineError(ValueError):
    """A line that says nothing, or says it in the wrong form."""


class Classifier:
    """Shipped topics and sources, read once for any number of documents."""

    def __init__(self) -> None:
        topics, _ = read_topics(shipped("topics"), ())
        self._ids = dict(enumerate(topic.id for topic in topics))
        self._index = Index(shipped_queries())
        for number, topic_id in self._ids.items():
            self._index.add(number, f"topic:{topic_id}")
        self._sources = {str(item["id"]): item for item in shipped("sources")}
        self._now = _EPOCH

    def classify(self, line: Json) -> Json:
        """Answer one line; raise `LineError` with a sentence where it is none."""
        document = self._document(line)
        matches = self._index.matches(read_page(document.title, document.text))
        tier = tier_of(document).tier if matches else Tier.NONE
        return {
            "id": line.get("id", ""),
            "tier": tier,
            "alert": bool(matches) and tier in TOLD,
            "topics": [self._ids[match.query_id] for match in matches],
            "policy": _policy(document),
            "why": [why for match in matches for why in self._why(match, document)],
        }

    def _document(self, line: Json) -> Document:
        said = {name: _text(line, name) for name in _FIELDS}
        if read := read_date(said["published"]):
            self._now = read[0]
        elif said["published"]:
            raise LineError(f'"published" is no date that can be read: {said["published"]!r}.')
        entry = Entry(
            url=said["url"],
            title=said["title"],
            summary=said["summary"],
            content=said["text"],
            published=said["published"],
            facts=_facts(line),
        )
        documents = clean(self._source(said), (entry,), self._now)
        if not documents:
            raise LineError("It says nothing: give it a title or a text.")
        return documents[0]

    def _source(self, said: Mapping[str, str]) -> SourceSpec:
        known = self._sources.get(said["source"], {})
        official = host_of(said["url"]).endswith(".gov")
        standing = Standing(known.get("standing") or ("official" if official else "news"))
        name = str(known.get("name") or said["source"] or "unknown")
        kind = str(known.get("kind", "feed"))
        language = said["lang"] or "en"
        return SourceSpec(name, kind, name, "", timedelta(hours=1), standing, known.get("agency", ""), language)

    def _why(self, match: Match, document: Document) -> Iterator[Json]:
        for hit in match.hits:
            words = (document.title if hit.field == "title" else document.text)[hit.start : hit.end]
            topic = self._ids[match.query_id]
            yield {"topic": topic, "field": hit.field, "start": hit.start, "end": hit.end, "words": words}


@click.command()
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"), default="-", metavar="[FILE|-]")
@click.option("--json", "as_json", is_flag=True, help="What it prints is JSON in any case.")
def classify(file: IO[str], *, as_json: bool) -> int:  # noqa: ARG001 - every command that reads takes --json
    """What the shipped topics make of documents: one JSON object a line in, one out.

    A line may have id, title, summary, text, url, source, published, lang and facts. Exit 1 if a line was bad.
    """
    bad = 0
    for answer in answers(file, Classifier()):
        bad += "error" in answer
        click.echo(json.dumps(answer, ensure_ascii=True))
    return 1 if bad else 0


def answers(lines: Iterable[str], classifier: Classifier) -> Iterator[Json]:
    """Answer each line that is not blank as soon as it is read; a bad one by its id and what is wrong with it."""
    for text in lines:
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            yield {"id": None, "error": f"It is no JSON: {error}."}
            continue
        if not isinstance(line, dict):
            yield {"id": None, "error": "It is no JSON object."}
            continue
        try:
            yield classifier.classify(line)
        except LineError as error:
            yield {"id": line.get("id"), "error": str(error)}


def _text(line: Json, name: str) -> str:
    said = line.get(name)
    if said is not None and not isinstance(said, str):
        raise LineError(f'"{name}" must be text.')
    return said or ""


def _facts(line: Json) -> dict[str, str]:
    facts = line.get("facts") or {}
    if not isinstance(facts, dict):
        raise LineError('"facts" must be an object.')
    return {str(name): _joined(value) for name, value in facts.items() if value is not None}


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _policy(document: Document) -> Json:
    """Fill in what the publisher's own fields say; nothing is read out of prose yet."""
    facts = document.facts
    return {
        "actions": [],
        "programs": [],
        "countries": [],
        "country_names": [],
        "agencies": [name for name in facts.get("agencies", "").split(", ") if name],
        "status": None,
        "effective_on": _day(facts.get("effective_on", "")),
        "through_on": None,
        "comments_close_on": _day(facts.get("comments_close_on", "")),
        "citations": [facts["citation"]] if "citation" in facts else [],
        "quotes": {},
    }


def _day(text: str) -> str | None:
    return text if _DAY.fullmatch(text) else None
