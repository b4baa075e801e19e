"""Silence for a while: the whole chat or one thing it follows, until a moment or until somebody ends it.

What matches meanwhile is written down and never sent by itself afterwards; `missed` lists it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.commands.naming import chosen, line_with
from bot.commands.registry import Declined, Desk, Who, command
from bot.commands.wording import bold, paused_note, plural, refusal, reply, state_in_words, story_line, typed
from bot.core.model import Mute, Subscription
from bot.core.speech import Call, Choice, Reply, Span
from bot.core.until import LONGEST, read_until
from bot.core.words import moment_in_words

_SHOWN, _MAX_SHOWN = 10, 20
_LENGTHS = (("8 hours", "8h"), ("24 hours", "24h"), ("7 days", "7d"))
_WRITTEN = " Lengths are written 8h, 2d or until monday."
_BEGINNING = datetime.min.replace(tzinfo=UTC)

_MISSED = Choice("What was missed", "missed")
_RESUME = Choice("Resume", "resume")
_TOPICS = Choice("Choose topics", "topics")
_LATEST = Choice("Show the last 5", "latest 5")


@command(
    "pause [8h|2d|until monday]",
    "no alerts in this chat until you resume, or until then",
    who=Who.CHANGERS,
    aliases=("pausar",),
)
async def pause(desk: Desk, call: Call) -> Reply:
    end = _end(desk, call)
    if end.rest:
        return _how(desk, call, "pause", "pause until monday")
    return await _silence(desk, call, end.at)


@command("resume", "let alerts come again after a pause", who=Who.CHANGERS, aliases=("reanudar",))
async def resume(desk: Desk, call: Call) -> Reply:
    mute = await desk.store.unmute(call.chat, None, desk.clock.now())
    lines = [one for one in await desk.store.subscriptions(call.chat) if _holds(desk, one.mute)]
    muted = "; ".join(state_in_words(desk, one.mute, one.label) for one in lines)
    still = (f"\nStill muted: {muted}.",) if lines else ()
    unmute = [Choice(f"Unmute {one.label}", line_with("unmute", one)) for one in lines]
    if mute is None:
        return refusal("This chat is not paused.", *still, choices=[*unmute, _MISSED])
    missed = await _while_silent(desk, call, mute)
    return reply("Alerts come again. ", *missed, *still, choices=[_MISSED, *unmute])


@command(
    "mute 8h|2d|until monday|until 2026-12-01 [TOPIC]",
    "no alerts for a while: of one thing this chat follows, or none at all",
    who=Who.CHANGERS,
    aliases=("silenciar",),
)
async def mute(desk: Desk, call: Call) -> Reply:
    end = _end(desk, call)
    if not end.rest and end.at is None:
        return _how(desk, call, "mute", "mute 24h tps")
    if not end.rest:
        return await _silence(desk, call, end.at)
    lines = await _lines_meant(desk, call, end.rest, "" if end.at else _WRITTEN)
    if end.at is None:
        lengths = [Choice(words, line_with("mute", one, length)) for one in lines[:1] for words, length in _LENGTHS]
        example = typed(desk, call, line_with("mute", lines[0], "24h"))
        return refusal("For how long? For example ", example, choices=lengths)
    now = desk.clock.now()
    for one in lines:
        await desk.store.mute(call.chat, one.query, end.at, now)
    labels = bold(", ".join(one.label for one in lines))
    undo = line_with("unmute", lines[0])
    parts = ["Muted ", labels, f" until {moment_in_words(end.at, desk.voice.zone, now)}. ", *_kept(desk, call)]
    return reply(*parts, " To undo: ", typed(desk, call, undo), choices=[Choice("Undo", undo), _MISSED])


@command("unmute [TOPIC]", "end a mute early", who=Who.CHANGERS)
async def unmute(desk: Desk, call: Call) -> Reply:
    if not call.args:
        return await resume(desk, call)
    lines = await _lines_meant(desk, call, call.args)
    ended = [(one, mute) for one in lines if (mute := await desk.store.unmute(call.chat, one.query, desk.clock.now()))]
    labels = bold(", ".join(one.label for one in lines))
    if not ended:
        return refusal(labels, " is not muted.", choices=[_MISSED])
    first = min((mute for _, mute in ended), key=lambda one: one.since)
    paused = await paused_note(desk, call)
    return reply("Unmuted ", labels, ". ", *await _while_silent(desk, call, first), *paused, choices=[_MISSED])


@command("missed [N]", "what matched while this chat was paused or muted", who=Who.EVERYBODY)
async def missed(desk: Desk, call: Call) -> Reply:
    word = next(iter(call.args), str(_SHOWN))
    if not (word.isascii() and word.isdecimal()):
        return refusal("How many? For example ", typed(desk, call, "missed 20"))
    count = min(max(int(word), 1), _MAX_SHOWN)
    found = await desk.store.missed(call.chat, _BEGINNING, count)
    if not found.total:
        return reply("Nothing was held back from this chat by a pause or a mute.", choices=[_LATEST])
    parts = [part for row in found.rows for part in (*story_line(row.alert.story, desk.voice), Span("\n"))]
    more = f"{found.total - len(found.rows):,} older. " if found.total > len(found.rows) else ""
    return reply(*parts, more, "These were held back by a pause or a mute and are not sent later.", choices=[_LATEST])


@dataclass(frozen=True, slots=True)
class _End:
    """When a silence is to end, None where nothing was said of it, and the words that said something else."""

    at: datetime | None
    rest: tuple[str, ...]


def _end(desk: Desk, call: Call) -> _End:
    """Find the end of a silence anywhere among the words: `tps 24h` is `24h tps`."""
    now, zone = desk.clock.now(), desk.voice.zone
    end, place = _End(None, call.args), 0
    while place < len(call.args):
        found = read_until(call.args[place:], now, zone)
        if found is not None:  # the last one counts: a word that narrows a topic may look like a length
            end = _End(found.at, call.args[:place] + call.args[place + found.words :])
        place += found.words if found else 1
    if end.at is not None and not timedelta(0) < end.at - now <= LONGEST:
        shown = moment_in_words(end.at, zone, now)
        raise Declined(refusal(f"That would be {shown}. Name a moment within a year from now."))
    return end


async def _silence(desk: Desk, call: Call, until: datetime | None) -> Reply:
    """Pause the whole chat."""
    now = desk.clock.now()
    if not await desk.store.mute(call.chat, None, until, now):
        return refusal("This chat follows nothing, so nothing is sent to it.", choices=[_TOPICS])
    ends: tuple[str | Span, ...] = (
        ("somebody types ", typed(desk, call, "resume"))
        if until is None
        else (moment_in_words(until, desk.voice.zone, now),)
    )
    paused = (bold("Paused"), ": no alerts in this chat until ", *ends, ". ", *_kept(desk, call))
    return reply(*paused, choices=[_RESUME, _MISSED])


def _kept(desk: Desk, call: Call) -> tuple[str | Span, ...]:
    return "What matches meanwhile is not sent later; ", typed(desk, call, "missed"), " lists it."


def _how(desk: Desk, call: Call, verb: str, example: str) -> Reply:
    choices = [Choice(words, f"{verb} {length}") for words, length in _LENGTHS]
    return refusal("For how long? For example ", typed(desk, call, example), choices=choices)


async def _lines_meant(desk: Desk, call: Call, words: Sequence[str], hint: str = "") -> tuple[Subscription, ...]:
    held = await desk.store.subscriptions(call.chat)
    lines = chosen(desk, replace(call, args=tuple(words)), held)
    if not lines:
        raise Declined(
            refusal("This chat does not follow that.", hint, choices=[Choice("What this chat follows", "list")])
        )
    return lines


async def _while_silent(desk: Desk, call: Call, mute: Mute) -> Iterable[str | Span]:
    found = await desk.store.missed(call.chat, mute.since, 0)
    if not found.total:
        return ("Nothing matched meanwhile.",)
    were = f"{plural(found.total, 'alert')} matched meanwhile and {'was' if found.total == 1 else 'were'} not sent: "
    return were, typed(desk, call, "missed")


def _holds(desk: Desk, mute: Mute | None) -> bool:
    return mute is not None and mute.holds(desk.clock.now())
