"""One job: a fork with limits that reads one answer. And what its parent, the zygote, gives up beforehand."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
from importlib import import_module
from typing import NoReturn

from bot.core.added import is_added
from bot.core.entities import declares_entities
from bot.core.impostors import impostor
from bot.core.intake import ARTICLE, FeedResponse, Hints
from bot.discovery import LINKS
from bot.errors import ParseError
from bot.ports import Source
from bot.reading import links
from bot.reading.wire import ReadLimits, encode_error, encode_parsed
from bot.sources import load

OPEN_FILES = 16

_NEW_USER_NAMESPACE = 0x10000000
_NEW_NETWORK_NAMESPACE = 0x40000000
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_libc = ctypes.CDLL(None, use_errno=True)  # `os.unshare` came with Python 3.12, and `prctl` never did


def leave_network() -> bool:
    """Move this process and its children where there is no network, if the system lets us; say whether it did."""
    socket.has_ipv6 = False  # a library of trafilatura's opens a socket at its import, to see whether it is true
    return any(
        _libc.unshare(flags) == 0 for flags in (_NEW_NETWORK_NAMESPACE, _NEW_USER_NAMESPACE | _NEW_NETWORK_NAMESPACE)
    )


def run(kind: str, response: FeedResponse, hints: Hints, answers: int, limits: ReadLimits) -> NoReturn:
    """Be the job: confine this process, read, write the result to the descriptor `answers`, and end."""
    with contextlib.suppress(BaseException):  # whatever happens here must not return into the zygote's loop
        _confine(limits)
        rest = memoryview(read(kind, response, hints))
        while rest:
            rest = rest[os.write(answers, rest) :]
    os._exit(0)


def read(kind: str, response: FeedResponse, hints: Hints) -> bytes:
    """Parse, and put the result or the error into lines. What came in place of the thing is told before any kind."""
    try:
        _refuse_impostors(response.body)
        _refuse_entities(response)
        return encode_parsed(_reader(kind).parse(response, hints))
    except ParseError as error:
        return encode_error(error)
    except (MemoryError, RecursionError):
        return encode_error(ParseError("reading it takes more memory than one answer may have", kind="parse_limit"))
    except Exception as error:  # noqa: BLE001 — feedparser alone raises a dozen kinds of errors on hostile input
        return encode_error(ParseError(f"the answer cannot be read ({type(error).__name__})", kind="broken"))


def _refuse_impostors(body: bytes) -> None:
    if found := impostor(body):
        raise ParseError(found.sentence, kind=found.kind)


def _refuse_entities(response: FeedResponse) -> None:
    """Refuse of what people added what we bear with from sources that we know (security S8)."""
    if is_added(response.source_id) and declares_entities(response.body):
        raise ParseError("it declares entities of its own, which no added source may", kind="parse_limit")


def _reader(kind: str) -> Source:
    """Find what reads a kind; articles and the links of a page are no kinds of source, and are read here as well."""
    if kind == ARTICLE:
        source: Source = import_module("bot.reading.article").SOURCE  # late: once `leave_network` was called
        return source
    return links.SOURCE if kind == LINKS else load(kind)


def _confine(limits: ReadLimits) -> None:
    """Give up all that reading does not need. Past the soft limit of time comes SIGXCPU, a second later SIGKILL."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    _libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    for what, soft, hard in (
        (resource.RLIMIT_CPU, limits.cpu, limits.cpu + 1),
        (resource.RLIMIT_AS, limits.memory, limits.memory),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, ceiling = resource.getrlimit(what)
        hard = hard if ceiling == resource.RLIM_INFINITY else min(hard, ceiling)  # noqa: PLW2901 — lowered, not renamed
        resource.setrlimit(what, (min(soft, hard), hard))
