"""The only door to the commands: read a line, check who may, run it, hand back the answer."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from typing import assert_never

from bot.commands.meeting import HEADINGS, help_, open_to
from bot.commands.registry import Command, Declined, Desk, Who, command_named
from bot.commands.wording import echo, refusal, typed
from bot.core.speech import Call, Choice, Reply

for _family in HEADINGS:  # importing a family enters its commands, in the order of help
    import_module(f"bot.commands.{_family}")

_PREFIX = re.compile(r"^(?:1\||/policybell(?:\s+|$)|/)", re.IGNORECASE)
_ARGUMENT = re.compile(r'-?(?:[A-Za-z]+:)?"[^"]*"?|[^\s"]+')
_QUOTES = str.maketrans("“”„«»", '"""""')

_WHO_MAY_CHANGE = {
    "telegram": "in a group, its administrators",
    "slack": "full members of the workspace, or those whom the operator of this bot has named",
}


def read_line(text: str) -> tuple[str, tuple[str, ...]]:
    """Split a typed line or a pressed choice into its verb, in lower case, and its words.

    `/`, `/policybell`, the choices' `1|` and a bot's name behind the verb (`/follow@somebot`) fall away.
    A quoted phrase is one word, with a `-` or a field before it (`-title:"fee schedule"`), and keeps its quotes, so
    that joining the words gives the line back.
    """
    line = text.strip()
    while stripped := _PREFIX.match(line):
        line = line[stripped.end() :].lstrip()
    words = _ARGUMENT.findall(line.translate(_QUOTES))
    if not words:
        return "", ()
    return words[0].partition("@")[0].lower(), tuple(words[1:])


async def answer(desk: Desk, call: Call) -> Reply:
    """Answer a call: in one sentence and a next step, whatever was asked and by whom."""
    if not call.verb:
        return await help_(desk, call)
    command = command_named(call.verb)
    if command is None or not command.is_on(call.chat.platform):
        return _unknown(desk, call)
    if not _may(command, call):
        return _forbidden(desk, call, command)
    try:
        return await command.run(await _for_chat(desk, call), call)
    except Declined as declined:
        return declined.reply


async def _for_chat(desk: Desk, call: Call) -> Desk:
    """Let the desk speak in the chat's own voice, where it has one."""
    preferences = await desk.store.preferences(call.chat)
    return desk if preferences is None else replace(desk, voice=preferences.voice)


def _may(command: Command, call: Call) -> bool:
    who = command.who_may(call.args)
    match who:
        case Who.EVERYBODY:
            return True
        case Who.CHANGERS:
            return call.may_change or call.is_operator
        case Who.OPERATORS:
            return call.is_operator
        case _:
            assert_never(who)


def _forbidden(desk: Desk, call: Call, command: Command) -> Reply:
    may = command.who_may(call.args)
    who = _WHO_MAY_CHANGE.get(call.chat.platform, "") if may is Who.CHANGERS else ""
    line = command.name if may is command.who else f"{command.name} {call.args[0].lower()}"
    sentence = f"Only {may} may use "
    return refusal(sentence, typed(desk, call, line), f": {who}." if who else ".", choices=[_HELP])


_HELP = Choice("Help", "help")


def _unknown(desk: Desk, call: Call) -> Reply:
    if "|" in call.verb:
        return refusal("This menu is from an earlier version.", choices=[Choice("Open a new one", "topics"), _HELP])
    words = [word for known in open_to(call) for word in (known.name, *known.aliases)]
    close = get_close_matches(call.verb, words, n=1)
    said = typed(desk, call, echo(call.verb))
    if not close:
        return refusal("I do not know ", said, ". What I know: ", typed(desk, call, "help"), choices=[_HELP])
    line = " ".join((close[0], *call.args))
    meant = typed(desk, call, close[0])
    return refusal("I do not know ", said, ". Did you mean ", meant, "?", choices=[Choice(line, line), _HELP])
