"""Kinds of sources: each is one module here that ends with `SOURCE: Source = …`, and there is no other list of them.

Everything here runs in the child process of `bot.reading`; the daemon's own process loads none of it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bot.ports import Source


def known_kinds() -> tuple[str, ...]:
    """The kinds that exist, by name, without loading any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(kind: str) -> Source:
    """Return the kind's parser; raise `ValueError` naming the known kinds where there is no such module."""
    if kind not in known_kinds():
        raise ValueError(f"there is no kind of source {kind!r}; the known ones are {', '.join(known_kinds())}")
    source: Source = import_module(f"{__name__}.{kind}").SOURCE
    return source
