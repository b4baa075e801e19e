"""`python -m bot`: the command line, once it is sure that all three packages are ours.

Python puts the current folder first on its path, so a stranger's `config/` lying there would be taken for ours.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import bot
from bot.cli import main


def stranger() -> str:
    """Return what stands in the place of `config` or `handlers` without lying beside `bot`, or nothing."""
    home = Path(bot.__file__).resolve().parent.parent
    for name in ("config", "handlers"):
        spec = find_spec(name)
        origin = spec.origin if spec and spec.origin else ""
        if Path(origin).resolve().parent.parent != home:
            return f"{name} ({origin or 'not found'})"
    return ""


if __name__ == "__main__":
    if found := stranger():
        sys.exit(f"{found} is not Policybell's. Start it with `policybell`, or from a folder that has no such folder.")
    main()
