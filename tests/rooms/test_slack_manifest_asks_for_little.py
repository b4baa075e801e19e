"""The app asks for exactly the scopes of the design, and hears only of what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.slack import OAuthApp, Slack, TokensKept
from handlers.slack.manifest import manifest, manifest_text
from tests.fakes.clock import FakeClock
from tests.fakes.slack import SUBSCRIBED
from tests.fakes.slack.world import SCOPES

HOME = "https://bell.example.org"


def test_the_scopes_are_those_of_the_design_and_none_reads_messages() -> None:
    scopes = manifest()["oauth_config"]["scopes"]
    assert scopes == {"bot": ["commands", "chat:write", "users:read", "channels:read", "groups:read", "files:write"]}
    assert not [scope for scope in scopes["bot"] if "history" in scope or scope.endswith(".public")]
    assert set(SCOPES.values()) <= set(scopes["bot"])


@pytest.mark.parametrize("url", ["", HOME])
def test_it_listens_to_what_it_answers(url: str) -> None:
    said = manifest(url=url)
    assert set(said["settings"]["event_subscriptions"]["bot_events"]) == SUBSCRIBED
    assert "shortcuts" not in said["features"]


def test_for_sockets_it_names_no_address() -> None:
    said = manifest()
    assert said["settings"]["socket_mode_enabled"] is True
    assert "https://" not in manifest_text()


def test_for_requests_it_names_the_addresses_that_the_room_serves() -> None:
    said = manifest(url=HOME)
    assert said["settings"]["socket_mode_enabled"] is False
    (command,) = said["features"]["slash_commands"]
    (redirect,) = said["oauth_config"]["redirect_urls"]
    told = {
        command["url"],
        said["settings"]["event_subscriptions"]["request_url"],
        said["settings"]["interactivity"]["request_url"],
    }
    app = OAuthApp("1.2", "secret", TokensKept(Path("nowhere")), str)
    room = Slack("", "", signing_secret="s", oauth=app, clock=FakeClock())
    served = {(route.method, HOME + route.path) for route in room.public_routes}
    assert served == {("POST", url) for url in told} | {("GET", redirect), ("GET", f"{HOME}/slack/install")}


def test_but_for_addresses_both_ask_for_the_same() -> None:
    def without_addresses(thing: object) -> object:
        if isinstance(thing, dict):
            left = {key: value for key, value in thing.items() if "url" not in key and key != "socket_mode_enabled"}
            return {key: without_addresses(value) for key, value in left.items()}
        return [without_addresses(one) for one in thing] if isinstance(thing, list) else thing

    assert without_addresses(manifest(url=HOME)) == without_addresses(manifest())


def test_the_text_follows_the_command_and_keeps_slack_s_limits() -> None:
    said = json.loads(manifest_text("/bell"))
    assert said == manifest("/bell")
    (command,) = said["features"]["slash_commands"]
    assert command["command"] == "/bell"
    assert len(command["usage_hint"]) <= 1000
    assert len(said["display_information"]["name"]) <= 35
    assert len(said["display_information"]["description"]) <= 140
    assert said["settings"]["socket_mode_enabled"] is True
