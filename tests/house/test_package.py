"""What people install is what we mean them to get."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.figures import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    assert not [name for name in names if "test" in name or "__pycache__" in name or name.endswith((".db", ".pyc"))]


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout.split()
    if not listing:
        pytest.skip("this is no clone, so nothing says which files belong to it")
    assert set(listing) <= set(zipfile.ZipFile(wheel).namelist())
    assert {Path(name).suffix for name in listing} > {".py", ".toml"}


def test_the_wheel_works_where_there_is_no_repository(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-m", "bot", "check"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("bot.toml: fine")


def test_the_command_line_is_an_entry_point(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "policybell = bot.cli:main" in archive.read(points).decode()


def test_no_dependency_owns_our_names() -> None:
    owners = packages_distributions()
    assert [name for name in PACKAGES if set(owners.get(name, ())) - {"policybell"}] == []


def test_a_strangers_packages_are_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").write_text("raise SystemExit('executed')")
    command = [sys.executable, "-m", "bot", "check"]
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not Policybell's. Start it with `policybell`" in done.stderr
    assert "executed" not in done.stderr


def test_the_lock_names_no_address() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK


def test_the_lock_pins_everything_with_hashes() -> None:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==\S+.*\\$", LOCK, re.MULTILINE)
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_pins_what_is_asked_for() -> None:
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, re.MULTILINE)}
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    names = {re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-") for line in asked}
    assert names <= pinned
