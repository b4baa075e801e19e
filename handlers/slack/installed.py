"""Workspaces that installed the app themselves: which there are, and a token of each that can be used now.

A token that Slack refuses stops its own workspace: what is due there waits, and other workspaces notice nothing. Only
where Slack tells that the app was removed, or says of a token that it was revoked, is the installation given up; its
chats are then out of reach until the workspace installs the app again.

Where tokens expire (12 hours), a refresh token buys the next pair, once. The new pair is on disk before it is used,
no two purchases for one workspace run at once, and one that was begun is carried through though nobody waits for it.
It is made two hours before the old token ends: where it fails, the old one serves on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.core.model import Chat
from bot.errors import BadMessage, ChatGone, SendError, TokenError, TryLater
from bot.ports import Clock, Door
from handlers.slack.client import Client, Grant
from handlers.slack.tokens_kept import Installation, TokensKept
from handlers.slack.workspaces import Workspace

log = structlog.get_logger()

RENEW_BEFORE = timedelta(hours=2)
ASK_AGAIN = timedelta(minutes=5)  # after a purchase that failed, or a token that was refused
_EXPIRED = "token_expired"
_REMOVED = frozenset({"account_inactive", "token_revoked"})  # Slack's words for a token that ended with its app
_WHY_GONE = "the app was removed from this workspace"


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The app as workspaces install it. `hide` is told every token before it is used, to keep it out of logs."""

    client_id: str
    client_secret: str = field(repr=False)
    kept: TokensKept
    hide: Callable[[str], None]


class Installed:
    """Every workspace that installed the app. See `handlers.slack.workspaces.Workspaces`.

    `door` gives the way to tell of workspaces that come and go, once there is one.
    """

    def __init__(self, client: Client, app: OAuthApp, clock: Clock, door: Callable[[], Door | None]) -> None:
        self._client = client
        self._app = app
        self._clock = clock
        self._door = door
        self._known: dict[str, Installation] = {}
        self._rests: dict[str, datetime] = {}  # until when a workspace is not tried
        self._buys_again: dict[str, datetime] = {}
        self._unsaved: set[str] = set()
        self._buying: dict[str, asyncio.Task[SendError | TokenError | None]] = {}
        for installation in app.kept.all():
            self._take_in(installation)

    @property
    def is_open(self) -> bool:
        """Whether workspaces may come: there is somebody to tell."""
        return self._door() is not None

    async def prove(self) -> None:
        """Prove that Slack answers; each workspace's token is tried when something is due there."""
        await self._client.reachable()

    async def heard_from(self, team: str) -> Workspace | None:
        one = self._known.get(team)
        return None if one is None else Workspace(team, team, one.bot_user, one.bot_name)

    async def token(self, name: str) -> str:
        now = self._clock.now()
        if name not in self._known:
            raise TryLater("The app is not installed in this workspace.", after=ASK_AGAIN, asked=False)
        if (until := self._rests.get(name, now)) > now:
            said = "Slack refused the token of this workspace a moment ago."
            raise TryLater(said, after=until - now, asked=False)
        if _ends_by(self._known[name], now + RENEW_BEFORE) and self._buys_again.get(name, now) <= now:
            await self._buy(name)
        one = self._known.get(name)
        if one is None or _ends_by(one, now):
            raise TryLater("The token of this workspace has expired.", after=ASK_AGAIN, asked=False)
        if name in self._unsaved:
            self._save(one)
        return one.token

    # --- coming and going -----------------------------------------------------------------------------------------

    async def install(self, grant: Grant) -> Workspace:
        """Take a workspace in, or take it in again: what it followed goes on."""
        installation = self._keep(grant, Installation(grant.team, grant.bot_user, grant.token))
        with suppress(SendError, TokenError):  # the name is for a sentence only
            name = (await self._client.identity(grant.token)).bot_name
            if self._known.get(grant.team) is installation:
                installation = replace(installation, bot_name=name)
                self._save(installation)
                self._take_in(installation)
        log.info("slack.installed")
        if door := self._door():
            await door.returned(_everywhere(grant.team))
        return Workspace(grant.team, grant.team, installation.bot_user, installation.bot_name)

    async def removed(self, team: str) -> None:
        """Give a workspace up if Slack refuses its token, too: news of a removal may come after the next install."""
        one = self._known.get(team)
        if one is None or not await self._is_refused(one):
            return
        if self._known.get(team) is not one:
            return  # it was installed anew while we asked
        del self._known[team]
        self._app.kept.delete(team)
        log.warning("slack.uninstalled")
        if door := self._door():
            await door.left(_everywhere(team), _WHY_GONE)

    async def refused(self, name: str, token: str, refusal: TokenError) -> SendError:
        """Let a workspace rest whose token was refused; give it up where Slack's word for it is final."""
        one = self._known.get(name)
        if one is None or one.token != token:
            return TryLater("This workspace has another token by now.")
        if refusal.word == _EXPIRED and one.refresh_token:
            self._take_in(replace(one, expires_at=self._clock.now()))
            return TryLater("The token of this workspace has expired.")
        if refusal.word in _REMOVED:
            await self.removed(name)
            if name not in self._known:
                return ChatGone(f"Slack says that {_WHY_GONE}")
        self._rests[name] = self._clock.now() + ASK_AGAIN
        log.error("slack.workspace_refused", error=str(refusal))
        return TryLater(str(refusal), after=ASK_AGAIN)

    async def _is_refused(self, one: Installation) -> bool:
        """Ask Slack whether a workspace's tokens are worthless. Where it does not say, they are not."""
        try:
            await self._client.identity(one.token)
        except TokenError as refusal:
            if refusal.word == _EXPIRED and one.refresh_token:
                return isinstance(await self._buy(one.team), BadMessage | TokenError)
            return True
        except SendError as error:
            log.warning("slack.removal_unproven", error=type(error).__name__)
        return False

    def _take_in(self, installation: Installation) -> None:
        for secret in filter(None, (installation.token, installation.refresh_token)):
            self._app.hide(secret)
        self._known[installation.team] = installation
        self._rests.pop(installation.team, None)
        self._buys_again.pop(installation.team, None)

    # --- tokens that expire ---------------------------------------------------------------------------------------

    async def _buy(self, name: str) -> SendError | TokenError | None:
        """Buy a workspace's next token, or wait for who is buying it already; return what kept it from that."""
        if name not in self._buying:
            task = self._buying[name] = asyncio.create_task(self._exchange(self._known[name]))
            task.add_done_callback(lambda _: self._buying.pop(name))
        return await asyncio.shield(self._buying[name])  # whoever waits may give up; the purchase may not

    async def _exchange(self, one: Installation) -> SendError | TokenError | None:
        app = self._app
        asked = {"grant_type": "refresh_token", "refresh_token": one.refresh_token}
        try:
            grant = await self._client.grant(app.client_id, app.client_secret, **asked)
        except (SendError, TokenError) as error:
            self._buys_again[one.team] = self._clock.now() + ASK_AGAIN
            log.error("slack.token_not_renewed", error=type(error).__name__, advice=_ADVICE)  # noqa: TRY400
            return error
        known = self._known.get(one.team)
        if known is not None and known.refresh_token == one.refresh_token:
            self._keep(grant, one)
            log.info("slack.token_renewed")
        return None

    def _keep(self, grant: Grant, before: Installation) -> Installation:
        """Put what was granted on disk, and only then to use."""
        lasts = None if grant.lasts is None else self._clock.now() + timedelta(seconds=grant.lasts)
        kept = replace(before, token=grant.token, refresh_token=grant.refresh_token, expires_at=lasts)
        self._save(kept)
        self._take_in(kept)
        return kept

    def _save(self, kept: Installation) -> None:
        """Save tokens; where the disk does not take them, remember to try again: there are no others to be had."""
        self._unsaved.discard(kept.team)
        try:
            self._app.kept.save(kept)
        except OSError as error:
            self._unsaved.add(kept.team)
            log.error("slack.tokens_not_saved", error=type(error).__name__)  # noqa: TRY400  its text names the file

    async def close(self) -> None:
        """Carry through what was begun."""
        await asyncio.gather(*self._buying.values())


_ADVICE = "if it lasts until the token ends, the workspace must open /slack/install again; what is due there waits"


def _ends_by(one: Installation, moment: datetime) -> bool:
    return one.expires_at is not None and one.expires_at <= moment


def _everywhere(team: str) -> Chat:
    return Chat("slack", team, "")
