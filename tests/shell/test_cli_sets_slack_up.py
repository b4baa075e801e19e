"""What the command line says of Slack: the manifest for either mode, and how it is reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import cli
from bot.cli import checking
from config import load


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text("")
    return file


def test_the_slack_manifest_speaks_the_configured_command(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[slack]\ncommand = '/visas'\n")
    assert cli.run(["slack", "manifest", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["features"]["slash_commands"][0]["command"] == "/visas"


def test_the_slack_manifest_for_requests_names_the_public_address(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["slack", "manifest", "--config", str(config), "--http"]
    assert cli.run([*argv, "https://bell.example.org/"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["interactivity"]["request_url"] == "https://bell.example.org/slack/events"
    assert not settings["socket_mode_enabled"]
    for wrong in (
        "http://bell.example.org",
        "bell.example.org",
        "https://",
        "https://bell.example.org/x",
        "https://b?x=1",
    ):
        assert cli.run([*argv, wrong]) == 2
        assert "https://bell.example.org" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "Slack: off, no tokens"),
        ({"BOT_TOKEN": "xoxb-1", "APP_TOKEN": "xapp-1"}, "Slack: on, socket mode, one workspace"),
        ({"BOT_TOKEN": "xoxb-1", "MODE": "http", "SIGNING_SECRET": "s"}, "Slack: on, http mode, one workspace"),
        (
            {"CLIENT_ID": "1.2", "CLIENT_SECRET": "c", "APP_TOKEN": "xapp-1"},
            "Slack: on, socket mode, workspaces that install the app",
        ),
    ],
)
def test_check_says_how_slack_is_reached(config: Path, environ: dict[str, str], said: str) -> None:
    settings = load(config, {f"POLICYBELL_SLACK__{name}": value for name, value in environ.items()})
    assert said in checking._summary(settings)
