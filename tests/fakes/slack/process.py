"""A process that speaks Slack and nothing else: `python -m tests.fakes.slack.process`. Logs, at DEBUG, go to stdout.

It reads the API's address, both tokens and a channel from stdin, posts alerts, answers people until it is refused,
and then says how many ports it has open.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bot.core.model import Chat
from bot.errors import SendError, TokenError
from handlers.slack import Slack
from handlers.slack.sockets import Rhythm
from tests.builders import an_alert
from tests.fakes.door import FakeDoor

ALERTS = 3

log = logging.getLogger("process")


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def speak() -> None:
    api_url, bot_token, app_token, channel = sys.stdin.read().split()
    quick = Rhythm(ping=0.05, opening=1.0, absence=0.15)
    room = Slack(bot_token, app_token, api_url=api_url, clock=RealClock(), rhythm=quick, timeout=0.5)
    listening = asyncio.create_task(room.listen(FakeDoor()))
    for _ in range(ALERTS):
        try:
            await room.send(Chat("slack", "", channel), room.render(an_alert(), repeat=False, plain=False))
        except SendError:
            log.exception("a post failed")
    try:
        await listening
    except TokenError:
        log.exception("listening ended")
    await room.close()
    log.info("open ports: %d", open_ports())


def open_ports() -> int:
    """Count the TCP sockets of this process that listen (state 0A)."""
    rows = (line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:])
    listening = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}
    own = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return sum(str(link.readlink()) in listening for link in own)


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stdout))
    asyncio.run(speak(), debug=True)
