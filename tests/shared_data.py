"""Real data to measure with. It belongs to others, so it stays outside the project; tests skip where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1].parent / "shared" / "data"


def shared(path: str) -> Path:
    """Find a file or folder below `../shared/data`, or skip the test and say why."""
    found = ROOT / path
    if not found.exists():
        pytest.skip(f"needs ../shared/data/{path}, which is not here")
    return found
