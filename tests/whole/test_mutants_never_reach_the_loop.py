"""Mutated feeds, lists and pages of every kind end as values, and cost no memory.

`make soak` reads 100,000 of them and `make test` 2 % of that, the same ones in every run: one in twenty through the
real child process, where each costs a fork, the others as a job does it. What is read goes on through cleaning, as in
a poll. Feeds are read in parts too, as if some of their entries were known.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import pytest

from bot.core.clean import clean
from bot.core.intake import NO_HINTS, Parsed, SourceSpec
from bot.errors import KINDS, ParseError
from bot.reading import ReadingRoom, ReadLimits
from bot.reading.job import read
from bot.reading.room import result
from bot.sources import load
from tests.builders import NOW, a_response, a_source
from tests.contract.test_source_contract import HINTS, SAMPLES, mutants

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600 if os.environ.get("POLICYBELL_SOAK") else 180)]

ALL = 100_000
COUNT = ALL if os.environ.get("POLICYBELL_SOAK") else ALL // 50
IN_CHILD_ONE_OF = 20
GROWTH_AT_MOST = 8.0  # MB; a leak of 1 kB an answer would come to 80 over the second half of the long run


def mutated(sample: bytes) -> Iterator[bytes]:
    """Give mutants of a sample without end; every other one is mutated twice."""
    for number, mutant in enumerate(mutants(sample, ALL)):
        yield next(mutants(mutant or sample, 1)) if number % 2 else mutant


def bodies(count: int) -> Iterator[tuple[str, bytes]]:
    """Take turns among all samples of all kinds."""
    streams = [(kind, mutated(sample)) for kind in sorted(SAMPLES) for sample in SAMPLES[kind]]
    return ((kind, next(stream)) for kind, stream in islice(cycle(streams), count))


KNOWN = frozenset(span for sample in SAMPLES["feed"] for span in load("feed").parse(a_response(sample)).spans)


def megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def outcome(room: ReadingRoom, number: int, source: SourceSpec, body: bytes) -> Parsed | ParseError:
    known = KNOWN if number % 3 else frozenset()
    if number % IN_CHILD_ONE_OF == 0:
        return await room(source, a_response(body), known)
    return await result(read(source.kind, a_response(body), replace(source.hints, known=known)), "")


async def read_all(count: int) -> None:
    outcomes: Counter[str] = Counter()
    room = ReadingRoom(ReadLimits(cpu=2))
    zygotes: set[int | None] = set()
    halfway: list[float] = []
    for number, (kind, body) in enumerate(bodies(count)):
        hints = HINTS.get(kind, NO_HINTS)
        source = a_source(kind=kind, select=hints.select, only=hints.only)
        match await outcome(room, number, source, body):
            case Parsed(entries=entries):
                assert len(clean(source, entries, NOW)) <= len(entries)
                outcomes["read"] += 1
            case ParseError(kind=word) as error:
                assert word in KINDS
                assert str(error)
                outcomes[word] += 1
        zygotes.add(room.pid)
        if number == count // 2:
            halfway = [megabytes(os.getpid()), megabytes(room.pid or 0)]
    grown = [megabytes(os.getpid()) - halfway[0], megabytes(room.pid or 0) - halfway[1]]
    await room.close()
    print(f"\nmutants: {count:,}, outcomes {dict(outcomes.most_common())}, exceptions 0, children {len(zygotes)}")
    print(
        f"memory over the second half, MB: own {halfway[0]:.1f} {grown[0]:+.2f}, child {halfway[1]:.1f} {grown[1]:+.2f}"
    )
    assert sum(outcomes.values()) == count
    assert len(zygotes) == 1
    assert max(grown) < GROWTH_AT_MOST


def test_mutants_end_as_values_and_cost_no_memory() -> None:
    asyncio.run(read_all(COUNT))
