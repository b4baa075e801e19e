"""The app manifest that `policybell slack manifest` prints: paste it at api.slack.com/apps, "From a manifest".

It asks for what design and code use and nothing else: no `*:history`, so the bot cannot read what people write, and
no `chat:write.public`, so it posts only where it was invited. Scopes are those of the whole design, for changing them
later means that every workspace installs the app anew. Shortcuts, the home tab and the events around them are left
out until something answers them; archived and deleted channels are noticed when the next alert is refused.
"""

from __future__ import annotations

import json

DEFAULT_COMMAND = "/policybell"
BOT_SCOPES = ("commands", "chat:write", "users:read", "channels:read", "groups:read", "files:write")


def manifest(command: str = DEFAULT_COMMAND) -> dict[str, object]:
    """Describe the app for Socket Mode. `command` is the one slash command, with its slash."""
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
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": ["member_joined_channel", "app_uninstalled", "tokens_revoked"]},
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def manifest_text(command: str = DEFAULT_COMMAND) -> str:
    """Write the manifest as JSON, which Slack takes as well as YAML."""
    return json.dumps(manifest(command), indent=2, ensure_ascii=False)
