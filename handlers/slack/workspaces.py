"""Which workspaces there are, and the bot token of each: one that the operator gave, or many that installed the app.

`OneWorkspace` is here. Its chats name no workspace, for there is nothing to tell apart. `handlers.slack.installed`
has the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bot.core.model import Chat
from bot.errors import SendError, TokenError
from handlers.slack.client import Client


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace. `name` is how chats name it; empty where there is one only."""

    name: str
    team: str
    bot_user: str
    bot_name: str

    def chat(self, channel: str) -> Chat:
        return Chat("slack", self.name, channel)


class Workspaces(Protocol):
    """All workspaces that the app serves."""

    async def prove(self) -> None:
        """Make sure that we can work at all; raise `TokenError` where Slack says no, `SendError` where it says none."""
        ...

    async def heard_from(self, team: str) -> Workspace | None:
        """Name the workspace that something came from; None where the app is not installed there."""
        ...

    async def token(self, name: str) -> str:
        """Give a token of the workspace that chats name so, to be used at once; raise as `Platform.send` may."""
        ...

    async def refused(self, name: str, token: str, refusal: TokenError) -> SendError | TokenError:
        """Take note that Slack refused a token; return what that means for whoever used it."""
        ...

    async def removed(self, team: str) -> None:
        """Look into it: Slack tells that the app was removed from a workspace, or a token of it revoked."""
        ...

    async def close(self) -> None: ...


class OneWorkspace:
    """The workspace of the one bot token. `doubt` is called where that token may be worthless."""

    def __init__(self, client: Client, bot_token: str, doubt: Callable[[TokenError | None], None]) -> None:
        self._client = client
        self._token = bot_token
        self._doubt = doubt
        self._known: Workspace | None = None

    async def prove(self) -> None:
        me = await self._client.identity(self._token)
        self._known = Workspace("", me.team, me.bot_user, me.bot_name)

    async def heard_from(self, team: str) -> Workspace | None:  # noqa: ARG002  whoever is heard, is heard here
        return self._known

    async def token(self, name: str) -> str:  # noqa: ARG002  there is only one
        return self._token

    async def refused(self, name: str, token: str, refusal: TokenError) -> TokenError:  # noqa: ARG002  only one
        self._doubt(refusal)  # whoever hears people should not think that all is well
        return refusal

    async def removed(self, team: str) -> None:  # noqa: ARG002  there is only one
        self._doubt(None)

    async def close(self) -> None:
        """Nothing is under way."""
