from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.figures import PACKAGES, ROOT, lint_imports

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# For each contract, a line of code that breaks it and the file it is added to.
VIOLATIONS = {
    "Layers: data flows one way and only bot.app looks up": ("bot/store/memory", "import bot.commands"),
    "The core is pure: values in, values out": ("bot/core/words", "import time"),
    "Rooms never see each other": ("handlers/console", "import handlers.web"),
    "Kinds of sources never see each other": ("bot/sources/federal_register", "import bot.sources.feed"),
    "Sources run in the child process only": ("bot/poll", "import bot.sources.feed"),
    "One library, one room: Telegram's": ("bot/deliver", "import telegram"),
    "One library, one room: Slack's": ("bot/welcome", "import slack_sdk"),
    "One library, one room: the parser of feeds": ("bot/fetch", "import feedparser"),
    "One library, one room: the database": ("bot/operate", "import sqlite3"),
    "One library, one room: the scheduler": ("bot/daemon", "import apscheduler.schedulers"),
    "One library, few rooms: HTTP": ("bot/control", "import aiohttp"),
    "One library, one room: the grammar and the stems of queries, and CSS selectors": ("bot/logs", "import lark"),
    "One library, one room: web pages that we read": ("bot/logs", "import lxml"),
    "One library, one room: the text of articles": ("bot/logs", "import trafilatura"),
    "One library, one room: settings": ("bot/app/world", "import pydantic"),
    "One library, one room: the command line": ("handlers/console", "import rich"),
    "One library, one room: figures": ("bot/deliver", "import prometheus_client"),
    "One library, one room: pages": ("bot/cli/layout", "import jinja2"),
}


def test_every_contract_is_kept() -> None:
    done = lint_imports()
    assert done.returncode == 0, done.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


def test_every_contract_notices_when_it_is_broken(tmp_path: Path) -> None:
    assert set(VIOLATIONS) == {contract["name"] for contract in CONTRACTS}
    for name in (*PACKAGES, "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for module, line in VIOLATIONS.values():
        file = tmp_path / f"{module}.py" if (tmp_path / f"{module}.py").exists() else tmp_path / module / "__init__.py"
        with file.open("a") as code:
            code.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert {name for name in VIOLATIONS if f"{name} BROKEN" in done.stdout} == set(VIOLATIONS)


def test_the_daemons_own_process_never_loads_what_parses() -> None:
    code = "import sys, bot.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "bot.app" in loaded.split()
    assert not {"feedparser", "bot.sources", "bot.sources.feed", "trafilatura", "lxml"} & set(loaded.split())
