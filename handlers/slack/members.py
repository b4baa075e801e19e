"""Who may change things: a full member, an admin, or somebody on a list. Whoever cannot be looked up may not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta

from bot.ports import Clock

User = Mapping[str, object]
LookUp = Callable[[str], Awaitable[User | None]]

REMEMBERED = timedelta(seconds=60)  # how long a look-up counts
_RANKS = ("is_admin", "is_owner", "is_primary_owner")
_LESSER = ("deleted", "is_bot", "is_workflow_bot", "is_connector_bot", "is_stranger", "is_invited_user")
_GUESTS = ("is_restricted", "is_ultra_restricted")


class Members:
    """Answers whether somebody may change a chat's settings. `who` is "members", "admins" or user ids."""

    def __init__(self, who: str | Collection[str], *, team: str, look_up: LookUp, clock: Clock) -> None:
        self._who = who if isinstance(who, str) else frozenset(who)
        self._team = team
        self._look_up = look_up
        self._clock = clock
        self._known: dict[str, tuple[datetime, bool]] = {}

    async def may_change(self, user_id: str) -> bool:
        """Look somebody up, at most once a minute."""
        if isinstance(self._who, frozenset):
            return user_id in self._who
        now = self._clock.now()
        self._known = {user: entry for user, entry in self._known.items() if entry[0] > now}
        if user_id not in self._known:
            user = await self._look_up(user_id)
            if user is None:
                return False
            self._known[user_id] = (now + REMEMBERED, self._allows(user))
        return self._known[user_id][1]

    def _allows(self, user: User) -> bool:
        if not is_full_member(user, self._team):
            return False
        return self._who == "members" or (self._who == "admins" and any(user.get(rank) is True for rank in _RANKS))


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
