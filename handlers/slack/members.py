"""Who may change things: a full member, an admin, or somebody on a list. Whoever cannot be looked up may not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from enum import IntEnum

from bot.ports import Clock
from handlers.slack.workspaces import Workspace

User = Mapping[str, object]
LookUp = Callable[[Workspace, str], Awaitable[User | None]]

REMEMBERED = timedelta(seconds=60)  # how long a look-up counts
_RANKS = ("is_admin", "is_owner", "is_primary_owner")
_LESSER = ("deleted", "is_bot", "is_workflow_bot", "is_connector_bot", "is_stranger", "is_invited_user")
_GUESTS = ("is_restricted", "is_ultra_restricted")


class Rank(IntEnum):
    """How far somebody is trusted in a workspace. Guests, strangers, bots and the deactivated are nobody."""

    NOBODY = 0
    MEMBER = 1
    ADMIN = 2


class Members:
    """Answers whether somebody may change a chat's settings.

    `who` is "members", "admins" or user ids, and holds for channels. In a direct message every full member decides
    about their own alerts. An id may be written `TEAM/USER`: where the app serves several workspaces it must be, for
    Slack promises a user's id to be unique within one only.
    """

    def __init__(self, who: str | Collection[str], *, look_up: LookUp, clock: Clock) -> None:
        self._who = who if isinstance(who, str) else frozenset(who)
        self._look_up = look_up
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[datetime, Rank]] = {}

    async def may_change(self, workspace: Workspace, user_id: str, channel: str) -> bool:
        """Look somebody up, at most once a minute."""
        in_person = channel.startswith("D")
        if isinstance(self._who, frozenset) and not in_person:
            named = {f"{workspace.team}/{user_id}"} | (set() if workspace.name else {user_id})
            return not named.isdisjoint(self._who)
        rank = await self._rank(workspace, user_id)
        needed = Rank.ADMIN if self._who == "admins" and not in_person else Rank.MEMBER
        return rank >= needed

    async def _rank(self, workspace: Workspace, user_id: str) -> Rank:
        now, key = self._clock.now(), (workspace.team, user_id)
        self._known = {known: entry for known, entry in self._known.items() if entry[0] > now}
        if key not in self._known:
            user = await self._look_up(workspace, user_id)
            if user is None:
                return Rank.NOBODY
            self._known[key] = (now + REMEMBERED, rank_of(user, workspace.team))
        return self._known[key][1]


def rank_of(user: User, team: str) -> Rank:
    """Rank a user, as users.info describes one, within a workspace."""
    if not is_full_member(user, team):
        return Rank.NOBODY
    return Rank.ADMIN if any(user.get(flag) is True for flag in _RANKS) else Rank.MEMBER


def is_full_member(user: User, team: str) -> bool:
    """Say whether a user (as users.info describes one) is of this workspace, and no guest, bot or stranger.

    Slack leaves guest flags out for people it says little about: what is not said to be false counts against them.
    """
    at_home = user.get("team_id") == team or team in _teams(user)
    full = all(user.get(guest) is False for guest in _GUESTS) and not any(user.get(lesser) for lesser in _LESSER)
    return at_home and full and user.get("deleted") is False and user.get("is_bot") is False


def _teams(user: User) -> Collection[object]:
    """List the workspaces of somebody in an Enterprise organization."""
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, Mapping) else None
    return teams if isinstance(teams, list) else ()
