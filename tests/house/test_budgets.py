from __future__ import annotations

import statistics

import pytest

from tests.house import figures
from tests.house.figures import PACKAGES

FILES = figures.file_sizes(*PACKAGES)
FUNCTIONS = figures.function_sizes(*PACKAGES)


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    assert [size for size in [*FILES, *figures.file_sizes("tests")] if size.lines > figures.FILE_LINES] == []


def test_no_function_is_longer_than_a_screen() -> None:
    assert [size for size in FUNCTIONS if size.lines > figures.FUNCTION_LINES] == []


def test_most_files_and_functions_are_short() -> None:
    lines = [size.lines for size in FUNCTIONS]
    assert statistics.median(size.lines for size in FILES) <= figures.MEDIAN_FILE_LINES
    assert statistics.median(lines) <= figures.MEDIAN_FUNCTION_LINES
    assert figures.p90(lines) <= figures.P90_FUNCTION_LINES


def test_a_docstring_costs_nothing_and_what_is_nested_counts_twice() -> None:
    code = (
        'def a():\n    """One.\n\n    Two.\n    """\n    def b():\n        return 1\n\n    return b\n\n\ndef c(): ...\n'
    )
    assert {size.where.rpartition(" ")[2]: size.lines for size in figures.sizes_in(code)} == {"a": 5, "b": 2, "c": 1}


FORBIDDEN = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "pragma: no " + "cover", "type: ignore\n")


@pytest.mark.parametrize("word", FORBIDDEN, ids=lambda word: word.strip())
def test_nothing_is_left_for_later_or_waved_through(word: str) -> None:
    texts = {str(path.relative_to(figures.ROOT)): path.read_text() for path in figures.python_files(*PACKAGES, "tests")}
    assert [where for where, text in texts.items() if word in text] == []
