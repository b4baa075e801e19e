"""How a chat is spoken to: its time zone and its language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import available_timezones

from bot.commands.registry import Desk, Who, command
from bot.commands.wording import bold, echo, refusal, reply, typed
from bot.core.speech import Call, Choice, Reply
from bot.core.words import clock_in_words

_US_ZONES = {
    "America/New_York": ("eastern", "et", "est", "edt", "este", "miami", "washington"),
    "America/Chicago": ("central", "ct", "cst", "cdt", "centro", "houston", "dallas", "texas"),
    "America/Denver": ("mountain", "mt", "mst", "mdt", "montaña"),
    "America/Los_Angeles": ("pacific", "pt", "pst", "pdt", "pacífico", "pacifico", "san francisco", "california"),
    "America/Phoenix": ("arizona",),
    "America/Anchorage": ("alaska", "akst", "akdt"),
    "Pacific/Honolulu": ("hawaii", "hst"),
    "America/Puerto_Rico": ("atlantic",),
    "UTC": ("gmt", "zulu"),
}
"""What people in the United States call their zones. These come first: tzdata's own EST and MST know no summer."""
_BUTTONS = (
    Choice("Eastern", "timezone America/New_York"),
    Choice("Central", "timezone America/Chicago"),
    Choice("Mountain", "timezone America/Denver"),
    Choice("Pacific", "timezone America/Los_Angeles"),
)
_LIKENESS = 0.6


@command(
    "timezone America/New_York",
    "the zone in which times are shown here; names such as eastern work too",
    who=Who.CHANGERS,
    aliases=("tz", "zona"),
)
async def timezone(desk: Desk, call: Call) -> Reply:
    now = desk.clock.now()
    present = desk.voice.zone
    if not call.args:
        shown = f"Times here are shown in the zone {present}, now {clock_in_words(now, present)}. To change it: "
        return refusal(shown, typed(desk, call, "timezone eastern"), choices=_BUTTONS)
    asked = _plain(" ".join(call.args))
    zone = _zones().get(asked)
    if zone is None:
        close = [_zones()[name] for name in get_close_matches(asked, _zones(), n=3, cutoff=_LIKENESS)]
        choices = [Choice(name, f"timezone {name}") for name in dict.fromkeys(close)]
        question = (" Did you mean ", bold(choices[0].label), "?") if choices else ()
        return refusal(
            "I know no time zone ", bold(echo(" ".join(call.args))), ".", *question, choices=choices or _BUTTONS
        )
    await desk.store.set_voice(call.chat, replace(desk.voice, zone=zone), now)
    undo = f"timezone {present}"
    said = "Time zone: ", bold(zone), f", now {clock_in_words(now, zone)}. To undo: ", typed(desk, call, undo)
    return reply(*said, choices=[Choice("Undo", undo)] if present != zone else ())


@command("lang en|es", "the language of this bot's own words", who=Who.CHANGERS, aliases=("language", "idioma"))
async def lang(desk: Desk, call: Call) -> Reply:
    match [word.casefold() for word in call.args]:
        case ["en" | "english" | "inglés" | "ingles"]:
            await desk.store.set_voice(call.chat, replace(desk.voice, language="en"), desk.clock.now())
            return reply("Language: ", bold("English"), ".")
        case ["es" | "spanish" | "español" | "espanol"]:
            return refusal(f"{_NOT_YET} Nothing was changed.", choices=[_TOPICS])
        case _:
            return refusal("This bot speaks English. ", _NOT_YET, choices=[_TOPICS])


_TOPICS = Choice("Choose topics", "topics")
_NOT_YET = "Spanish is not there yet: the bot's own words are English only. Topics find news in Spanish, too."


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, str]:
    """Give every name of a zone that is understood: what people say, cities, and the official names, in lower case."""
    official = sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )
    cities = {_plain(name.rpartition("/")[2]): name for name in official}
    said = {word: zone for zone, words in _US_ZONES.items() for word in words}
    return {**cities, **{_plain(name): name for name in (*official, "UTC")}, **said}


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())
