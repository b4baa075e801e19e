"""The Slack room as its settings want it: by socket or by signed requests, for one workspace or for many."""

from __future__ import annotations

from collections.abc import Callable

from bot.app.world import World
from config.settings import Slack as Settings
from handlers.slack import OAuthApp, Slack, TokensKept

FOLDER = "slack"  # in the data directory: the tokens of workspaces that installed the app


def open_slack(settings: Settings, world: World, hide: Callable[[str], None]) -> Slack:
    """Make the room. `hide` keeps tokens that are handed out later out of logs."""
    oauth = None
    if settings.is_for_many:
        secret = settings.client_secret.get_secret_value()
        oauth = OAuthApp(settings.client_id, secret, TokensKept(world.data_dir / FOLDER), hide)
    return Slack(
        settings.bot_token.get_secret_value(),
        settings.app_token.get_secret_value(),
        clock=world.clock,
        signing_secret=settings.signing_secret.get_secret_value() if settings.mode == "http" else "",
        oauth=oauth,
        api_url=settings.api_url,
        command=settings.command,
        who=settings.who,
    )


def how_heard(settings: Settings, *, has_web: bool) -> str:
    """Say in a line how people reach the room; without the web nothing is heard in HTTP mode."""
    if settings.mode == "http" and not has_web:
        return "sends only: without the web nothing can be heard in HTTP mode"
    heard = ", told at /slack/events" if settings.mode == "http" else ""
    installed = ", installed at /slack/install" if settings.is_for_many else ""
    return f"answers to {settings.command}{heard}{installed}"
