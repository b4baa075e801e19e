"""Every error raised on purpose. Each says what to do next; the sentences are for people.

BotError
├─ ConfigError(problems)            every problem, not the first
├─ SourceError                      one source's poll failed; the others go on
│  ├─ FetchError(status, retry_after)
│  │  └─ Postponed(retry_after)     nobody was asked, it is not our turn yet: no failure, come back then
│  └─ ParseError(kind)              the kinds stand in `KINDS`
├─ StoreError                       the database cannot be opened, migrated or written
│  ├─ BackupError                   a backup cannot be written or read as a file; the database itself is well
│  ├─ DiskFull                      nothing of the last change was saved; what is there is sound: wait for room
│  └─ LockedError                   another daemon holds the data directory
├─ TokenError                       bad or revoked token, or a second poller: stop the room, never blame the chats
└─ SendError
   ├─ TryLater(after, asked)        certainly not sent: 429
   │  └─ Unreachable                the platform as a whole cannot be reached: connect errors
   ├─ MaybeSent                     may have been sent: read timeout, reset, 5xx
   ├─ ChatMoved(to)                 the chat has a new id
   ├─ ChatGone                      blocked, kicked, archived, not found
   └─ BadMessage                    the message itself is refused: plain text once, then the dead-letter list
"""

from __future__ import annotations

from datetime import timedelta

from bot.core.intake import Trouble
from bot.core.model import Chat

# Every way in which an answer can be no use, by a stable word, and the trouble that it is.
KINDS = {
    "parse_limit": Trouble.BROKEN,
    "not_a_feed": Trouble.BROKEN,
    "broken": Trouble.BROKEN,
    "empty": Trouble.BROKEN,  # no row where there always are some: the page was rebuilt, or is another
    "soft_404": Trouble.BROKEN,
    "most_gone": Trouble.BROKEN,  # a watched page without most of what it held: it was rebuilt, or is another
    "challenge": Trouble.BLOCKED,
    "login": Trouble.BLOCKED,
    "decoy": Trouble.BLOCKED,
    "request_access": Trouble.REFUSED,
}
_REFUSED = frozenset({401, 403, 451})
_GONE = 410


class BotError(Exception):
    """Something went wrong that we know how to speak about."""


class ConfigError(BotError):
    """The configuration cannot be used. `problems` are (path, sentence) pairs, all of them."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__("\n".join(f"{path}: {sentence}" for path, sentence in problems))
        self.problems = problems


class SourceError(BotError):
    """A source could not be read this time. `trouble` says of what kind the reason is."""

    trouble = Trouble.UNREACHABLE


class FetchError(SourceError):
    """No usable answer came over HTTP. `status` is 0 where there was none; `retry_after` is the server's wish.

    The trouble follows from the status where none is named.
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int = 0,
        retry_after: timedelta | None = None,
        trouble: Trouble = Trouble.NONE,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after
        self.trouble = trouble or _trouble_of(status)


class Postponed(FetchError):
    """Nobody was asked: a host wants to be left alone for longer than anybody waits. `retry_after` says how long."""

    def __init__(self, sentence: str, after: timedelta) -> None:
        super().__init__(sentence, retry_after=after)
        self.after = after


def _trouble_of(status: int) -> Trouble:
    if status in _REFUSED:
        return Trouble.REFUSED
    return Trouble.GONE if status == _GONE else Trouble.UNREACHABLE


class ParseError(SourceError):
    """An answer came and could not be read. `kind` is a stable word, one of `KINDS`."""

    def __init__(self, sentence: str, *, kind: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.trouble = KINDS[kind]


class StoreError(BotError):
    """The database cannot be opened, migrated or written."""


class BackupError(StoreError):
    """A backup cannot be written or read as a file. The database itself is well."""


class DiskFull(StoreError):
    """There is no room for a change. Nothing of it was saved, the store itself is well: wait for room, do it again."""


class LockedError(StoreError):
    """Another daemon holds the data directory."""


class TokenError(BotError):
    """The platform does not accept our token, or another process uses it: the room stops, nothing is lost.

    `word` is the platform's own for it, where it has one.
    """

    def __init__(self, sentence: str = "", *, word: str = "") -> None:
        super().__init__(sentence)
        self.word = word


class SendError(BotError):
    """A message was not confirmed."""


class TryLater(SendError):
    """Certainly not sent. `after` is the platform's wish, None where it has none.

    Not `asked`: we knew it ourselves, so it says nothing of whether the platform can be reached.
    """

    def __init__(self, sentence: str, *, after: timedelta | None = None, asked: bool = True) -> None:
        super().__init__(sentence)
        self.after = after
        self.asked = asked


class Unreachable(TryLater):
    """The platform as a whole cannot be reached: certainly not sent, and other chats would fare no better."""


class MaybeSent(SendError):
    """The answer was lost: the message may have arrived."""


class ChatMoved(SendError):
    """The chat has a new id."""

    def __init__(self, to: Chat) -> None:
        super().__init__("the chat has moved")
        self.to = to


class ChatGone(SendError):
    """The chat cannot be written to any more."""


class BadMessage(SendError):
    """The platform refuses the message itself."""


def exit_code(error: BotError) -> int:
    """Give the exit code of a command that ended so, here or in a daemon; docs/operate.md lists them."""
    match error:
        case ConfigError():
            return 3
        case LockedError():
            return 5
        case BackupError():
            return 1
        case StoreError():
            return 4
        case _:
            return 1
