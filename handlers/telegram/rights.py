"""Who may change a group's settings: its administrators, as Telegram says within the last minute."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.errors import SendError
from bot.ports import Clock
from handlers.telegram.client import Client

log = structlog.get_logger()

_KEPT = timedelta(seconds=60)
_ADMINISTRATORS = {"creator", "administrator"}


class Rights:
    """Asks `getChatMember`, keeps a yes for at most a minute, and takes an error for a no.

    A no is not kept: whoever was just made administrator shall not be turned away once more.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._until: dict[tuple[int, int], datetime] = {}

    async def may_change(self, chat_id: int, user_id: int) -> bool:
        now = self._clock.now()
        self._until = {key: until for key, until in self._until.items() if until > now}
        if (chat_id, user_id) in self._until:
            return True
        try:
            rank = await self._client.rank(chat_id, user_id)
        except SendError as error:
            log.warning("rights.unknown", error=str(error))
            return False
        if rank in _ADMINISTRATORS:
            self._until[chat_id, user_id] = now + _KEPT
        return rank in _ADMINISTRATORS

    def forget(self, chat_id: int, user_id: int) -> None:
        """Ask anew next time: Telegram told that somebody's rank has changed."""
        self._until.pop((chat_id, user_id), None)
