"""Queries and documents for property tests: few words, so that they meet."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.core.tree import Exact, Field, Prefix, Query, Word, all_of, any_of, in_order, negate, wants_nothing

WORDS = ["tps", "asylum", "visa", "border", "deport", "deportado", "deportación", "the", "que", "u.s", "h", "1b"]
PREFIXES = ["dep", "deporta", "asy", "bord"]

spelled = st.sampled_from([word.replace(".", "") for word in WORDS])
_leaf = st.one_of(
    spelled.map(Word),
    spelled.map(Exact),
    st.sampled_from(PREFIXES).map(Prefix),
    st.lists(spelled, min_size=2, max_size=3).map(in_order),
)


def _wider(parts: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(several.map(all_of), several.map(any_of), parts.map(negate))


inside = st.recursive(_leaf, _wider, max_leaves=4)
ANY_QUERY = st.recursive(st.one_of(_leaf, inside.map(lambda query: Field("title", query))), _wider, max_leaves=8)
QUERIES = ANY_QUERY.filter(lambda query: not wants_nothing(query))

# Documents: the same words in other forms and breaks between phrases, with small words that give a language away.
_FORMS = [*WORDS, "Visas", "deported", "Deportadas", "Deportaciones", "bordes", "ASYLUM", "H-1B", ",", "U.S.", "x"]
_ENGLISH = "of and to in with"
_SPANISH = "los en una por se"
_FLAVORS = ["", "los", _ENGLISH, _SPANISH, f"{_ENGLISH} {_SPANISH}"]
TEXTS = st.tuples(st.sampled_from(_FLAVORS), st.lists(st.sampled_from(_FORMS), max_size=12)).map(
    lambda made: " ".join((made[0], *made[1]))
)
PAGES = st.tuples(TEXTS, TEXTS)
