"""How each source is, as everybody is told who asks: in a chat, on a page, in a shell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bot.commands.registry import Desk
from bot.commands.wording import bold, plural
from bot.core.condition import TROUBLES, UNWATCHABLE, Condition, Finding, find
from bot.core.intake import SourceSpec
from bot.core.speech import Span

FEW = 12  # sources that are each told of; of more, those that are well share a line
_SAID_ALWAYS = (Condition.OK, Condition.FAILING, Condition.NOT_YET)
_COUNTED = {Condition.NOT_YET: "not polled yet", Condition.HELD: "with items held back"}
_LAST = (Condition.PAUSED, Condition.NOT_YET, Condition.OK)

Found = Sequence[tuple[SourceSpec, Finding]]


async def findings(desk: Desk) -> Found:
    """Find how each source is, in the order in which they are configured."""
    cursors = {cursor.source_id: cursor for cursor in await desk.store.cursors()}
    paused, held = await desk.store.paused_sources(), {one.source_id: one for one in await desk.store.floods()}
    habits = await desk.habits()
    return [
        (
            source,
            find(
                source,
                cursors.get(source.id),
                desk.clock.now(),
                habit=habits.get(source.id),
                paused_since=paused.get(source.id),
                held=held.get(source.id),
                zone=desk.voice.zone,
            ),
        )
        for source in desk.sources
    ]


def listed(found: Found, *, for_operator: bool) -> Iterator[str | Span]:
    """Say of each how it is, troubles first; many that are well share a line."""
    well = [source for source, finding in found if finding.condition is Condition.OK]
    bundled = {source.id for source in well} if len(found) > FEW else set()
    for source, finding in sorted(found, key=lambda one: _urgency(one[1].condition)):
        if source.id not in bundled:
            shown_id = f" ({source.id})" if for_operator else ""
            yield bold(source.name)
            yield f"{shown_id} · {finding.words}\n"
    if bundled:
        yield bold(f"{plural(len(well), 'source')} ok")
        yield f": {'; '.join(source.id if for_operator else source.name for source in well)}\n"


def counted(found: Found) -> str:
    """Count the conditions: `20 ok, 1 failing, 0 not polled yet, 2 refused`."""
    counts = Counter(finding.condition for _, finding in found)
    others = [condition for condition in Condition if condition not in _SAID_ALWAYS and counts[condition]]
    shown = ", ".join(f"{counts[one]} {_COUNTED.get(one, one.value)}" for one in (*_SAID_ALWAYS, *others))
    return f"{plural(len(found), 'source')}: {shown}"


def verdict(found: Found) -> str:
    """Say in a word how all of them are."""
    conditions = {finding.condition for _, finding in found}
    if not conditions:
        return "Nothing to read"
    if conditions & TROUBLES:
        return "Partly failing" if Condition.OK in conditions else "Failing"
    if Condition.LATE in conditions:
        return "Partly late"
    return "Healthy" if Condition.OK in conditions else "Starting"


def unwatchable(found: Found) -> Iterator[str]:
    """Name what cannot be watched, and the other door to each."""
    shut = [(source, finding) for source, finding in found if finding.condition in UNWATCHABLE]
    if shut:
        doors = (
            f"{source.name} (see {finding.elsewhere})" if finding.elsewhere else source.name for source, finding in shut
        )
        yield f"\nCannot be watched: {'; '.join(doors)}"


def _urgency(condition: Condition) -> int:
    return _LAST.index(condition) + 1 if condition in _LAST else 0
