"""Which sources there are: the chosen ones of `sources.toml`, and what `bot.toml` adds or replaces.

Every item is checked by itself, so that a bad one is told beside the others and hides none of them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import bot
from bot.core.intake import SourceSpec
from bot.core.selectors import why_wrong
from bot.errors import BotError
from config.brisk import brisk_problems
from config.not_yet import KINDS_NOT_YET
from config.problems import Problem, doubled, told
from config.settings import Catalogue, Fetch, Settings, Source
from config.shipped import shipped
from config.units import read_duration, spoken
from config.words import did_you_mean

DEFAULT = "default"  # in `catalogue.enabled`, beside ids: all that are not `on = false`
LEAVE_OUT = "-"  # before an id there: not this one


def known_kinds() -> tuple[str, ...]:
    """The kinds that exist: a kind is a module of `bot.sources`, and there is no other list of them."""
    folder = Path(bot.__file__).parent / "sources"
    return tuple(sorted(module.name for module in pkgutil.iter_modules([str(folder)])))


def read_sources(
    ready_made: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]], catalogue: Catalogue, fetch: Fetch
) -> tuple[tuple[Source, ...], list[Problem]]:
    """Return the sources to be used and what is wrong. An own source with a shipped id takes its place."""
    problems = [*_unknown_ids(catalogue, ready_made), *doubled("sources", own)]
    chosen = _chosen(catalogue, ready_made) - {str(item.get("id")) for item in own}
    items = [(f"sources[{index}]", item) for index, item in enumerate(own)]
    items += [(f"sources.toml {item['id']}", _plain(item)) for item in ready_made if item["id"] in chosen]
    sources: list[Source] = []
    for where, item in items:
        try:
            source = Source.model_validate(item)
        except ValidationError as error:
            problems.extend(_named(told(error, Source, where), item))
        else:
            sources.append(source)
        problems.extend(_named(_judged(item, where, fetch), item))
    return tuple(sources), problems


def known_source(settings: Settings, source_id: str) -> SourceSpec:
    """Find a source of the settings or, on or off, of the catalogue; raise `BotError` where it cannot be read."""
    if not any(source.id == source_id for source in settings.sources):
        shipped_ones = {item["id"]: item for item in shipped("sources")}
        if source_id not in shipped_ones:
            hint = did_you_mean(source_id, shipped_ones)
            raise BotError(f"There is no source {source_id!r}, and an address begins with https://.{hint}")
        found, _ = read_sources([shipped_ones[source_id]], [], Catalogue(enabled=(source_id,)), settings.fetch)
        settings = settings.model_copy(update={"sources": found})
    for waiting, _, why in settings.not_yet_sources():
        if waiting == source_id:
            raise BotError(f"{source_id} is not read: {why}.")
    return next(source for source in settings.source_specs() if source.id == source_id)


def _chosen(catalogue: Catalogue, ready_made: Sequence[Mapping[str, Any]]) -> set[str]:
    """The ids that `catalogue.enabled` chooses: the default ones, those named besides, less those left out."""
    words = _words(catalogue)
    usual = {item["id"] for item in ready_made if item.get("on", True)} if DEFAULT in words else set()
    left_out = {word.removeprefix(LEAVE_OUT) for word in words if word.startswith(LEAVE_OUT)}
    return (usual | set(words)) - left_out


def _words(catalogue: Catalogue) -> tuple[str, ...]:
    return catalogue.enabled if isinstance(catalogue.enabled, tuple) else (DEFAULT,)


def _plain(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an item as an operator could have written it: whether it is on by itself is only the catalogue's."""
    return {key: value for key, value in item.items() if key != "on"}


def _unknown_ids(catalogue: Catalogue, ready_made: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    known = {item["id"] for item in ready_made}
    for word in _words(catalogue):
        source_id = word.removeprefix(LEAVE_OUT)
        if word != DEFAULT and source_id not in known:
            sentence = f"{source_id!r} is not in the catalogue.{did_you_mean(source_id, known)}"
            yield "catalogue.enabled", sentence


def _judged(item: Mapping[str, Any], where: str, fetch: Fetch) -> Iterator[Problem]:
    """Say what no single value shows; an item that is wrong elsewhere is judged as well."""
    kind, kinds = item.get("kind"), (*known_kinds(), *KINDS_NOT_YET)
    if isinstance(kind, str) and kind not in kinds:
        yield f"{where}.kind", f"{kind!r} is not a kind.{did_you_mean(kind, kinds)}"
    yield from _wrong_places(item, where)
    try:
        every = read_duration(item.get("every", fetch.least_every))
    except ValueError:
        return  # told already
    if every < fetch.least_every:
        yield f"{where}.every", f"at least {spoken(fetch.least_every)}; got {spoken(every)}"
    for sentence in brisk_problems(item, fetch.least_every):
        yield f"{where}.brisk", sentence


def _wrong_places(item: Mapping[str, Any], where: str) -> Iterator[Problem]:
    places = item.get("select")
    for part, said in places.items() if isinstance(places, Mapping) else ():
        if isinstance(said, str) and (why := why_wrong(part, said)):
            yield f"{where}.select.{part}", why


def _named(problems: Iterator[Problem], item: Mapping[str, Any]) -> Iterator[Problem]:
    """Add the id, since an index says little in a long list."""
    for path, sentence in problems:
        yield path, f"{sentence} (id {item['id']})" if "id" in item and not path.endswith(".id") else sentence
