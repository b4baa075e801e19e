"""How a workspace installs the app (OAuth v2): `/slack/install` sends people to Slack, who come back to `/slack/oauth`.

Whoever comes back must be the browser that was sent, within ten minutes, once. What it brings is signed by a key that
lives as long as this process, over a secret that only that browser has in a cookie, so nothing is kept for those who
never come back.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode, urljoin

import structlog
from aiohttp import web

from bot.errors import SendError, TokenError
from bot.ports import Clock
from handlers.slack.client import Client, Grant
from handlers.slack.installed import Installed, OAuthApp
from handlers.slack.manifest import BOT_SCOPES, INSTALL, OAUTH

log = structlog.get_logger()

COOKIE = "policybell_install"
WITHIN = timedelta(minutes=10)
MOST_REDEEMED = 10_000  # in ten minutes; beyond it nobody installs anything

_AGAIN = f"Open {INSTALL} again and allow it there."
_LONGEST = 1_000  # characters of anything that a browser brings


class States:
    """Proofs that whoever comes back was sent by us: for one browser, for ten minutes, for once."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)
        self._redeemed: OrderedDict[str, datetime] = OrderedDict()

    def issue(self, cookie: str) -> str:
        """Make a proof for the browser that has this cookie."""
        until = str(int((self._now() + WITHIN).timestamp()))
        nonce = secrets.token_urlsafe(16)
        return f"{until}.{nonce}.{self._seal(until, nonce, cookie)}"

    def redeem(self, state: str, cookie: str) -> bool:
        """Say whether a proof is good for this browser, and use it up."""
        now = self._now()
        while self._redeemed and next(iter(self._redeemed.values())) <= now:
            self._redeemed.popitem(last=False)
        until, _, rest = state.partition(".")
        nonce, _, seal = rest.partition(".")
        good = hmac.compare_digest(self._seal(until, nonce, cookie).encode(), seal.encode("utf-8", "replace"))
        if not (good and cookie) or int(until) <= now.timestamp():
            return False
        if state in self._redeemed or len(self._redeemed) >= MOST_REDEEMED:
            return False
        self._redeemed[state] = now + WITHIN
        return True

    def _seal(self, *parts: str) -> str:
        return hmac.new(self._key, "\0".join(parts).encode("utf-8", "replace"), sha256).hexdigest()


class Installing:
    """The two addresses. `api_url` tells where Slack is."""

    def __init__(self, client: Client, app: OAuthApp, installed: Installed, clock: Clock, *, api_url: str) -> None:
        self._client = client
        self._app = app
        self._installed = installed
        self._states = States(clock.now)
        self._authorize = urljoin(api_url, "/oauth/v2/authorize")

    def routes(self) -> list[web.RouteDef]:
        return [web.get(INSTALL, self.send_to_slack), web.get(OAUTH, self.take_back)]

    async def send_to_slack(self, _request: web.Request) -> web.Response:
        """Send a browser to Slack to ask whether the app may be installed."""
        cookie = secrets.token_urlsafe(32)
        asked = {
            "client_id": self._app.client_id,
            "scope": ",".join(BOT_SCOPES),
            "state": self._states.issue(cookie),
        }
        response = web.Response(status=302, headers={"Location": f"{self._authorize}?{urlencode(asked)}"})
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=int(WITHIN.total_seconds()),
            path=OAUTH,
            secure=True,
            httponly=True,
            samesite="Lax",  # coming back from Slack is a link followed from elsewhere
        )
        return response

    async def take_back(self, request: web.Request) -> web.Response:
        """Take a browser back from Slack, with a code that tokens are handed out for."""
        if not self._installed.is_open:
            return _said(503, f"Policybell is starting. {_AGAIN}")
        code, state = request.query.get("code", ""), request.query.get("state", "")
        cookie = request.cookies.get(COOKIE, "")
        if max(map(len, (code, state, cookie))) > _LONGEST or not self._states.redeem(state, cookie):
            return _said(400, f"This link is used up, too old, or another browser's. {_AGAIN}")
        if not code:
            return _said(400, f"Slack says that it was not allowed, so nothing was installed. {_AGAIN}")
        grant = await self._granted(code)
        if grant is None:
            return _said(502, f"Slack did not confirm the installation. {_AGAIN}")
        if not (grant.team and grant.bot_user):
            return _said(400, "Policybell is installed in one workspace at a time. Choose a workspace in Slack.")
        workspace = await self._installed.install(grant)
        name = f"@{workspace.bot_name}" if workspace.bot_name else "the bot"
        return _said(200, f"Policybell is installed. In a channel type: /invite {name}, and then its command.")

    async def _granted(self, code: str) -> Grant | None:
        try:
            return await self._client.grant(self._app.client_id, self._app.client_secret, code=code)
        except (SendError, TokenError) as error:
            log.warning("slack.install_failed", error=type(error).__name__)
            return None


def _said(status: int, sentence: str) -> web.Response:
    response = web.Response(status=status, text=f"{sentence}\n")
    response.del_cookie(COOKIE, path=OAUTH)
    return response
