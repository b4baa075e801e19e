"""The app manifest that `policybell slack manifest` prints: paste it at api.slack.com/apps, "From a manifest".

There are two forms of it: for Socket Mode, and for requests to a public address. Turning on token rotation is left to
who wants it, for Slack does not let it be turned off again.

It asks for what design and code use and nothing else: no `*:history`, so the bot cannot read what people write, and
no `chat:write.public`, so it posts only where it was invited. Scopes are those of the whole design, for changing them
later means that every workspace installs the app anew. Shortcuts, the home tab and the events around them are left
out until something answers them; archived and deleted channels are noticed when the next alert is refused.
"""

from __future__ import annotations

import json

DEFAULT_COMMAND = "/policybell"
EVENTS, INSTALL, OAUTH = "/slack/events", "/slack/install", "/slack/oauth"  # where we are told, and installed
BOT_SCOPES = ("commands", "chat:write", "users:read", "channels:read", "groups:read", "files:write")


def manifest(command: str = DEFAULT_COMMAND, *, url: str = "") -> dict[str, object]:
    """Describe the app. `command` is the one slash command, with its slash.

    With a `url`, the public address in front of this bot, Slack sends requests there and workspaces install the app
    there; without one the app is for Socket Mode.
    """
    events = {"request_url": f"{url}{EVENTS}"} if url else {}
    slash = {"url": f"{url}{EVENTS}"} if url else {}
    redirect = {"redirect_urls": [f"{url}{OAUTH}"]} if url else {}
    return {
        "display_information": {
            "name": "Policybell",
            "description": "US immigration policy alerts",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Policybell", "always_online": True},
            "slash_commands": [
                {
                    "command": command,
                    "description": "Follow US immigration policy changes",
                    "usage_hint": "[topics | follow <topic> | latest | help]",
                    "should_escape": False,
                    **slash,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}, **redirect},
        "settings": {
            "event_subscriptions": {
                "bot_events": ["member_joined_channel", "app_uninstalled", "tokens_revoked"],
                **events,
            },
            "interactivity": {"is_enabled": True, **events},
            "socket_mode_enabled": not url,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def manifest_text(command: str = DEFAULT_COMMAND, *, url: str = "") -> str:
    """Write the manifest as JSON, which Slack takes as well as YAML."""
    return json.dumps(manifest(command, url=url), indent=2, ensure_ascii=False)
