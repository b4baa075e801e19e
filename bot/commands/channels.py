"""Speaking for a channel, in which nobody but its posts is heard."""

from __future__ import annotations

from bot.commands.registry import Desk, Who, command
from bot.commands.wording import reply, typed
from bot.core.speech import Call, Reply


@command(
    "channel NAME [COMMAND…]",
    "speak for a channel of yours, from a private chat with me",
    who=Who.EVERYBODY,
    platforms=("telegram",),
)
async def channel(desk: Desk, call: Call) -> Reply:
    """Say how a channel is set up. Where the line names one in private, Telegram's room carries it out."""
    return reply(
        "A channel is set up from your private chat with me. Make me an administrator of it who may post messages. ",
        "Then write there, for example, ",
        typed(desk, call, "channel @name follow tps"),
        ", or forward a post of it to me. Whoever may post in a channel may choose what it follows.",
    )
