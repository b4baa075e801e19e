from __future__ import annotations

import ast

import pytest

from tests.house import figures


def test_hardly_any_test_replaces_a_part_of_the_program_by_force() -> None:
    tests, patches = figures.tests_and_patches()
    assert tests > 100
    assert patches / tests <= figures.PATCHES_PER_TEST


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("monkeypatch.setattr(a, 'b', 1)", True),
        ("monkeypatch.context().setenv('A', 'b')", False),
        ("mock.patch.object(a, 'b')", True),
        ("MagicMock()", True),
        ("patch('a.b')", True),
        ("server.fault('a')", False),
    ],
)
def test_patches_are_recognized(code: str, counts: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert figures.is_patch(call.func) is counts
