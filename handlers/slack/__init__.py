"""Slack: one workspace, one slash command, alerts in blocks; by Socket Mode, so that no port is opened."""

from __future__ import annotations

from handlers.slack.room import Slack

__all__ = ["Slack"]
