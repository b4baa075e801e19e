"""The house in figures. `make house` prints them; the tests beside this file hold them to their budgets."""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "handlers", "config")

FILE_LINES = 350
FUNCTION_LINES = 40
MEDIAN_FILE_LINES = 150
MEDIAN_FUNCTION_LINES = 8
P90_FUNCTION_LINES = 25
PATCHES_PER_TEST = 0.02

_PATCHING = frozenset({"monkeypatch", "mocker", "patch", "Mock", "MagicMock", "AsyncMock", "create_autospec"})


@dataclass(frozen=True, slots=True)
class Size:
    """How many lines something has, and where it is."""

    lines: int
    where: str


def python_files(*folders: str) -> list[Path]:
    """Give the Python files under folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def file_sizes(*folders: str) -> list[Size]:
    """Give the lines of every file that has any."""
    sizes = (
        Size(len(path.read_text(encoding="utf-8").splitlines()), str(path.relative_to(ROOT)))
        for path in python_files(*folders)
    )
    return [size for size in sizes if size.lines]


def function_sizes(*folders: str) -> list[Size]:
    """Give the lines of every function."""
    return [
        Size(size.lines, f"{path.relative_to(ROOT)}:{size.where}")
        for path in python_files(*folders)
        for size in sizes_in(path.read_text(encoding="utf-8"))
    ]


def sizes_in(code: str) -> list[Size]:
    """Give the lines of every function in some code, from its `def` to its end, without its docstring."""
    functions = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [Size(_lines(node), f"{node.lineno} {node.name}") for node in functions]


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    whole = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None or len(node.body) == 1:
        return whole
    assert first.end_lineno is not None
    return whole - (first.end_lineno - first.lineno + 1)


def tests_and_patches() -> tuple[int, int]:
    """Count test functions, and uses of what replaces a part of the program by force."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in python_files("tests")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    tests = sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_") for node in nodes
    )
    return tests, sum(isinstance(node, ast.Call) and is_patch(node.func) for node in nodes)


def is_patch(called: ast.expr) -> bool:
    """Say whether what is called is `monkeypatch.setattr`, `mock.patch.object`, `MagicMock` and the like."""
    names = []
    while isinstance(called, ast.Attribute):
        names.append(called.attr)
        called = called.value
    names.append(called.id if isinstance(called, ast.Name) else "")
    return bool(_PATCHING & set(names))


def p90(values: Sequence[int]) -> float:
    """Return the ninetieth percentile."""
    return statistics.quantiles(values, n=10, method="inclusive")[-1]


def lint_imports(folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Judge the import contracts of a copy of the repository."""
    program = Path(sys.executable).with_name("lint-imports")
    environ = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    command = [program, "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def branch_coverage() -> dict[str, Any]:
    """Run the tests of the core under coverage, and return what coverage says of the core and the commands."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "COVERAGE_FILE": f"{folder}/coverage"}
        measure = ["run", "--branch", "--source=bot.core,bot.commands", "-m", "pytest", "-q", "-x", "tests/core"]
        for arguments in (measure, ["combine", "-q"], ["json", "-q", "-o", f"{folder}/coverage.json"]):
            command = [sys.executable, "-m", "coverage", *arguments]
            done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"coverage {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        measured: dict[str, Any] = json.loads(Path(f"{folder}/coverage.json").read_text(encoding="utf-8"))
    return measured


def _coverage_lines(measured: dict[str, Any]) -> Iterator[str]:
    for name in ("bot/core", "bot/commands"):
        files = {path: file["summary"] for path, file in measured["files"].items() if path.startswith(name)}
        covered = sum(summary["covered_branches"] for summary in files.values())
        branches = sum(summary["num_branches"] for summary in files.values())
        missing = sum(summary["missing_lines"] for summary in files.values())
        share = 100 * covered / max(branches, 1)
        yield f"branch coverage of {name}: {share:.1f} % of {branches}, {missing} lines missed"
        for path, summary in files.items():
            if summary["missing_branches"] or summary["missing_lines"]:
                yield f"  {path}: {summary['missing_branches']} branches, {summary['missing_lines']} lines missed"


def _size_line(what: str, sizes: list[Size]) -> str:
    lines = [size.lines for size in sizes]
    longest = max(sizes, key=lambda size: size.lines)
    middle = statistics.median(lines)
    return (
        f"{what}: {len(sizes)}, median {middle:g} lines, p90 {p90(lines):g}, longest {longest.lines} ({longest.where})"
    )


def report() -> Iterator[str]:
    """Yield the figures, a line each."""
    yield _size_line("files", file_sizes(*PACKAGES))
    yield _size_line("functions", function_sizes(*PACKAGES))
    yield _size_line("test files", file_sizes("tests"))
    tests, patches = tests_and_patches()
    yield f"patches per test: {patches / max(tests, 1):.3f} ({patches} in {tests})"
    yield from (line for line in lint_imports().stdout.splitlines() if line.startswith("Contracts:"))
    yield from _coverage_lines(branch_coverage())


if __name__ == "__main__":
    for line in report():
        print(line, flush=True)
