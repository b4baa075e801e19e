"""Sources that people add while the bot runs: by operators for everybody, by a chat for itself alone.

The id says which: `added-3` is everybody's, `own-3` one chat's. What a chat adds is private to it. It must neither
reach other chats nor speak for them: its documents are compared among themselves only, so that a feed made up by
somebody cannot pass for news that others would then not be told of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from bot.core.intake import SourceSpec, Standing
from bot.core.model import Chat

OF_EVERYBODY, OF_A_CHAT = "added-", "own-"
ADDED_ID = re.compile(rf"(?:{OF_EVERYBODY}|{OF_A_CHAT})[0-9]+")

A_CHAT_AT_MOST = 20  # security S29
HOSTS_AT_MOST = 200  # of all chats together: what one bot can ask politely beside its own sources
A_HOST_AT_MOST = 10  # sources of chats on one host, which is asked every two seconds at most
_NAME_SIZE = 100


class Refusal(StrEnum):
    """Why a source cannot be added."""

    KNOWN = "there already"
    FULL = "full"
    HOSTS = "hosts"
    CROWDED = "crowded"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source that somebody wants added. `chat` is None where an operator adds it for everybody."""

    kind: str
    url: str
    name: str
    chat: Chat | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A source that was added. `number` is never given twice."""

    number: int
    kind: str
    url: str
    name: str
    chat: Chat | None = None

    @property
    def id(self) -> str:
        return f"{OF_A_CHAT if self.chat else OF_EVERYBODY}{self.number}"

    def spec(self, every: timedelta) -> SourceSpec:
        """Make it a source like any other. Who added it vouches for nothing, so it counts as news."""
        return SourceSpec(self.id, self.kind, self.name[:_NAME_SIZE], self.url, every, Standing.NEWS)


def is_added(source_id: str) -> bool:
    """Say whether somebody added this source while the bot ran: it is read more strictly."""
    return ADDED_ID.fullmatch(source_id) is not None


def is_private(source_id: str) -> bool:
    """Say whether a source belongs to one chat."""
    return is_added(source_id) and source_id.startswith(OF_A_CHAT)


def why_not(known: Sequence[Added], wanted: Wanted) -> Refusal | None:
    """Say why a source cannot be added beside those that are known; None where it can. Operators have no limit."""
    same = [one for one in known if one.chat == wanted.chat]
    if any(one.url == wanted.url for one in same):
        return Refusal.KNOWN
    if wanted.chat is None:
        return None
    if len(same) >= A_CHAT_AT_MOST:
        return Refusal.FULL
    hosts = Counter(urlsplit(one.url).hostname for one in known if one.chat is not None)
    host = urlsplit(wanted.url).hostname
    if hosts[host] >= A_HOST_AT_MOST:
        return Refusal.CROWDED
    return Refusal.HOSTS if host not in hosts and len(hosts) >= HOSTS_AT_MOST else None
