"""One attempt: render and send a message once, and say what that means for its rows. Also a probe: ask, and send none.

Errors end here: what a room raises becomes an outcome, and what is known of its platform.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

import structlog

from bot.breakers import Breakers
from bot.core.lateness import Patience
from bot.core.model import Chat, Delivery, DeliveryState, Lateness
from bot.core.outcome import Gone, Later, Moved, Outcome, Refused, Sent, Unsure
from bot.core.plan import next_attempt
from bot.core.speech import Message
from bot.errors import BadMessage, ChatGone, ChatMoved, MaybeSent, SendError, TokenError, TryLater, Unreachable
from bot.ports import Clock, Platform, Store
from bot.space import Space
from bot.turn import StillWaitingError

log = structlog.get_logger()

SEND_SECONDS = 120.0  # far above a room's own time-outs; a send that hangs for longer counts as unsure
PROBE_SECONDS = 20.0  # less than the pause between two probes


@dataclass(frozen=True, slots=True)
class DeliverDesk:
    """What delivering needs. `rooms` holds the platforms that may be used now; `stop_room` takes one out.

    `patience` is asked at each claim, so that a change of the settings holds at once. `settled` is told what became of
    each attempt.
    """

    store: Store
    rooms: MutableMapping[str, Platform]
    clock: Clock
    jitter: Callable[[], float]
    stop_room: Callable[[str, str], None]
    send_seconds: float = SEND_SECONDS
    patience: Callable[[], Patience] = Patience
    breakers: Breakers = field(default_factory=Breakers)
    settled: Callable[[Delivery, DeliveryState, datetime], None] = lambda *_: None
    space: Space = field(default_factory=Space)


async def probed(desk: DeliverDesk, room: Platform) -> SendError | TokenError | None:
    """Ask a platform something harmless, and say what came of it."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await room.probe()
    except TokenError as error:
        desk.stop_room(room.name, str(error))
        return error
    except SendError as error:
        return error
    except TimeoutError:
        return MaybeSent("it did not answer in time")
    except Exception as error:  # a bug in a room: it is asked again
        log.exception("platform.probe_broke", platform=room.name)
        return MaybeSent(f"the probe broke ({type(error).__name__})")
    return None


async def attempt(desk: DeliverDesk, delivery: Delivery) -> Outcome:
    """Render and send one delivery, with those that share its message, once, and say what came of it."""
    room = desk.rooms.get(delivery.chat.platform)
    if room is None:
        return Later(desk.clock.now(), "the room was stopped", counted=False)
    try:
        message = _message(room, delivery)
    except Exception as error:  # a bug in a renderer harms one message: plain text once, then the dead-letter list
        log.exception("delivery.unrenderable", delivery=delivery.id)
        return Refused(desk.clock.now(), f"could not be rendered ({type(error).__name__})")
    try:
        receipt = await _send_in_time(room, delivery.chat, message, desk.send_seconds)
    except (TokenError, StillWaitingError) as error:  # neither is an attempt
        if isinstance(error, TokenError):
            desk.stop_room(room.name, str(error))
        return Later(desk.clock.now(), str(error), counted=False)
    except SendError as error:
        return _failed(desk, delivery, message, error)
    except Exception as error:  # a bug in a room, or a time-out: nobody knows whether the message left
        log.exception("delivery.broke", delivery=delivery.id)
        return _failed(desk, delivery, message, MaybeSent(f"the attempt broke ({type(error).__name__})"))
    now = desk.clock.now()
    desk.breakers.note(room.name, None, now)
    return Sent(receipt, now + room.pace.rest(delivery.chat, now))


def _message(room: Platform, delivery: Delivery) -> Message:
    if delivery.late is Lateness.ON_TIME:
        return room.render(delivery.alert, repeat=delivery.unsure, plain=delivery.plain)
    return room.render_list((delivery, *delivery.also))


def _failed(desk: DeliverDesk, delivery: Delivery, message: Message, error: SendError) -> Outcome:
    """Say what a failure means for the delivery. What an outage catches under way costs it no attempt."""
    now, name = desk.clock.now(), delivery.chat.platform
    desk.breakers.note(name, error, now)
    if isinstance(error, Unreachable) and name in desk.breakers.open_since:
        return Later(now, str(error), counted=False)
    outcome = settle_for(error, delivery.attempt, now, desk.jitter())
    return replace(outcome, body=body_hash(message)) if isinstance(outcome, Refused) else outcome


def body_hash(message: Message) -> str:
    """Name a message without keeping it: the same for the same words in the same form."""
    body = json.dumps([message.text, dict(message.native)], sort_keys=True, default=str)
    return blake2b(body.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


async def _send_in_time(room: Platform, chat: Chat, message: Message, seconds: float) -> str:
    """Send within so many seconds. Whether the message had left when they were up decides what that means."""
    try:
        async with asyncio.timeout(seconds):
            return await room.send(chat, message)
    except TimeoutError as error:
        if isinstance(error.__cause__, StillWaitingError):
            raise error.__cause__ from None
        raise


def settle_for(error: SendError, attempt: int, now: datetime, jitter: float) -> Outcome:
    """Say what a failed attempt means for the delivery."""
    match error:
        case ChatMoved(to=to):
            return Moved(to)
        case ChatGone():
            return Gone(str(error))
        case TryLater(after=after):
            return Later(next_attempt(now, attempt, after, jitter), str(error))
        case BadMessage():
            return Refused(now, str(error))
        case _:
            return Unsure(next_attempt(now, attempt, None, jitter), str(error))
