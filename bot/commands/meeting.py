"""The first words, and help."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from bot.commands.offering import offered
from bot.commands.registry import COMMANDS, Command, Desk, Who, command, command_named
from bot.commands.wording import bold, echo, paused_note, plural, refusal, reply, typed
from bot.core.speech import Call, Choice, Reply, Span

HEADINGS = {
    "meeting": "Start here",
    "following": "What this chat follows",
    "filtering": "Your own queries",
    "channels": "Channels",
    "silence": "Make it quieter",
    "looking": "Look back",
    "voice": "How this chat is spoken to",
    "privacy": "What is kept",
    "health": "How the bot is doing",
    "outbox": "For operators",
}
"""The families of commands, each a module, in the order of help."""

_PICK = Choice("Choose topics", "topics")
_LATEST = Choice("Show the last 5", "latest 5")


@command("start", "what this is, and how to begin", who=Who.EVERYBODY)
async def start(desk: Desk, call: Call) -> Reply:
    """Welcome a chat. A link may carry `t_TOPIC`; it offers the topic, for a link must not change a chat."""
    revived = call.may_change and await desk.store.wake(call.chat)
    held = await desk.store.subscriptions(call.chat)
    hello = f"Policybell reads {plural(len(desk.sources), 'US government and news source')} and alerts this chat when "
    parts: list[str | Span] = ["Welcome back. " if revived else "", hello, "immigration policy changes. "]
    if held:
        parts += ["This chat follows ", bold(", ".join(one.label for one in held)), ".\n"]
    else:
        parts += ["Nothing is sent until you choose.\n"]
    parts += ["Begin with ", typed(desk, call, "follow tps"), " or look around with ", typed(desk, call, "help"), ".\n"]
    parts += await paused_note(desk, call)
    parts += [f"Times are shown in the zone {desk.voice.zone}. Information, not legal advice. What is kept: "]
    parts += [typed(desk, call, "privacy")]
    return reply(*parts, choices=[*offered(desk, call.args), _PICK, _LATEST])


@command("help [COMMAND]", "this list, or more on one command", who=Who.EVERYBODY, aliases=("ayuda", "?"))
async def help_(desk: Desk, call: Call) -> Reply:
    if call.args:
        return _help_on(desk, call, call.args[0].removeprefix("/").lower())
    parts: list[str | Span] = ["Policybell watches US immigration sources and tells you when policy changes.\n"]
    for family, commands in groupby(open_to(call), key=lambda known: known.family):
        parts += ["\n", bold(HEADINGS[family]), "\n"]
        for known in commands:
            parts += [typed(desk, call, known.usage), f"  {known.help}\n"]
    return reply(*parts, "\nMore on one command: ", typed(desk, call, "help follow"), choices=[_PICK, _LATEST])


def open_to(call: Call) -> Iterable[Command]:
    """Give the commands that the caller is shown: those of operators only to operators."""
    there = (known for known in COMMANDS.values() if known.is_on(call.chat.platform))
    return (known for known in there if call.is_operator or known.who is not Who.OPERATORS)


def _help_on(desk: Desk, call: Call, word: str) -> Reply:
    known = command_named(word)
    if known is None or known not in open_to(call):
        return refusal("There is no command ", bold(echo(word)), ".", choices=[Choice("Help", "help")])
    also = f"\nAlso understood: {', '.join(known.aliases)}." if known.aliases else ""
    return reply(typed(desk, call, known.usage), f"  {known.help}\nWho may: {known.who}.{also}")
