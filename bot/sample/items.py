"""The items of the sample, read from `items.toml` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from bot.core.intake import Standing


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One item of a feed. `first`: it stands in the list from the beginning."""

    at: datetime
    link: str
    title: str
    text: str
    outlet: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class SampleFeed:
    """One feed and what it lists, newest first. `format` is a way to write it: see `bot.sample.feeds`."""

    id: str
    name: str
    format: str
    home: str
    standing: Standing
    items: tuple[SampleItem, ...]
    agency: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """One document of the sample's Federal Register, in the fields of the real one's API."""

    number: str
    day: date
    type: str
    action: str
    title: str
    agencies: tuple[str, ...]
    text: str
    effective_on: date | None = None
    comments_close_on: date | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class SampleRegister:
    """The sample's Federal Register, newest first."""

    id: str
    name: str
    home: str
    standing: Standing
    documents: tuple[SampleDocument, ...]


@cache
def the_sample() -> tuple[tuple[SampleFeed, ...], SampleRegister]:
    """Read the whole sample, once."""
    read = tomllib.loads(files("bot.sample").joinpath("items.toml").read_text("utf-8"))
    texts = {raw["link"]: raw["text"].strip() for feed in read["feeds"] for raw in feed["items"] if "text" in raw}
    return tuple(_feed(raw, texts) for raw in read["feeds"]), _register(read["register"])


def _feed(raw: Mapping[str, Any], texts: Mapping[str, str]) -> SampleFeed:
    items = tuple(_item(item, raw["home"], texts) for item in raw["items"])
    return SampleFeed(**{**raw, "standing": Standing(raw["standing"]), "items": items})


def _item(raw: Mapping[str, Any], home: str, texts: Mapping[str, str]) -> SampleItem:
    said = {name: value for name, value in raw.items() if name != "same_text_as"}
    text = texts[raw.get("same_text_as", raw["link"])]
    link = f"{home}{raw['link']}" if raw["link"].startswith("/") else raw["link"]
    return SampleItem(**{**said, "text": text, "link": link})


def _register(raw: Mapping[str, Any]) -> SampleRegister:
    documents = tuple(
        SampleDocument(**{**document, "agencies": tuple(document["agencies"]), "text": document["text"].strip()})
        for document in raw["documents"]
    )
    return SampleRegister(**{**raw, "standing": Standing(raw["standing"]), "documents": documents})
