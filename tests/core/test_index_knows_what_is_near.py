from __future__ import annotations

import pytest

from bot.core.index import Index, read_page


@pytest.mark.parametrize(
    ("query", "text", "near"),
    [
        ("tps AND haiti AND designation", "A designation ends", True),
        ("tps AND haiti", "Aid for Haiti", True),
        ("asylum", "A bridge opens over the river", False),
        ('"end of tps"', "The end of the road and of the river", True),
        ('"of tps"', "The road of the river", False),
        ("deport*", "Deportees arrive", True),
        ("parole", "El parole humanitario termina para los que lo tienen", True),
        ("deportaciones AND vuelos", "Los vuelos de la aerolínea para el verano", True),
    ],
)
def test_a_page_is_near_that_has_a_word_of_any_query(query: str, text: str, *, near: bool) -> None:
    index = Index({})
    assert not index.touches(read_page(text, ""))
    index.add(1, query)
    assert index.touches(read_page(text, "")) is near
