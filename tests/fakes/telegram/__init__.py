"""A strict Telegram Bot API server on loopback, for the methods that the bot uses.

    async with FakeTelegram(scale=0.01) as telegram:
        group = telegram.world.add_group(admins=[7])
        telegram.world.say(group, 7, "/follow@policybell_bot tps")
        ...                                                     # the bot runs with API_URL = telegram.api_url
        assert "Following" in telegram.accepted[-1].text
        telegram.drop_after_accept()                            # faults, each for one request

Leaving the block asserts that the bot behaved: `violations` is empty, and every press was answered.

It refuses what Telegram refuses, in Telegram's words: sizes and entities as TDLib parses them, unknown chats,
blocked and moved ones, a wrong token, a second poller, and messages above 30/s overall, 1/s a chat and 20/min a
group in *any* window. What a well-behaved bot never does is written to `violations`. Messages are recorded in
`accepted` before they are answered, so that a lost answer and a lost message can be told apart.
"""

from __future__ import annotations

from tests.fakes.telegram.faults import Fault, Kind, answer, refusal
from tests.fakes.telegram.flood import Flood
from tests.fakes.telegram.methods import Accepted
from tests.fakes.telegram.oracle import ApiError, Entity, Formatted, found_in, parse, parse_html, units
from tests.fakes.telegram.server import TOKEN, FakeTelegram

__all__ = [
    "TOKEN",
    "Accepted",
    "ApiError",
    "Entity",
    "FakeTelegram",
    "Fault",
    "Flood",
    "Formatted",
    "Kind",
    "answer",
    "found_in",
    "parse",
    "parse_html",
    "refusal",
    "units",
]
