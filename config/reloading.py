"""What may change while the bot runs, and what waits for a restart."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from config.layers import SECTIONS
from config.settings import Settings

_LISTS = ("sources", "topics", "not_yet")
_SECTIONS = frozenset({"match", "delivery", "ops", "retention", "catalogue"})
_KEYS = frozenset({"bot.log_level", "fetch.every"})  # the second is part of every source that says nothing else


def merged(running: Settings, read: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings to run with from now on, and the keys that only a restart would change."""
    sections = {name: _section(name, getattr(running, name), getattr(read, name)) for name in SECTIONS}
    lists = {name: getattr(read, name) for name in _LISTS}
    settings = running.model_copy(update={**sections, **lists})
    return settings, tuple(key for name in SECTIONS for key in _differing(name, sections[name], getattr(read, name)))


def _section(name: str, running: BaseModel, read: BaseModel) -> BaseModel:
    may_change = (key for key in type(read).model_fields if name in _SECTIONS or f"{name}.{key}" in _KEYS)
    return running.model_copy(update={key: getattr(read, key) for key in may_change})


def _differing(name: str, running: BaseModel, read: BaseModel) -> Iterator[str]:
    for key in type(read).model_fields:
        if getattr(running, key) != getattr(read, key):
            yield f"{name}.{key}"
