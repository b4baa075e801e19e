"""How answers are put together: spans, choices that fit a button, times in the chat's zone."""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands.registry import Desk
from bot.core.model import Mute, Story, Voice
from bot.core.speech import Call, Choice, Mark, Reply, Span
from bot.core.text import clean_controls, cut
from bot.core.words import moment_in_words, time_in_words

CHOICE_BYTES = 62  # Telegram allows 64 bytes of callback data; "1|" goes before the line
_ECHO_CHARS = 64


def reply(*parts: str | Span, choices: Iterable[Choice] = (), ok: bool = True) -> Reply:
    """Put an answer together. A choice too long for a button is left out: the text always has its typed twin."""
    spans = tuple(part if isinstance(part, Span) else Span(part) for part in parts)
    return Reply(spans, tuple(choice for choice in choices if fits(choice.line)), ok)


def refusal(*parts: str | Span, choices: Iterable[Choice] = ()) -> Reply:
    """Put together an answer that says no."""
    return reply(*parts, choices=choices, ok=False)


def fits(line: str) -> bool:
    """Say whether a line fits behind a button."""
    return len(line.encode()) <= CHOICE_BYTES


def bold(text: str) -> Span:
    return Span(text, Mark.BOLD)


def italic(text: str) -> Span:
    return Span(text, Mark.ITALIC)


def typed(desk: Desk, call: Call, line: str) -> Span:
    """Show a line as people type it where the call came from."""
    return Span(f"{desk.prefixes.get(call.chat.platform, '')}{line}", Mark.CODE)


def echo(text: str) -> str:
    """Repeat people's own words back to them: one line, short, without control characters."""
    return cut(" ".join(clean_controls(text).split()), _ECHO_CHARS, len)


def plural(count: int, noun: str, many: str = "") -> str:
    """Count things: `1 source`, `2 sources`; `many` is the plural where it is not made so."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or noun + 's'}"


def story_line(story: Story, voice: Voice) -> tuple[Span, ...]:
    """Name a story on one line: title as a link, who published it, when it was first seen, its number."""
    lead = story.lead
    title = Span(lead.title or lead.url, url=lead.url)
    return title, Span(f" · {lead.outlet} · {time_in_words(story.first_seen_at, voice.zone)} · #{story.number}")


def state_in_words(desk: Desk, mute: Mute | None, what: str) -> str:
    """Say until when something is silent: `muted until Mon, Nov 30, 9:00 AM EST`; nothing where it is not."""
    now = desk.clock.now()
    if mute is None or not mute.holds(now):
        return ""
    return f"{what} until {moment_in_words(mute.until, desk.voice.zone, now)}" if mute.until else what


async def paused_note(desk: Desk, call: Call) -> tuple[str | Span, ...]:
    """Say that the chat is paused, and how to end it; nothing where it is not."""
    preferences = await desk.store.preferences(call.chat)
    paused = state_in_words(desk, preferences.mute if preferences else None, "\nThis chat is paused")
    return (paused, ": ", typed(desk, call, "resume")) if paused else ()
