"""The data files that come with the program."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from config.not_yet import take_out


def shipped(name: str) -> list[dict[str, Any]]:
    """Return the items of `sources.toml` or `topics.toml`."""
    tree = tomllib.loads(files("config").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    list(take_out(tree))  # nobody needs to hear of our own files what waits for its day
    items: list[dict[str, Any]] = tree[name]
    return items
