"""What is needed once to set up a platform."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.cli.asking import with_config
from config import load
from handlers.slack.manifest import manifest_text


@click.group()
def slack() -> None:
    """What is needed once to set up Slack."""


@slack.command()
@with_config
def manifest(config: Path | None) -> None:
    """Print the app manifest: paste it at api.slack.com/apps, "From a manifest"."""
    click.echo(manifest_text(load(config, os.environ).slack.command))
