"""Telling operators what is wrong: at once, beside the outbox, and without the disk.

Notices are not rows: a full disk must not silence them. Each chat has its own knowledge (`bot.core.alarms.Known`),
which moves on only when it was told; so a chat whose platform is down is passed over, the others are told, and when
it is back it hears what stands then and nothing of what came and went meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.core.alarms import Alarm, Known, Thresholds, changes, in_words, standing
from bot.core.model import Chat
from bot.core.speech import Mark, Reply, Span
from bot.errors import BadMessage, ChatGone, ChatMoved, SendError, TokenError, TryLater
from bot.ports import Clock, Platform
from bot.turn import StillWaitingError
from bot.watching.measuring import Measured

log = structlog.get_logger()

TELL_SECONDS = 20.0  # for one chat; the next look tries again what did not get out
LAST_WORDS_SECONDS = 3.0  # when the bot ends by itself, which must not take longer than five in all
# A bot that a service manager starts again and again would tell the same every few seconds.
# And a machine that wakes up finds everything old, for a moment.
QUIET_AT_START = timedelta(seconds=25)
ASLEEP = timedelta(minutes=2)  # between two looks that come twice a minute
LIVED = timedelta(minutes=5)  # whoever lived for so long may say why it ends


@dataclass(slots=True)
class _Listener:
    """One chat that is told: what it knows, where it is now, and until when its platform wants silence."""

    chat: Chat
    known: Known = field(default_factory=dict)
    not_before: datetime | None = None
    refused: bool = False


class Alarms:
    """Looks, decides, tells. `rooms` are those that may send now; `stop_room` takes one out; `chats` are to be told."""

    def __init__(
        self,
        *,
        measure: Callable[[], Awaitable[Measured]],
        limits: Callable[[], Thresholds],
        chats: Callable[[], Collection[Chat]],
        rooms: Mapping[str, Platform],
        stop_room: Callable[[str, str], None],
        clock: Clock,
        tell_seconds: float = TELL_SECONDS,
        last_seconds: float = LAST_WORDS_SECONDS,
    ) -> None:
        self._measure = measure
        self._limits = limits
        self._chats = chats
        self._rooms = rooms
        self._stop_room = stop_room
        self._clock = clock
        self._tell_seconds, self._last_seconds = tell_seconds, last_seconds
        self._began = self._awake_since = self._looked_at = clock.now()
        self._listeners: dict[Chat, _Listener] = {}
        self.standing: tuple[Alarm, ...] = ()
        self.measured: Measured | None = None

    def unheard(self, platforms: Collection[str]) -> frozenset[str]:
        """Name the platforms, of those that there are and of others, where a chat in the list cannot be told."""
        refused = {chat.platform for chat, listener in self._listeners.items() if listener.refused}
        return frozenset(refused | {chat.platform for chat in self._chats()} - set(platforms))

    async def look(self) -> None:
        """Measure, note what stands, and tell whoever does not know it yet."""
        await self.look_only()
        now, before = self._clock.now(), self._looked_at
        if not timedelta(0) <= now - before < ASLEEP:
            self._awake_since = now
        self._looked_at = now
        if now - self._awake_since >= QUIET_AT_START:
            await self._tell_all()

    async def look_only(self) -> Measured:
        """Measure and note what stands."""
        self.measured = await self._measure()
        before, self.standing = self.standing, standing(self.measured.facts, self._limits())
        _log_changes(before, self.standing)
        return self.measured

    async def last_words(self, why: str) -> None:
        """Tell every chat, in a few seconds at most, that the bot ends by itself."""
        if self._clock.now() - self._began < LIVED:
            return
        reply = Reply((Span("Policybell stops", Mark.BOLD), Span(f" · {why}\nLook at its log and start it again.")))
        telling = [asyncio.create_task(self._say(listener, reply)) for listener in self._present()]
        if telling:
            _, late = await asyncio.wait(telling, timeout=self._last_seconds)
            for task in late:
                task.cancel()

    def _present(self) -> list[_Listener]:
        """Everybody to be told now; who is not any more is forgotten."""
        self._listeners = {chat: self._listeners.get(chat, _Listener(chat)) for chat in self._chats()}
        return list(self._listeners.values())

    async def _tell_all(self) -> None:
        await asyncio.gather(*(self._tell(listener) for listener in self._present()))

    async def _tell(self, listener: _Listener) -> None:
        """Tell one chat what is new to it. What did not get out is new to it at the next look, too."""
        now = self._clock.now()
        after, notices = changes(listener.known, self.standing, now)
        if listener.not_before is not None and now < listener.not_before:
            return
        if not notices or await self._say(listener, in_words(notices)):
            listener.known = after

    async def _say(self, listener: _Listener, reply: Reply) -> bool:
        """Say something in a chat; return whether there is no sense in saying it again."""
        room = self._rooms.get(listener.chat.platform)
        if room is None:
            return False
        try:
            async with asyncio.timeout(self._tell_seconds):
                await room.tell(listener.chat, reply)
        except (SendError, TokenError, TimeoutError) as error:
            log.warning("notice.not_sent", chat=listener.chat, error=str(error) or type(error).__name__)
            return self._let_go(listener, error)
        except Exception:  # a bug in a room: once is enough
            log.exception("notice.broke", platform=room.name)
            return True
        listener.refused = False
        return True

    def _let_go(self, listener: _Listener, error: SendError | TokenError | TimeoutError) -> bool:
        """Draw the consequences of a notice that was not confirmed; True where it may have arrived, or never will."""
        match error:
            case TokenError():
                self._stop_room(listener.chat.platform, str(error))
                return False
            case ChatMoved(to=to):
                listener.chat = to
                return False
            case TryLater(after=after):
                listener.not_before = self._clock.now() + after if after else None
                return False
            case TimeoutError():
                return not isinstance(error.__cause__, StillWaitingError)
            case ChatGone() | BadMessage():
                listener.refused = True
        return True


def _log_changes(before: tuple[Alarm, ...], after: tuple[Alarm, ...]) -> None:
    known, now = {alarm.key: alarm for alarm in before}, {alarm.key: alarm for alarm in after}
    for key in now.keys() - known.keys():
        log.warning("alarm.began", alarm=key, severity=now[key].severity.value, sentence=now[key].sentence)
    for key in known.keys() - now.keys():
        log.info("alarm.ended", alarm=key)
