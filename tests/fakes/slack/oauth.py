"""OAuth v2: codes and refresh tokens, each good for once; access tokens that may expire after twelve hours.

Rules kept (docs.slack.dev/authentication/installing-with-oauth and /using-token-rotation): the app proves itself by
HTTP Basic; a code lasts ten minutes; a refresh token is replaced with every exchange; an earlier access token stays
good until it expires. Using a refresh token again although the answer with the next one was delivered is a violation,
and so is asking twice at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.slack.world import APP_ID, World

CLIENT_ID = "1234.5678"
CLIENT_SECRET = "canary-client-secret-4714"
LASTS = 43_200
CODE_LASTS = 600


class OAuthRefusal(Exception):
    """`ok: false` with this word."""


class OAuth:
    """Hands out tokens. `rotating` makes them expire."""

    def __init__(self, world: World, *, now: Callable[[], float]) -> None:
        self._world = world
        self._now = now
        self._codes: dict[str, tuple[str, float]] = {}
        self._refresh: dict[str, str] = {}  # refresh token → team, while it is good
        self._serial = 0
        self.rotating = False
        self.exchanges = 0
        self.delivered: set[str] = set()  # refresh tokens whose successors arrived
        self.under_way: set[str] = set()

    def allow(self, location: str, team: str) -> dict[str, str]:
        """Say yes on the page that a browser was sent to; return what Slack sends it back with."""
        parts = urlsplit(location)
        asked = dict(parse_qsl(parts.query))
        assert parts.path == "/oauth/v2/authorize"
        assert asked["client_id"] == CLIENT_ID
        assert asked["state"]
        self._world.granted |= set(asked["scope"].split(","))
        code = f"code-{self._next()}"
        self._codes[code] = (team, self._now())
        return {"code": code, "state": asked["state"]}

    def exchange(self, arguments: Mapping[str, Any], client_id: str, client_secret: str) -> dict[str, Any]:
        """Answer oauth.v2.access."""
        if client_id != CLIENT_ID:
            raise OAuthRefusal("invalid_client_id")
        if client_secret != CLIENT_SECRET:
            raise OAuthRefusal("bad_client_secret")
        if arguments.get("grant_type") == "refresh_token":
            return self._refreshed(str(arguments.get("refresh_token", "")))
        team, at = self._codes.pop(str(arguments.get("code", "")), ("", 0.0))
        if not team:
            raise OAuthRefusal("invalid_code")
        if self._now() - at > CODE_LASTS:
            raise OAuthRefusal("code_expired" if self._now() - at < 2 * CODE_LASTS else "invalid_code")
        return self._granted(team)

    def _refreshed(self, token: str) -> dict[str, Any]:
        if token in self.delivered:
            self._world.violations.append("a refresh token was used again though its successor had arrived")
        team = self._refresh.pop(token, "")
        if not team:
            raise OAuthRefusal("invalid_refresh_token")
        self.exchanges += 1
        return self._granted(team)

    def _granted(self, team: str) -> dict[str, Any]:
        kind = "xoxe.xoxb-1-canary" if self.rotating else "xoxb-canary"
        token = f"{kind}-{team.lower()}-{self._next()}"
        self._world.tokens[token] = ""
        self._world.teams[token] = team
        said: dict[str, Any] = {
            "access_token": token,
            "token_type": "bot",
            "scope": ",".join(sorted(self._world.granted)),
            "bot_user_id": self._world.bot_user_of(team),
            "app_id": APP_ID,
            "team": {"id": team, "name": f"Team {team}"},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": "U0ADMIN"},
        }
        if self.rotating:
            self._world.expires[token] = self._now() + LASTS
            refresh = f"xoxe-1-canary-{team.lower()}-{self._next()}"
            self._refresh[refresh] = team
            said |= {"refresh_token": refresh, "expires_in": LASTS}
        return said

    def end(self, team: str) -> None:
        """Make all that was handed out for a workspace worthless."""
        self._refresh = {token: owner for token, owner in self._refresh.items() if owner != team}

    def _next(self) -> int:
        self._serial += 1
        return self._serial
