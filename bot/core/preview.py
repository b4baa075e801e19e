"""What a query would have found: asked of stored stories by the one matcher, before anybody follows it.

The clauses of an AND are asked one by one, so the same pass says what each exclusion kept out, and which clause to
drop where nothing is left.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.model import Hit, Story
from bot.core.page import Page, Search
from bot.core.query import All, Not, Query, Word, expand, show
from bot.core.terms import read_word
from bot.core.tree import all_of, leaves, wants_nothing

WINDOW: Final = timedelta(days=30)
MANY_A_DAY: Final = 5  # above this a preview warns (design/experience.md section 6)
TOO_MANY_A_DAY: Final = 30  # above this nothing is sent right away (same)
_DAY: Final = timedelta(days=1)
_LIKENESS: Final = 0.75  # how like a stored word an unknown one must be before it is asked about
_MORE_LETTERS: Final = 2  # a slip of the finger makes a word longer or shorter by no more


@dataclass(frozen=True, slots=True)
class Sample:
    """A story that matches, and the words on which it does."""

    story: Story
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query finds among stored stories of the last 30 days.

    `looked_at` is how many stories were asked, `covers` how far back they reach (at least a day). `samples` are the
    first that matched. `left_out` says how many each exclusion alone kept out, `looser` the clause without which most
    would match, where nothing does, and how many. `unknown` are words that stand in no story, with the stored word
    that is most like each ("" where none is).
    """

    count: int
    looked_at: int
    covers: timedelta
    samples: tuple[Sample, ...]
    left_out: tuple[tuple[str, int], ...]
    looser: tuple[str, int] | None
    unknown: tuple[tuple[str, str], ...]

    @property
    def a_day(self) -> float:
        """How many a day, on average."""
        return self.count / (self.covers / _DAY)

    @property
    def is_much(self) -> bool:
        """Say whether so many alerts a day deserve a warning."""
        return self.a_day > MANY_A_DAY

    @property
    def is_too_much(self) -> bool:
        """Say whether so many alerts a day may not be sent right away."""
        return self.a_day > TOO_MANY_A_DAY


class Survey:
    """One query that is asked of story after story; show it the newest first."""

    def __init__(self, query: Query, topics: Mapping[str, Query], now: datetime) -> None:
        """`query` still names its topics, `topics` are their queries. Raise `QueryError` for a topic unknown."""
        self._since = now - WINDOW
        self._now = now
        self._clauses = query.parts if isinstance(query, All) else (query,)
        self._expanded = [expand(clause, topics) for clause in self._clauses]
        self._whole = all_of(self._expanded)
        self._blocked = [0] * len(self._clauses)  # stories that match but for this clause
        self._unseen = {leaf for leaf in leaves(query) if isinstance(leaf, Word)}
        self._vocabulary: set[str] = set()
        self._count = self._looked_at = 0
        self._oldest = now

    def look(self, story: Story, page: Page) -> tuple[Hit, ...] | None:
        """Ask one story, whose words are `page`: where it matches, or None; None for one from before the window."""
        when = min(story.lead.claimed_at or story.first_seen_at, story.first_seen_at)
        if when < self._since:
            return None
        self._looked_at += 1
        self._oldest = min(self._oldest, when)
        search = Search(page)
        self._learn(search, page)
        missing = [at for at, clause in enumerate(self._expanded) if search.find(clause) is None]
        if missing:
            if len(missing) == 1:
                self._blocked[missing[0]] += 1
            return None
        self._count += 1
        return search.find(self._whole)

    def preview(self, samples: tuple[Sample, ...] = ()) -> Preview:
        """Sum up what was seen; `samples` are shown with it."""
        counted = list(zip(self._clauses, self._blocked, strict=True))
        return Preview(
            count=self._count,
            looked_at=self._looked_at,
            covers=max(self._now - self._oldest, _DAY),
            samples=samples,
            left_out=tuple((show(clause), many) for clause, many in counted if isinstance(clause, Not)),
            looser=None if self._count else self._looser(),
            unknown=tuple((word.text, self._like(word)) for word in sorted(self._unseen, key=lambda word: word.text)),
        )

    def _learn(self, search: Search, page: Page) -> None:
        if self._unseen:
            self._unseen = {word for word in self._unseen if search.find(word) is None}
            self._vocabulary.update(*page.spellings.values())

    def _looser(self) -> tuple[str, int] | None:
        """The clause to drop: that without which most would match, and something is still looked for."""
        found = [
            (show(clause), many)
            for at, (clause, many) in enumerate(zip(self._clauses, self._blocked, strict=True))
            if many and not all(map(wants_nothing, self._expanded[:at] + self._expanded[at + 1 :]))
        ]
        return max(found, key=lambda one: one[1], default=None)

    def _like(self, word: Word) -> str:
        folded = read_word(word.text).folded
        alike = sorted(
            known
            for known in self._vocabulary
            if known[:1] == folded[:1] and abs(len(known) - len(folded)) <= _MORE_LETTERS
        )
        return next(iter(difflib.get_close_matches(folded, alike, n=1, cutoff=_LIKENESS)), "")
