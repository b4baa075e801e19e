"""What is needed once to set up a platform."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.cli.asking import with_config
from bot.errors import ConfigError
from bot.logs import set_up as set_up_logs
from config import load
from handlers.slack.manifest import manifest_text


@click.group()
def slack() -> None:
    """What is needed once to set up Slack."""


def _public_address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Read the address that Slack can reach the bot at: HTTPS, without a path of its own."""
    parts = urlsplit(text)
    if text and (parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query):
        raise click.BadParameter("write https:// and a host name, such as https://bell.example.org")
    return f"https://{parts.netloc}" if text else ""


@slack.command()
@click.option(
    "--http",
    metavar="URL",
    default="",
    callback=_public_address,
    help="For HTTP mode: the public https address in front of this bot. Without it, for socket mode.",
)
@with_config
def manifest(config: Path | None, *, http: str) -> None:
    """Print the app manifest: paste it at api.slack.com/apps, "From a manifest"."""
    click.echo(manifest_text(load(config, os.environ).slack.command, url=http))


@click.group()
def telegram() -> None:
    """What is needed once to set up Telegram."""


@telegram.command()
@with_config
def setup(config: Path | None) -> None:
    """Set the bot's menu and what Telegram says of it, and print the links that bring people to it."""
    from handlers.telegram.setup import set_up  # noqa: PLC0415  the library costs 20 MB; the manifest needs none of it

    settings = load(config, os.environ)
    set_up_logs(format="auto", level="error", secrets=settings.secrets(), chat_key=bytes)
    if not settings.telegram.token:
        raise ConfigError((("telegram.token", "is not set. Set POLICYBELL_TELEGRAM__TOKEN in the environment."),))
    token = settings.telegram.token.get_secret_value()
    bot = asyncio.run(set_up(token, settings.telegram.api_url, settings.topics))
    click.echo(f"@{bot.username} is set up: its menu, and what it says of itself.\n\nLinks to share:")
    width = max(len(what) for what, _ in bot.links)
    for what, address in bot.links:
        click.echo(f"  {what:{width}}  {address}")
    for advice in bot.advice:
        click.echo(f"\n{advice}")
