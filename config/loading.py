"""From layers to settings: everything wrong is gathered, in all sections, before anything is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.errors import ConfigError
from config.catalogue import read_sources
from config.layers import SECTIONS, Tree, gather
from config.not_yet import keys_of, take_out
from config.problems import Problem, told, unknown
from config.settings import Catalogue, Fetch, Settings
from config.shipped import shipped
from config.topics import read_topics
from config.units import spoken

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look at the configuration found. `settings` is None exactly where there are problems."""

    settings: Settings | None
    problems: tuple[Problem, ...]
    not_yet: tuple[Problem, ...]


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings; raise `ConfigError` with every problem. A missing `bot.toml` is fine, a named one is not."""
    findings = inspect(path, environ)
    if findings.settings is None:
        raise ConfigError(findings.problems)
    return findings.settings


def inspect(path: Path | None, environ: Mapping[str, str]) -> Findings:
    """Look at the whole configuration and say everything there is to say about it."""
    tree, problems = gather(path, environ)
    not_yet = tuple(take_out(tree))
    problems += _strangers(tree)
    own_sources, own_topics = _tables(tree, "sources", problems), _tables(tree, "topics", problems)
    fetch = _valid(Fetch, tree.get("fetch", {}))
    sources, wrong_sources = read_sources(
        shipped("sources"), own_sources, _valid(Catalogue, tree.get("catalogue", {})), fetch
    )
    topics, wrong_topics = read_topics(shipped("topics"), own_topics)
    settings: Settings | None = None
    try:
        settings = Settings(**tree, sources=sources, topics=topics, not_yet=not_yet)
    except ValidationError as error:
        problems += told(error, Settings)
    problems += [*_too_often(fetch), *wrong_sources, *wrong_topics]
    return Findings(None if problems else settings, tuple(problems), not_yet)


def _strangers(tree: Tree) -> Iterator[Problem]:
    """Take out the sections that have no model; say what has never been a setting."""
    known = (*SECTIONS, "sources", "topics")
    for section in [name for name in tree if name not in known]:
        rest = tree.pop(section)
        if not keys_of(section):
            yield section, unknown(section, known)
        for key in rest if keys_of(section) and isinstance(rest, dict) else ():
            yield f"{section}.{key}", unknown(key, keys_of(section))


def _tables(tree: Tree, name: str, problems: list[Problem]) -> list[Tree]:
    items: Any = tree.pop(name, [])
    if isinstance(items, list) and all(isinstance(item, dict) for item in items):
        return items
    problems.append((name, f"write each item under a line of its own: [[{name}]]"))
    return []


def _valid(model: type[_Model], given: object) -> _Model:
    """Return the section where it is good, its defaults where it is not: other checks need something to go on."""
    try:
        return model.model_validate(given)
    except ValidationError:
        return model()


def _too_often(fetch: Fetch) -> Iterator[Problem]:
    if fetch.every < fetch.least_every:
        yield "fetch.every", f"at least {spoken(fetch.least_every)}; got {spoken(fetch.every)}"
