"""What changed on a watched page, in words: the entry that goes the way of any other document.

The page is quoted and never paraphrased; what stands around the quotes is in the page's own language, since one text
has to be read, and found by filters, as a whole. Both the old and the new words are in it, so a filter finds a change
by what was there as well as by what is there now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from bot.core.difference import Edit
from bot.core.intake import Entry, SourceSpec
from bot.core.text import cut

_QUOTED = 600  # characters of one quote
_SECTION_QUOTED = 3_000  # of a section that is new or gone
_NAMED = 90  # of a heading or a row's name
_LISTED = 60  # changes told in one text; the rest is counted
_IN_TITLE = 2

_WORDS = {
    "en": {
        "moved": "the date {old} is now {new}.",
        "worded": "“{old}” is now “{new}”.",
        "line_added": "it now says “{new}”.",
        "line_removed": "it no longer says “{old}”.",
        "renamed": "Section “{old}” is now called “{new}”.",
        "added": "New section “{name}”: {text}",
        "removed": "Section “{name}” was removed. It said: “{text}”",
        "more": "More changes on the page: {count}.",
        "title_changed": "“{name}” changed",
        "title_added": "“{name}” added",
        "title_removed": "“{name}” removed",
        "title_more": "and {count} more",
        "rebuilt": "page rebuilt",
        "gone": "Most of what stood on the page is gone. Sections before: {names}.",
    },
    "es": {
        "moved": "la fecha {old} ahora es {new}.",
        "worded": "“{old}” ahora dice “{new}”.",
        "line_added": "ahora dice “{new}”.",
        "line_removed": "ya no dice “{old}”.",
        "renamed": "La sección “{old}” ahora se llama “{new}”.",
        "added": "Sección nueva “{name}”: {text}",
        "removed": "Se quitó la sección “{name}”. Decía: “{text}”",
        "more": "Más cambios en la página: {count}.",
        "title_changed": "cambió “{name}”",
        "title_added": "se agregó “{name}”",
        "title_removed": "se quitó “{name}”",
        "title_more": "y {count} más",
        "rebuilt": "página rehecha",
        "gone": "Ya no está la mayor parte de la página. Secciones de antes: {names}.",
    },
}


@dataclass(frozen=True, slots=True)
class Added:
    """A section that was not there."""

    title: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """A section that is there no more."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A section that says something else, or has another heading than `was`, or both."""

    title: str
    was: str
    edits: tuple[Edit, ...]
    renamed: bool = False
    url: str = ""


Change: TypeAlias = Added | Removed | Changed


def notice(source: SourceSpec, changes: Sequence[Change]) -> Entry:
    """Tell the changes of one poll: in the title what they are about, in the text every one, moved dates first."""
    words = _words(source)
    changes = sorted(changes, key=_rank)
    named = [words[f"title_{_verb(change)}"].format(name=_short(_about(change))) for change in changes]
    if len(named) > _IN_TITLE:
        named[_IN_TITLE:] = [words["title_more"].format(count=len(named) - _IN_TITLE)]
    lines = [line for change in changes for line in _lines(change, words)]
    if len(lines) > _LISTED:
        lines[_LISTED:] = [words["more"].format(count=len(lines) - _LISTED)]
    kinds = dict.fromkeys(kind for change in changes for kind in _kinds(change))
    return Entry(
        url=_place(changes) or source.url,
        title=f"{source.name}: {', '.join(named)}",
        content="\n\n".join(lines),
        facts={"type": f"page change: {', '.join(kinds)}"},
    )


def rebuilt(source: SourceSpec, before: Iterable[str], sections: Sequence[tuple[str, str]]) -> Entry:
    """Tell that a page was replaced by another one: what stood there, and what stands there now."""
    words = _words(source)
    names = ", ".join(f"“{_short(title)}”" for title in before)
    added = [line for title, text in sections[:_LISTED] for line in _lines(Added(title, text), words)]
    return Entry(
        url=source.url,
        title=f"{source.name}: {words['rebuilt']}",
        content="\n\n".join((cut(words["gone"].format(names=names), _SECTION_QUOTED, len), *added)),
        facts={"type": "page change: page rebuilt"},
    )


def _words(source: SourceSpec) -> dict[str, str]:
    return _WORDS.get(source.language, _WORDS["en"])


def _verb(change: Change) -> str:
    match change:
        case Added():
            return "added"
        case Removed():
            return "removed"
        case Changed():
            return "changed"
        case _:
            assert_never(change)


def _about(change: Change) -> str:
    """Name what a change is about: its section, or the one row of a table that changed."""
    labels = {edit.label for edit in change.edits} if isinstance(change, Changed) else set()
    return next(iter(labels)) or change.title if len(labels) == 1 else change.title


def _place(changes: Sequence[Change]) -> str:
    """Give the address of the one section that there is to read; "" for the page as a whole."""
    [first, *others] = changes
    return "" if others or isinstance(first, Removed) else first.url


def _kinds(change: Change) -> Iterator[str]:
    if not isinstance(change, Changed):
        yield f"section {_verb(change)}"
        return
    if any(edit.moved for edit in change.edits):
        yield "date moved"
    if any(not edit.moved for edit in change.edits):
        yield "text changed"
    if change.renamed:
        yield "heading changed"


def _rank(change: Change) -> int:
    """Put moved dates first, then what is new or gone, then wording."""
    if isinstance(change, Changed):
        return 0 if any(edit.moved for edit in change.edits) else 2
    return 1


def _lines(change: Change, words: dict[str, str]) -> Iterator[str]:
    match change:
        case Added(title=title, text=text) | Removed(title=title, text=text):
            yield words[_verb(change)].format(name=_short(title), text=cut(text, _SECTION_QUOTED, len))
        case Changed(title=title, was=was, edits=edits, renamed=renamed):
            if renamed:
                yield words["renamed"].format(old=_short(was), new=_short(title))
            for edit in edits:
                yield from (f"{_where(title, edit.label)}: {said}" for said in _said(edit, words))
        case _:
            assert_never(change)


def _where(title: str, label: str) -> str:
    return f"{_short(title)}, {_short(label)}" if label else _short(title)


def _said(edit: Edit, words: dict[str, str]) -> Iterator[str]:
    for old, new in edit.moved:
        yield words["moved"].format(old=old, new=new)
    form = "line_added" if not edit.before else "line_removed" if not edit.after else "worded"
    yield words[form].format(old=cut(edit.before, _QUOTED, len), new=cut(edit.after, _QUOTED, len))


def _short(name: str) -> str:
    return cut(name, _NAMED, len)
