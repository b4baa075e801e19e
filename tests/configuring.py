"""Writing a `bot.toml` and loading it, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import ConfigError
from config import Settings, load

SOURCE = """
[[sources]]
id = "{id}"
name = "A source"
kind = "feed"
url = "https://example.org/feed"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "bot.toml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    return load(write(folder, text), environ or {})


def problems(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Load a configuration that has problems, and return them."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, environ)
    return dict(caught.value.problems)
