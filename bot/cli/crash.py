"""What to say when something broke that nobody foresaw: one sentence to people, the traceback where it can be found."""

from __future__ import annotations

import os
import secrets
import tempfile
import traceback

import click
import structlog

from bot.logs import Redactor

log = structlog.get_logger()


def report(error: Exception, *, in_log: bool = False) -> int:
    """Tell of an unexpected error under a reference, and return the exit code.

    The traceback goes to the log of a daemon, else to a file of its own.
    """
    ref = secrets.token_hex(3).upper()
    if in_log:
        log.critical("command.crashed", ref=ref, exc_info=error)
    place = "The log has its traceback" if in_log else f"Its traceback is in {_write(ref, error)}"
    click.echo(f"Something went wrong inside Policybell (ref {ref}). {place}; please report it.", err=True)
    return 1


def _write(ref: str, error: Exception) -> str:
    """Write the traceback to a private file of its own, without what the environment keeps secret."""
    kept = {value for name, value in os.environ.items() if name.startswith("POLICYBELL_") and value}
    text = Redactor(kept, bytes).redact("".join(traceback.format_exception(error)))
    descriptor, path = tempfile.mkstemp(prefix=f"policybell-{ref}-", suffix=".txt", text=True)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path
