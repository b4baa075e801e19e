"""The whole catalogue on a small machine: the real daemon on one core, in 400 MB, with a feed as large as one may be.

Beside it stand answers that are made to harm whoever reads them. The memory is bounded by a control group, so that
more ends a process; where this machine makes none, what the processes hold is measured and compared, and the output
says so. Sites of all sources stand on this machine, and clocks are the real ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.core.condition import Condition
from bot.core.intake import SourceSpec
from config import load
from config.shipped import shipped
from tests.fakes.daemon import Daemon
from tests.fakes.hostile import CPU_BOMBS, ENTITY_BOMBS, HOSTILE
from tests.fakes.newsrooms import Newsroom
from tests.fakes.sites import Answer, Sites, Spoil
from tests.fakes.telegram import FakeTelegram

MEMORY = 400 * 1000**2  # bytes: what systemd's MemoryMax=400M gives, and a little less
LARGEST = 5 * 1024**2  # bytes of one answer, the most that is read
MINUTES = 4.0
ANA = 501_884_223
NEEDS_A_KEY = {"courtlistener", "regulations", "congress"}
SETTINGS = """
[fetch]
tick = "500ms"
per_host_delay = "0s"
backoff_max = "1m"
[catalogue]
enabled = []
[bot]
contact = "https://example.org/contact"
"""


# --- what is read -------------------------------------------------------------------------------------------------


def catalogue(tmp_path: Path) -> list[SourceSpec]:
    """Read the shipped sources, on or off, but those that ask for a key; each at a path of its own on this machine."""
    ids = [source["id"] for source in shipped("sources") if source["kind"] not in NEEDS_A_KEY]
    settings = tmp_path / "shipped.toml"
    settings.write_text(f"[catalogue]\nenabled = {ids!r}\n")
    return [replace(source, url=_here(source.url)) for source in load(settings, {}).source_specs()]


def _here(url: str) -> str:
    parts = urlsplit(url)
    return f"http://127.0.0.1/{parts.hostname}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def a_feed(name: str) -> SourceSpec:
    return SourceSpec(name, "feed", name.capitalize(), f"http://127.0.0.1/{name}", timedelta(seconds=5))


def largest(_now: datetime) -> Answer:
    """Give a feed of the largest size, another one every ten seconds: its items move, and one is new."""
    number, text = int(time.time() / 10), "word " * 1_900
    items = [
        f"<item><title>Item {n} of the largest</title><guid>largest-{n}</guid><link>http://127.0.0.1/l/{n}</link>"
        f"<description>{n} {text}</description></item>"
        for n in range(number, number - 530, -1)
    ]
    body = f"<rss version='2.0'><channel><title>Largest</title>{''.join(items)}</channel></rss>".encode()
    assert len(body) <= LARGEST
    return Answer(200, body + b" " * (LARGEST - len(body)), {"Content-Type": "application/rss+xml"})


def always(body: bytes) -> Spoil:
    return lambda _now: Answer(200, body, {"Content-Type": "application/rss+xml"})


def written(sources: list[SourceSpec], sites: Sites) -> str:
    """Write settings with these sources."""
    return SETTINGS + "".join(map(_item, map(sites.here, sources)))


def _item(source: SourceSpec) -> str:
    fields = {
        "id": source.id,
        "name": source.name,
        "kind": source.kind,
        "url": source.url,
        "every": "5s",
        "standing": source.standing.value,
        "language": source.language,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    tables = {"select": source.select, "cases": source.only if source.kind == "docket" else {}}
    for name, table in tables.items():
        pairs = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items()]
        lines += [f"[sources.{name}]", *pairs] if pairs else []
    return "\n[[sources]]\n" + "\n".join(lines) + "\n"


# --- where it runs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """A control group of bounded memory, of the first or the second version; None: this machine makes none."""

    folder: Path | None = None

    @property
    def under(self) -> list[str]:
        """The command that starts another one in the group and on one core."""
        into = f"echo $$ > {self.folder}/cgroup.procs; " if self.folder else ""
        return ["sh", "-c", f'{into}exec taskset -c 0 "$@"', "sh"]

    def peak(self) -> int:
        """The most bytes that it held, what the disk's pages took among them; 0 where nobody knows."""
        return self._number("memory.max_usage_in_bytes", "memory.peak")

    def killed(self) -> int:
        """How many processes were ended for want of memory."""
        found = [self._text("memory.oom_control"), self._text("memory.events")]
        return sum(int(number) for said in found for number in re.findall(r"^oom_kill (\d+)", said, re.MULTILINE))

    def _number(self, *names: str) -> int:
        return max((int(said) for name in names if (said := self._text(name).strip())), default=0)

    def _text(self, name: str) -> str:
        path = self.folder / name if self.folder else None
        return path.read_text() if path and path.exists() else ""


@contextmanager
def bounded() -> Iterator[Group]:
    made = next(filter(None, map(_made, _roots())), None)
    try:
        yield Group(made)
    finally:
        for _ in range(50 if made else 0):
            with suppress(OSError):  # what is just ending holds it a moment longer
                made.rmdir()
                break
            time.sleep(0.1)


def _roots() -> Iterator[tuple[Path, str]]:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup" and "memory" in options.split(","):
            yield Path(where), "memory.limit_in_bytes"
        if kind == "cgroup2":
            yield Path(where), "memory.max"


def _made(root: tuple[Path, str]) -> Path | None:
    """Make a group and bound it; None where this is not for us to do."""
    folder = root[0] / f"policybell-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        (folder / root[1]).write_text(str(MEMORY))
    except OSError:
        folder.rmdir()
        return None
    return folder


def held(pid: int) -> int:
    """The bytes that a process and all below it hold; of what several share, each its part."""
    try:
        own = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0  # it ended meanwhile
    return (int(own[1]) * 1024 if own else 0) + sum(held(int(child)) for child in below)


# --- the proof ----------------------------------------------------------------------------------------------------


@dataclass
class Living:
    daemon: Daemon
    sites: Sites
    sources: list[SourceSpec]
    telegram: FakeTelegram
    group: Group
    most: int = 0

    async def measure(self) -> None:
        assert self.daemon.process is not None
        while True:
            self.most = max(self.most, await asyncio.to_thread(held, self.daemon.process.pid))
            await asyncio.sleep(0.2)

    def unread(self) -> list[str]:
        """Name the sources that were not asked for twice, so not yet read to the end."""
        asked = Counter(asking.path for asking in self.sites.requests)
        paths = {source.id: source.url.removeprefix("http://127.0.0.1") for source in self.sources}
        return [one for one, path in paths.items() if asked[path] < 2]

    def alerts(self) -> Counter[str]:
        found = (re.search(r"Item \d+ of [\w-]+ on the Temp", sent.text) for sent in self.telegram.accepted)
        return Counter(one[0] for one in found if one)


@asynccontextmanager
async def living(tmp_path: Path) -> AsyncIterator[Living]:
    sources = catalogue(tmp_path)
    bombs = {f"hostile-{number}": body for number, body in enumerate((HOSTILE | ENTITY_BOMBS | CPU_BOMBS).values())}
    feeds = [a_feed(name) for name in ("largest", *bombs)]
    opened = datetime.now(UTC)
    rooms = [
        Newsroom(source, opened, timedelta(seconds=8), timedelta(seconds=25 + number % 35), series=number)
        for number, source in enumerate([*sources, *feeds])
    ]
    async with Sites(rooms, SystemClock()) as sites, FakeTelegram() as telegram:
        sites.spoil("largest", largest)
        for name, body in bombs.items():
            sites.spoil(name, always(body))
        with bounded() as group:
            daemon = Daemon(tmp_path, written([*sources, *feeds], sites), telegram.environ, under=group.under)
            try:
                await daemon.start(seconds=60)
                telegram.world.say(ANA, ANA, "/follow tps")
                living = Living(daemon, sites, [*sources, feeds[0]], telegram, group)
                measuring = asyncio.create_task(living.measure())
                yield living
                measuring.cancel()
            finally:
                code = await daemon.stop(60)
            assert code == 0, daemon.output.read_text()[-3_000:]


async def stands(living: Living) -> None:
    """Fail where it is not well, or is not the process that was started; print what it took."""
    daemon = living.daemon
    assert daemon.process is not None
    assert daemon.process.returncode is None
    assert await daemon.ready_says() == 200
    figures, health = await _asked(daemon, "metrics"), json.loads(await _asked(daemon, "healthz"))
    output = daemon.output.read_text(errors="replace")
    assert "Traceback" not in output
    polls = Counter[str]()
    for outcome, number in re.findall(r'source_polls_total{outcome="(\w+)",source="[^"]+"} (\d+)', figures):
        polls[outcome] += int(number)
    failures = Counter(_failed(output))
    alerts = living.alerts()
    where = "in a control group" if living.group.folder else "measured only: no control group can be made here"
    print(
        f"\nsmall machine, one core, {MEMORY / 1e6:.0f} MB ({where}): the processes held {living.most / 1e6:.0f} MB at "
        f"most, the group {living.group.peak() / 1e6:.0f} MB with the disk's pages; {living.group.killed()} ended for "
        f"want of memory\nsmall machine: {len(living.sources)} sources, polls by outcome {dict(polls)}, "
        f"{len(alerts)} alerts, {daemon.cpu_seconds():.0f} s of CPU in the daemon itself\nsmall machine: failures"
    )
    for sentence, number in failures.most_common(20):
        print(f"small machine: {number:4} × {sentence}")
    assert living.most <= MEMORY
    assert set(alerts.values()) <= {1}
    states = {source.id: health["sources"][source.id]["state"] for source in living.sources}
    assert {name: state for name, state in states.items() if state != Condition.OK} == {}


def _failed(output: str) -> Iterator[str]:
    """Give why polls failed, without numbers."""
    for line in output.splitlines():
        if '"poll.failed"' in line:
            yield re.sub(r"\d[\d,.]*", "N", json.loads(line)["error"])


async def _asked(daemon: Daemon, page: str) -> str:
    url = f"http://127.0.0.1:{daemon.port}/{page}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("POLICYBELL_SOAK"), reason="minutes of real time: make soak takes them")
@pytest.mark.timeout(900)
async def test_minutes_of_the_whole_catalogue_and_of_all_hostile_answers(tmp_path: Path) -> None:
    async with living(tmp_path) as small:
        await asyncio.sleep(MINUTES * 60)
        assert small.unread() == []
        await stands(small)
        assert small.alerts()
