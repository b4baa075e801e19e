"""Slack's workspaces: who is in them, which channels there are, what may be posted where, and what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEAM = "T0HOME"
BOT_USER = "U0BOT"
BOT_ID = "B0BOT"
APP_ID = "A0APP"
BOT_TOKEN = "xoxb-canary-bot-token-4711"
APP_TOKEN = "xapp-canary-app-token-4712"

# What each method needs, from the method pages; those without an entry need no scope.
SCOPES = {"chat.postMessage": "chat:write", "chat.postEphemeral": "chat:write", "users.info": "users:read"}


@dataclass(slots=True)
class Channel:
    """A conversation. `trouble` is an error code that every post there is answered with."""

    id: str
    member: bool = True
    team: str = TEAM
    archived: bool = False
    trouble: str = ""

    def refusal(self) -> str:
        if self.trouble:
            return self.trouble
        if self.archived:
            return "is_archived"
        return "" if self.member else "not_in_channel"


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that Slack accepted, noted before the answer was sent. `at` is in seconds of the fake's clock."""

    channel: str
    text: str
    blocks: tuple[Mapping[str, Any], ...]
    ts: str
    at: float
    arguments: Mapping[str, Any]

    @property
    def said(self) -> str:
        """Everything a reader sees of it, blocks before the fallback, in order."""
        return "\n".join(leaves(self.blocks)) if self.blocks else self.text


@dataclass(slots=True)
class World:
    """All that there is, as the other parts of the fake see it. `violations` collects what no good client does.

    `tokens` maps each token to why it is refused, `teams` bot tokens to their workspaces, `expires` to the end of those
    that have one, in seconds of the fake's clock. `used` holds the token that each of `accepted` was posted with.
    """

    channels: dict[str, Channel] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    granted: set[str] = field(default_factory=lambda: set(SCOPES.values()))
    actors: set[str] = field(default_factory=lambda: {BOT_USER})
    tokens: dict[str, str] = field(default_factory=lambda: {BOT_TOKEN: "", APP_TOKEN: ""})
    teams: dict[str, str] = field(default_factory=lambda: {BOT_TOKEN: TEAM})
    expires: dict[str, float] = field(default_factory=dict)
    accepted: list[Posted] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def bot_user_of(self, team: str) -> str:
        return BOT_USER if team == TEAM else f"U{team[1:]}BOT"

    def refusal_of(self, token: str, kind: str, now: float) -> str:
        """Say why a token is refused: `kind` is how it must start. An empty answer means it is good."""
        if not token:
            return "not_authed"
        if token not in self.tokens:
            return "invalid_auth"
        if self.tokens[token]:
            return self.tokens[token]
        if self.expires.get(token, now) < now:
            return "token_expired"
        return "" if token.removeprefix("xoxe.").startswith(kind) else "not_allowed_token_type"


def person(user_id: str, *, team: str = TEAM, **differences: Any) -> dict[str, Any]:
    """Describe a user as users.info does; a full member unless `differences` say otherwise."""
    usual = {
        "id": user_id,
        "team_id": team,
        "name": user_id.lower(),
        "deleted": False,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
    }
    return usual | differences


def leaves(thing: object) -> list[str]:
    """Collect the texts, labels and addresses of blocks in reading order."""
    match thing:
        case {"type": "user", "user_id": str(user)}:
            return [f"<@{user}>"]
        case Mapping():
            own = [str(thing[key]) for key in ("text", "url") if isinstance(thing.get(key), str)]
            inner = [leaf for value in thing.values() for leaf in leaves(value)]
            return own + inner
        case list() | tuple():
            return [leaf for value in thing for leaf in leaves(value)]
        case _:
            return []


def buttons(thing: object) -> list[Mapping[str, Any]]:
    """Collect the buttons of blocks, each with its block's id."""
    match thing:
        case {"type": "button"}:
            return [thing]
        case Mapping():
            return [button for value in thing.values() for button in buttons(value)]
        case list() | tuple():
            return [button for value in thing for button in buttons(value)]
        case _:
            return []
