"""Whether a request comes from Slack: signed with our secret, just now, and not seen before.

The signature is `v0=` and the HMAC-SHA256 of `v0:TIMESTAMP:BODY`
(docs.slack.dev/authentication/verifying-requests-from-slack).
slack_bolt 1.30 is not asked: it takes a valid request again and again within five minutes, and breaks on a timestamp
that is no number and on a signature that is no ASCII.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256

FRESH = timedelta(seconds=300)  # Slack's own advice; either way, for clocks differ
REMEMBERED = timedelta(seconds=600)  # a timestamp from the future stays fresh for twice as long
MOST_REMEMBERED = 100_000  # 32 bytes each; Slack sends a workspace at most 30,000 events an hour

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a request as Slack does."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return f"v0={hmac.new(secret.encode(), signed, sha256).hexdigest()}"


class Signatures:
    """Checks signatures, and remembers those that were good. What was signed before `since` is not believed.

    That spares us to remember them across a restart: nothing that was heard before it can be replayed after it.
    """

    def __init__(self, secret: str, since: datetime) -> None:
        self._secret = secret
        self._since = since
        self._seen: OrderedDict[bytes, datetime] = OrderedDict()

    def good(self, timestamp: str, claimed: str, body: bytes, now: datetime) -> bool:
        """Say whether Slack signed this, lately. Compares in constant time."""
        if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(claimed):
            return False
        at, seconds = int(timestamp), now.timestamp()
        if abs(seconds - at) > FRESH.total_seconds() or at < int(self._since.timestamp()):
            return False
        return hmac.compare_digest(signature(self._secret, timestamp, body).encode(), claimed.encode())

    def replayed(self, claimed: str, now: datetime) -> bool:
        """Say whether this good signature was seen before, and note it."""
        while self._seen and (len(self._seen) >= MOST_REMEMBERED or next(iter(self._seen.values())) <= now):
            self._seen.popitem(last=False)
        nonce = bytes.fromhex(claimed.removeprefix("v0="))
        if nonce in self._seen:
            return True
        self._seen[nonce] = now + REMEMBERED
        return False
