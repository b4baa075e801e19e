"""Who may ask what: commands enter by decorator, and none enters without saying who may use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from bot.core.alarms import Alarm
from bot.core.habit import Behavior
from bot.core.intake import SourceSpec
from bot.core.model import Topic, Voice
from bot.core.speech import Call, Reply
from bot.ports import Clock, Store
from bot.ports.adding import Discover


class Who(StrEnum):
    """Who may use a command. The value reads on from "Only …"."""

    EVERYBODY = "everybody"
    CHANGERS = "those who may change this chat's settings"
    OPERATORS = "the operators of this bot"


async def no_habits() -> Mapping[str, Behavior]:
    """Know nothing of how sources behave."""
    return {}


async def _nothing_changes() -> None:
    """Do nothing: where no bot runs, its next start sees what was added."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands may look at and act on.

    `voice` is how to speak to a chat that chose no voice of its own; while a command runs, that of its chat.
    `not_yet` are configured sources whose kind does not exist yet: (id, name, why in words).
    `platforms` says how each room is doing, in words. `prefixes` is what people type before a verb on a platform.
    `alarms` gives what an operator should know now, `habits` how each source usually behaves.
    `discover` finds feeds, None where nobody may ask the network;
    `from_chats` says that chats may add sources for themselves; `regathered` has what was added take effect.
    """

    store: Store
    topics: tuple[Topic, ...]
    sources: tuple[SourceSpec, ...]
    not_yet: tuple[tuple[str, str, str], ...]
    voice: Voice
    clock: Clock
    platforms: Callable[[], Mapping[str, str]] = dict
    prefixes: Mapping[str, str] = field(default_factory=lambda: {"telegram": "/", "slack": "/policybell "})
    alarms: Callable[[], Sequence[Alarm]] = tuple
    discover: Discover | None = None
    from_chats: bool = False
    regathered: Callable[[], Awaitable[None]] = _nothing_changes
    habits: Callable[[], Awaitable[Mapping[str, Behavior]]] = no_habits


Run = Callable[[Desk, Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One verb. `usage` is the whole line as people type it, without a platform's prefix; `family` its module.

    `steers` are first words behind the verb that are for operators alone, whoever may use the verb without them.
    `platforms` are those that have the command; none named: all. `noted` are first words behind the verb that are put
    on record when an operator says them, though others may say them too.
    """

    name: str
    usage: str
    help: str
    who: Who
    aliases: tuple[str, ...]
    run: Run
    family: str
    steers: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    noted: frozenset[str] = frozenset()

    def is_on(self, platform: str) -> bool:
        """Say whether a platform has this command."""
        return not self.platforms or platform in self.platforms

    def who_may(self, args: tuple[str, ...]) -> Who:
        """Say who may use the verb with these words behind it."""
        return Who.OPERATORS if args and args[0].lower() in self.steers else self.who

    def is_on_record(self, args: tuple[str, ...]) -> bool:
        """Say whether what an operator does with these words is remembered."""
        return self.who_may(args) is Who.OPERATORS or bool(args and args[0].lower() in self.noted)


class Declined(Exception):
    """How a command says no from deep inside: `answer` hands the reply on."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


_commands: dict[str, Command] = {}
COMMANDS: Mapping[str, Command] = MappingProxyType(_commands)


def command(
    usage: str,
    about: str,
    *,
    who: Who,
    aliases: tuple[str, ...] = (),
    steers: tuple[str, ...] = (),
    platforms: tuple[str, ...] = (),
    noted: tuple[str, ...] = (),
) -> Callable[[Run], Run]:
    """Enter a function as the command that `usage` starts with."""
    name, allowed = usage.split(maxsplit=1)[0], Who(who)

    def enter(run: Run) -> Run:
        taken = {word for known in _commands.values() for word in (known.name, *known.aliases)}
        if clash := taken & {name, *aliases}:
            raise ValueError(f"two commands want the word {min(clash)!r}")
        family = run.__module__.rpartition(".")[2]
        rules = frozenset(steers), frozenset(platforms), frozenset(noted)
        _commands[name] = Command(name, usage, about, allowed, aliases, run, family, *rules)
        return run

    return enter


def command_named(word: str) -> Command | None:
    """Find a command by its name or one of its aliases."""
    if word in COMMANDS:
        return COMMANDS[word]
    return next((known for known in COMMANDS.values() if word in known.aliases), None)
