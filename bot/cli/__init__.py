"""The command line. Each family of commands is a module of its own, imported when one of its commands is used.

So `policybell --help` answers at once: neither it nor `policybell match` pays for libraries of chat platforms.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

import click

from bot import __version__
from bot.errors import BotError, ConfigError, exit_code


class Family(NamedTuple):
    """Where a command lives, and what the list of commands says of it."""

    module: str
    about: str


COMMANDS = {
    "run": Family("running", "Start everything that has a token; without one, the web chat and the terminal chat."),
    "chat": Family("running", "Talk to the running bot from this terminal."),
    "check": Family("checking", "Name every problem in the configuration at once."),
    "doctor": Family("examining", "Look at everything the bot stands on, and say what to do where it is not well."),
    "follow": Family("following", "Let a chat follow a topic."),
    "unfollow": Family("following", "Let a chat stop following a topic."),
    "sources": Family("sourcing", "What is read, and how each source is doing."),
    "alarms": Family("looking", "What needs an operator now, and what to do about it."),
    "audit": Family("looking", "What operators did, the latest first."),
    "why": Family("looking", "Why an alert came, or what became of an address."),
    "outbox": Family("outbox", "Alerts that wait, are unsure, or were refused."),
    "match": Family("querying", "Does a text match a query? Exit 0 for yes, 1 for no, 2 for a bad query."),
    "query": Family("querying", "How a query is read, in words and in its canonical form."),
    "classify": Family("classifying", "What the shipped topics make of documents: one JSON object a line in, one out."),
    "quality": Family("grading", "How good detection is on the labelled documents of DIR, beside a broad list."),
    "slack": Family("platforms", "What is needed once to set up Slack."),
    "telegram": Family("platforms", "What is needed once to set up Telegram."),
    "backup": Family("database", "Write everything to a new file, checked and compressed; the bot may run."),
    "restore": Family("database", "Put a backup in the place of the database; the bot must not run."),
    "db": Family("database", "The schema of the database, its size, and what its age takes from it."),
    "version": Family("checking", "Which version this is, of Policybell and of what it stands on."),
}


class Commands(click.Group):
    """The commands by name; only the one that is used is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(f"bot.cli.{COMMANDS[cmd_name].module}"), cmd_name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, family.about) for name, family in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="policybell", message="policybell %(version)s")
@click.pass_context
def policybell(ctx: click.Context) -> None:
    """Watch US immigration policy and alert the chats that asked to know."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> None:
    """Run the command line of this process and end it with an exit code."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    return guard(lambda: policybell.main(list(argv), prog_name="policybell", standalone_mode=False))


def guard(work: Callable[[], object]) -> int:
    """Do some work and return its exit code; an error is a sentence on stderr, never a traceback."""
    try:
        result = work()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BotError as error:
        click.echo(_sentence(error), err=True)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 - the outermost guard
        return int(import_module("bot.cli.crash").report(error))
    return result if isinstance(result, int) else 0


def _sentence(error: BotError) -> str:
    if not isinstance(error, ConfigError):
        return str(error)
    problems = "\n".join(f"  {path}: {sentence}" for path, sentence in error.problems)
    return f"The configuration cannot be used:\n{problems}\n`policybell check` says the same, and more."
