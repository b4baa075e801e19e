"""Filters: a chat's own queries. What one would have found is shown before it is kept; `search` shows it alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.commands.following import MAX_SUBSCRIPTIONS
from bot.commands.naming import is_topic, line_again
from bot.commands.registry import Declined, Desk, Who, command
from bot.commands.searching import marked, survey, topic_trees
from bot.commands.wording import bold, echo, plural, refusal, reply, typed
from bot.core.model import Subscription
from bot.core.preview import MANY_A_DAY, TOO_MANY_A_DAY, WINDOW, Preview
from bot.core.query import Query, QueryError, describe, expand, parse, point_at, show
from bot.core.speech import Call, Choice, Mark, Reply, Span
from bot.core.text import cut

_NAME_CHARS = 64
_SEARCHED = 5  # stories that a search shows
_WEEK = 7
_DAY = timedelta(days=1)
_LIST = Choice("What this chat follows", "list")


@dataclass(frozen=True, slots=True)
class _Written:
    """A query as it was typed, read; `name` is empty where none was given. Both stand in `line` as typed."""

    name: str
    query: Query
    line: str

    @property
    def label(self) -> str:
        return self.name or cut(show(self.query), _NAME_CHARS, len)


@command(
    "filter add [NAME =] QUERY",
    "your own query: shows what it would have found, then saves it; also filter test, edit and delete",
    who=Who.CHANGERS,
    aliases=("newfilter", "editfilter", "testfilter", "delfilter"),
)
async def filter_(desk: Desk, call: Call) -> Reply:
    words = _SHORT.get(call.verb, ()) + call.args
    run = _STEPS.get(words[0].lower()) if words else None
    if run is None:
        example = typed(desk, call, 'filter add haiti (tps OR parole) -"fee schedule"')
        return refusal(f"Usage: filter {'|'.join(_STEPS)}. For example: ", example, choices=[_LIST])
    return await run(desk, call, words[1:])


@command("search QUERY", "what a query finds among the stories of the last 30 days", who=Who.EVERYBODY)
async def search(desk: Desk, call: Call) -> Reply:
    written = _read(desk, call, call.args)
    (seen,) = await survey(desk, written.query, samples=_SEARCHED)
    save = f"filter save {written.line}"
    return reply(*_found(desk, seen), *_advice(seen), choices=[Choice("Save as a filter", save)] if seen.count else [])


async def _test(desk: Desk, call: Call, words: tuple[str, ...]) -> Reply:
    written = _read(desk, call, words)
    (seen,) = await survey(desk, written.query)
    return reply(*_preview(desk, written, seen), choices=[_LIST])


async def _add(desk: Desk, call: Call, words: tuple[str, ...]) -> Reply:
    """Show what a filter would have found, and how to keep it."""
    written = _read(desk, call, words)
    (seen,) = await survey(desk, written.query)
    return _offer(desk, call, _preview(desk, written, seen), seen, f"filter save {written.line}")


async def _save(desk: Desk, call: Call, words: tuple[str, ...]) -> Reply:
    written = _read(desk, call, words)
    if len(await desk.store.subscriptions(call.chat)) >= MAX_SUBSCRIPTIONS:
        raise Declined(
            refusal(f"A chat may follow up to {MAX_SUBSCRIPTIONS} things. Drop something first.", choices=[_LIST])
        )
    return await _keep(desk, call, written)


async def _keep(desk: Desk, call: Call, written: _Written) -> Reply:
    (seen,) = await survey(desk, written.query)
    if seen.is_too_much:
        raise Declined(refusal(*_too_much(seen)))
    text = show(written.query)
    added = await desk.store.follow(call.chat, desk.voice, text, written.label, desk.clock.now())
    held = await desk.store.subscriptions(call.chat)
    kept = next(one for one in held if one.query == text)
    said = f"Saved as filter {kept.id} " if added else f"This chat has that query already, as {kept.id} "
    undo = f"filter delete {kept.id}"
    parts = said, bold(kept.label), ". To undo: ", typed(desk, call, undo)
    return reply(*parts, choices=[Choice("Undo", undo), _LIST])


async def _edit(desk: Desk, call: Call, words: tuple[str, ...]) -> Reply:
    """Show what a changed filter would have found beside what it finds now, and how to keep the change."""
    old = await _held(desk, call, words[:1])
    if not words[1:]:
        line = f"filter edit {old.id} {old.query}"
        return reply(bold(old.label), " reads: ", typed(desk, call, line), "\nSend that line with what is to change.")
    written = _read(desk, call, words[1:])
    seen, before = await survey(desk, written.query, parse(old.query))
    change = f"\nThe filter {old.id} finds {before.count:,} now; it would find {seen.count:,}."
    parts = [*_preview(desk, written, seen), Span(change)]
    return _offer(desk, call, parts, seen, f"filter replace {old.id} {written.line}")


async def _replace(desk: Desk, call: Call, words: tuple[str, ...]) -> Reply:
    """Keep a changed filter: the new one first, so that no moment is without either."""
    old = await _held(desk, call, words[:1])
    written = _read(desk, call, words[1:])
    if show(written.query) == old.query:
        return refusal("That is what it reads now. To change it: ", typed(desk, call, f"filter edit {old.id}"))
    kept = await _keep(desk, call, written)
    await desk.store.unfollow(call.chat, old.query, desk.clock.now())
    undo = typed(desk, call, line_again(old))
    return reply(*kept.spans, "\nIt took the place of ", bold(old.label), ", which was: ", undo, choices=[_LIST])


async def _delete(desk: Desk, call: Call, words: tuple[str, ...]) -> Reply:
    old = await _held(desk, call, words)
    await desk.store.unfollow(call.chat, old.query, desk.clock.now())
    undo = line_again(old)
    parts = f"Deleted filter {old.id} ", bold(old.label), ". To undo: ", typed(desk, call, undo)
    return reply(*parts, choices=[Choice("Undo", undo), _LIST])


_Step = Callable[[Desk, Call, tuple[str, ...]], Awaitable[Reply]]
_STEPS: Mapping[str, _Step] = {
    "add": _add,
    "test": _test,
    "save": _save,
    "edit": _edit,
    "replace": _replace,
    "delete": _delete,
}
_SHORT: Mapping[str, tuple[str, ...]] = {
    "newfilter": ("add",),
    "editfilter": ("edit",),
    "testfilter": ("test",),
    "delfilter": ("delete",),
}


async def _held(desk: Desk, call: Call, words: tuple[str, ...]) -> Subscription:
    """Find the filter that is meant by its number; decline where there is none."""
    held = [one for one in await desk.store.subscriptions(call.chat) if not is_topic(one.query)]
    found = next((one for one in held if (str(one.id),) == words), None)
    if found is None:
        numbers = ", ".join(str(one.id) for one in held) or "none"
        raise Declined(refusal(f"Which one? Give its number. This chat has {numbers}.", choices=[_LIST]))
    return found


def _read(desk: Desk, call: Call, words: tuple[str, ...]) -> _Written:
    """Read `[NAME =] QUERY`; decline where it cannot be read, with the place marked."""
    equals = words.index("=") if "=" in words else -1
    text = " ".join(words[equals + 1 :])
    if not text:
        raise Declined(refusal("Look for what? For example: ", typed(desk, call, "search haiti tps")))
    try:
        query = parse(text)
        expand(query, topic_trees(desk.topics))
    except QueryError as error:
        pointer = Span(f"\n{point_at(error, text)}\n", Mark.CODE)
        raise Declined(refusal(error.sentence, pointer, error.hint)) from error
    return _Written(echo(" ".join(words[: max(equals, 0)])), query, " ".join(words))


def _offer(desk: Desk, call: Call, parts: list[Span], seen: Preview, line: str) -> Reply:
    """Offer to keep a filter that was shown, unless it finds too much."""
    if seen.is_too_much:
        return refusal(*parts)
    return reply(*parts, "\nTo save it: ", typed(desk, call, line), choices=[Choice("Save, right away", line), _LIST])


def _preview(desk: Desk, written: _Written, seen: Preview) -> list[Span]:
    head = bold(written.name or "Filter preview"), Span(f"\n{show(written.query)}\n", Mark.CODE)
    return [*head, Span(f"Reads as: {describe(written.query)}\n"), *_found(desk, seen), *_advice(seen)]


def _found(desk: Desk, seen: Preview) -> Iterable[Span]:
    days = min(max(round(seen.covers / _DAY), 1), WINDOW.days)
    looked = f"{plural(seen.looked_at, 'story', 'stories')} of the last {plural(days, 'day')}"
    if seen.count:
        rate = f"about {seen.count * _WEEK / days:.0f} a week" if days >= _WEEK else f"{seen.a_day:.0f} a day"
        yield Span(f"Matched {seen.count:,} of {looked} ({rate}).\n")
    else:
        yield Span(f"Matched none of {looked}. That can be right for rare events.\n")
    for number, sample in enumerate(seen.samples, 1):
        yield from (Span(f"{number}. "), *marked(sample, desk.voice), Span("\n"))


def _advice(seen: Preview) -> Iterable[Span]:
    for clause, count in seen.left_out:
        yield from (Span("Left out by "), Span(clause, Mark.CODE), Span(f": {count:,}.\n"))
    if seen.looser:
        clause, count = seen.looser
        yield from (Span("Without "), Span(clause, Mark.CODE), Span(f" it would match {count:,}.\n"))
    for word, like in seen.unknown:
        meant = f" Did you mean {like}?" if like else ""
        yield Span(f"“{word}” stands in none of them.{meant}\n")
    if seen.is_too_much:
        yield Span(_too_much(seen))
    elif seen.is_much:
        yield Span(f"That is more than {MANY_A_DAY} a day; it may be wise to narrow it.\n")


def _too_much(seen: Preview) -> str:
    return f"That is {seen.a_day:.0f} a day. More than {TOO_MANY_A_DAY} a day are not sent right away: narrow it.\n"
