"""Two versions of a text → what a reader should be told: the sentences and rows that are new, gone or worded anew.

What nobody would call a change is none: white space, case, quotes, dashes and other signs, accents, trackers in
addresses, and the order of sentences and rows. Everything is linear in the text, but for the search of which new
sentence replaced which old one, and that is bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from bot.core.days import Day, days_in
from bot.core.links import canonical_url
from bot.core.terms import normalize

CELL = " | "  # between the cells of a table's row, whose first one names it
_PAIRED_AT_MOST = 100  # sentences on either side that are compared with one another
_ALIKE = 0.5  # share of words that two wordings of one sentence have in common; other pairs read as two sentences
_CONTEXT_BEFORE = 5  # words quoted for a reader to see what a change is about
_CONTEXT_AFTER = 3

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\S+")
_ADDRESS = re.compile(r"https?://\S+")
# Two letters before the stop: "U.S. Citizenship" is no end of a sentence.
_SENTENCE = re.compile(r"(?<=[a-zà-ÿ0-9)”\"][a-zà-ÿ0-9)”\"][.!?])\s+(?=[\"“¿¡(]?[^\W\d_])")


@dataclass(frozen=True, slots=True)
class Edit:
    """One sentence or row that changed. `label` names its row, if any; "" in `before` or `after`: there was none.

    `moved` are the days that took another's place, in the text's own words.
    """

    label: str = ""
    before: str = ""
    after: str = ""
    moved: tuple[tuple[str, str], ...] = ()


def folded(text: str) -> str:
    """Reduce a text to what counts as said: its words in one spelling, addresses without trackers."""
    plain = _ADDRESS.sub(lambda address: canonical_url(address[0]), text)
    return " ".join(_WORD.findall(normalize(plain)))


def alikeness(one: str, other: str) -> float:
    """Say how much of the longer of two folded texts the other has too, from 0 to 1."""
    return _overlap(Counter(one.split()), Counter(other.split()))


def edits(old: str, new: str) -> tuple[Edit, ...]:
    """Say what changed between two versions, in the order of the new one; what is gone comes last."""
    if folded(old) == folded(new):  # also where only paragraphs begin elsewhere
        return ()
    was, now = list(_lines(old)), list(_lines(new))
    before, after = _units(_without(was, now)), _units(_without(now, was))
    gone, added = _without(before, after), _without(after, before)
    replaced = _replacements(gone, added)
    changed = [_edit(replaced.get(at), unit) for at, unit in enumerate(added)]
    taken = {id(unit) for unit in replaced.values()}
    return (*changed, *(_edit(unit, None) for unit in gone if id(unit) not in taken))


@dataclass(frozen=True, slots=True)
class _Unit:
    text: str
    key: str
    label: str


def _lines(text: str) -> Iterator[_Unit]:
    for line in text.split("\n"):
        label = line.partition(CELL)[0].strip() if CELL in line else ""
        yield _Unit(line.strip(), folded(line), label)


def _units(lines: Iterable[_Unit]) -> list[_Unit]:
    """Cut lines into sentences; a row stays whole."""
    units = []
    for line in lines:
        sentences = [line.text] if line.label else _SENTENCE.split(line.text)
        units += [_Unit(said, key, line.label) for said in sentences if (key := folded(said))]
    return units


def _without(units: Iterable[_Unit], others: Iterable[_Unit]) -> list[_Unit]:
    """Leave out of `units` what stands among the others, as often as it stands there."""
    there = Counter(unit.key for unit in others)
    left = []
    for unit in units:
        if there[unit.key]:
            there[unit.key] -= 1
        else:
            left.append(unit)
    return left


def _replacements(gone: Sequence[_Unit], added: Sequence[_Unit]) -> dict[int, _Unit]:
    """Say which old unit each new one, by its place, took the place of: the likest first, each once."""
    candidates = [(unit, Counter(unit.key.split())) for unit in islice(gone, _PAIRED_AT_MOST)]
    found = [
        (-_likeness(old, words, new, Counter(new.key.split())), at, place)
        for at, new in enumerate(islice(added, _PAIRED_AT_MOST))
        for place, (old, words) in enumerate(candidates)
    ]
    taken: set[int] = set()
    replaced: dict[int, _Unit] = {}
    for likeness, at, place in sorted(found):
        if -likeness >= _ALIKE and at not in replaced and place not in taken:
            replaced[at] = candidates[place][0]
            taken.add(place)
    return replaced


def _likeness(old: _Unit, old_words: Counter[str], new: _Unit, new_words: Counter[str]) -> float:
    """Compare two units; rows with one name are one row, whatever else they say."""
    named_alike = bool(old.label) and folded(old.label) == folded(new.label)
    return _overlap(old_words, new_words) + named_alike


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    longer = max(one.total(), other.total())
    return (one & other).total() / longer if longer else 1.0


def _edit(old: _Unit | None, new: _Unit | None) -> Edit:
    if old is None or new is None:
        label = (old or new or _NOTHING).label
        return Edit(label, old.text if old else "", new.text if new else "")
    before, after = days_in(old.text), days_in(new.text)
    moved = tuple(
        (old.text[was.start : was.end], new.text[now.start : now.end])
        for was, now in zip(before, after, strict=False)
        if was.on != now.on and len(before) == len(after)
    )
    from_old, from_new = _changed_part(old.text, before), _changed_part(new.text, after)
    mine, theirs = from_old.words, from_new.words
    same_start = _same(zip(mine, theirs, strict=False))
    same_end = _same(zip(reversed(mine[same_start:]), reversed(theirs[same_start:]), strict=False))
    return Edit(new.label, from_old.quote(same_start, same_end), from_new.quote(same_start, same_end), moved)


_NOTHING = _Unit("", "", "")


def _same(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A text by its words: how each compares, and where it stands."""

    text: str
    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    days: tuple[Day, ...]

    def quote(self, same_start: int, same_end: int) -> str:
        """Quote all but so many words at both ends, with a few of these for context and every day whole."""
        first, last = same_start - _CONTEXT_BEFORE, len(self.places) - same_end - 1 + _CONTEXT_AFTER
        start = self.places[first][0] if first > 0 else 0
        end = self.places[last][1] if last < len(self.places) - 1 else len(self.text)
        start = min([start, *(day.start for day in self.days if day.start < start < day.end)])
        end = max([end, *(day.end for day in self.days if day.start < end < day.end)])
        opening, closing = "… " if start else "", " …" if end < len(self.text) else ""
        return f"{opening}{self.text[start:end]}{closing}"


def _changed_part(text: str, days: tuple[Day, ...]) -> _Tokens:
    tokens = [(key, found.span()) for found in _TOKEN.finditer(text) if (key := folded(found[0]))]
    return _Tokens(text, tuple(key for key, _ in tokens), tuple(place for _, place in tokens), days)
