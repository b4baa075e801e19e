"""Slack: one slash command, alerts in blocks; by socket or by signed requests, for one workspace or for many."""

from __future__ import annotations

from handlers.slack.installed import OAuthApp
from handlers.slack.room import Slack
from handlers.slack.tokens_kept import TokensKept

__all__ = ["OAuthApp", "Slack", "TokensKept"]
