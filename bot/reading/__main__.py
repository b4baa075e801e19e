"""The zygote: imports the parsers once, then forks a job for every answer, one at a time, until its input ends."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
from datetime import UTC, datetime

from bot.core.intake import ARTICLE, NO_HINTS, FeedResponse, Hints
from bot.reading import job
from bot.reading.wire import READY, ReadLimits, decode_request, encode_answer
from bot.sources import known_kinds

_INPUT, _OUTPUT = 0, 1
_CHUNK = 65_536
_NICENESS = 5  # on one core, sending and answering people go first
_FIRST = b"<rss version='2.0'><channel><item><title>a &amp; b</title><pubDate>x</pubDate></item></channel></rss>"


def main() -> None:
    """Serve until the daemon closes the socket."""
    limits = ReadLimits(**json.loads(sys.argv[1]))
    for ignored in (signal.SIGINT, signal.SIGTERM):  # both go to whole groups; we end when our input does
        signal.signal(ignored, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # a courtesy that a sandbox may refuse
        os.nice(_NICENESS)
    job.leave_network()
    _warm_up()
    os.write(_OUTPUT, READY)
    requests = sys.stdin.buffer
    while head := requests.readline():
        kind, response, hints = decode_request(head, requests.read)
        lines, stopped = _job(kind, response, hints, limits)
        sys.stdout.buffer.write(encode_answer(lines, stopped))
        sys.stdout.buffer.flush()


def _warm_up() -> None:
    """Load every kind and use the parser once, so that no job has to; then keep the collector off what all share."""
    for kind in (*known_kinds(), ARTICLE):
        first = FeedResponse("", "https://example.org/", 200, {}, _FIRST, datetime.fromtimestamp(0, UTC))
        job.read(kind, first, NO_HINTS)
    gc.collect()
    gc.freeze()


def _job(kind: str, response: FeedResponse, hints: Hints, limits: ReadLimits) -> tuple[bytes, str]:
    """Run one job; return its lines, and why it was stopped if it was."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        job.run(kind, response, hints, theirs, limits)
    os.close(theirs)
    lines, stopped = _collect(ours, limits)
    os.close(ours)
    os.kill(child, signal.SIGKILL)  # one that has ended already keeps the status it ended with
    _, status = os.waitpid(child, 0)
    return lines, stopped or _why(status, limits)


def _collect(pipe: int, limits: ReadLimits) -> tuple[bytes, str]:
    """Read the job's lines to their end, or to a limit."""
    deadline = time.monotonic() + limits.wall
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    poller.register(_INPUT, 0)  # reports only that the other end is gone
    lines = bytearray()
    while len(lines) <= limits.output:
        ready = dict(poller.poll(max(deadline - time.monotonic(), 0) * 1000))
        if _INPUT in ready:
            sys.exit()  # nobody waits any more; the job dies with us
        if not ready:
            return b"", f"reading it took more than {limits.wall} seconds"
        chunk = os.read(pipe, _CHUNK)
        if not chunk:
            return bytes(lines), ""
        lines += chunk
    return b"", f"there are more than {limits.output:,} bytes of text in it"


def _why(status: int, limits: ReadLimits) -> str:
    """Say what a job that ended by itself ended of; empty where it simply ended."""
    if not os.WIFSIGNALED(status):
        return ""
    if os.WTERMSIG(status) == signal.SIGXCPU:
        return f"reading it took more than {limits.cpu} seconds of processor time"
    return f"reading it was ended by signal {os.WTERMSIG(status)}"


if __name__ == "__main__":
    main()
