"""The app asks for exactly the scopes of the design, and hears only of what it answers."""

from __future__ import annotations

import json

from handlers.slack.manifest import manifest, manifest_text
from tests.fakes.slack import SUBSCRIBED
from tests.fakes.slack.world import SCOPES


def test_the_scopes_are_those_of_the_design_and_none_reads_messages() -> None:
    scopes = manifest()["oauth_config"]["scopes"]
    assert scopes == {"bot": ["commands", "chat:write", "users:read", "channels:read", "groups:read", "files:write"]}
    assert not [scope for scope in scopes["bot"] if "history" in scope or scope.endswith(".public")]
    assert set(SCOPES.values()) <= set(scopes["bot"])


def test_it_listens_to_what_it_answers() -> None:
    assert set(manifest()["settings"]["event_subscriptions"]["bot_events"]) == SUBSCRIBED
    assert "shortcuts" not in manifest()["features"]


def test_the_text_follows_the_command_and_keeps_slack_s_limits() -> None:
    said = json.loads(manifest_text("/bell"))
    assert said == manifest("/bell")
    (command,) = said["features"]["slash_commands"]
    assert command["command"] == "/bell"
    assert len(command["usage_hint"]) <= 1000
    assert len(said["display_information"]["name"]) <= 35
    assert len(said["display_information"]["description"]) <= 140
    assert said["settings"]["socket_mode_enabled"] is True
