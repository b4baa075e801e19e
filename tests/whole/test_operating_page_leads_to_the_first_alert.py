"""docs/operate.md, followed to the letter: from nothing to the first alert, accepted by Telegram's and Slack's servers.

`make test` runs the page's blocks in a temporary folder, without what needs root. With POLICYBELL_BARE naming the
root of a bare Debian 12 they run there as root, every line as it is written, and again in a copy of it that a systemd
of its own runs, with the unit file. `MAKE_ONE` makes such a tree, for root with a mirror in reach.

    POLICYBELL_SOAK=1 POLICYBELL_BARE=/var/tmp/bare .venv/bin/python -m pytest -s THIS_FILE
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.daemon import ROOT, free_port, until
from tests.fakes.feeds import FeedServer
from tests.fakes.machine import Machine, booted
from tests.fakes.news import rss, tps_item
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

PAGE = ROOT / "docs" / "operate.md"
BARE = os.environ.get("POLICYBELL_BARE", "")
MAKE_ONE = "debootstrap --variant=minbase bookworm /var/tmp/bare && mount -t proc proc /var/tmp/bare/proc"
OWN_AUTHORITIES = Path("/usr/local/share/ca-certificates")
ANA = 501_884_223
TOKEN = "4242424242:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw7"  # of the shape that real ones have
_BLOCK = re.compile(r"^```sh install(?: (?P<where>[\w-]+))?\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)

MADE_BY_ROOT = ("/opt/policybell", "/etc/policybell", "/var/lib/policybell", "/usr/local/bin", "/var/log")
NEEDS_ROOT = re.compile(r"^(?:useradd|chown) .*$|-o policybell -g policybell |^setpriv .*--init-groups ", re.MULTILINE)


def script(*wanted: str) -> str:
    """The page's blocks for everywhere and for these places, in order; any failure ends it."""
    blocks = [found for found in _BLOCK.finditer(PAGE.read_text()) if found["where"] in {None, *wanted}]
    return "set -eu\n" + "".join(block["lines"] for block in blocks) + 'echo "it runs as ${!:-a service}"\n'


@dataclass
class World:
    """The platforms, a feed, and the variables by which the bot finds them instead of the real ones."""

    telegram: FakeTelegram
    slack: FakeSlack
    feeds: FeedServer
    port: int = field(default_factory=free_port)

    def environ(self) -> dict[str, str]:
        return {
            "POLICYBELL_TELEGRAM__API_URL": self.telegram.api_url,
            "POLICYBELL_SLACK__API_URL": self.slack.api_url,
            "POLICYBELL_FETCH__ALLOW_PRIVATE_ADDRESSES": "true",
            "POLICYBELL_FETCH__TICK": "200ms",
            "POLICYBELL_FETCH__EVERY": "1s",
            "POLICYBELL_FETCH__PER_HOST_DELAY": "0s",
            "POLICYBELL_CATALOGUE__ENABLED": ",",
            "POLICYBELL_BOT__CONTACT": "https://example.org/contact",
            "POLICYBELL_WEB__LISTEN": f"127.0.0.1:{self.port}",
        }

    def typed(self) -> str:
        """What the operator pastes, in the order in which the page asks."""
        lines = (self.telegram.token, self.slack.bot_token, self.slack.app_token, self.feeds.url("/county.xml"))
        return "".join(f"{line}\n" for line in lines)

    def tokens_in(self, text: str) -> list[str]:
        return [token for token in (self.telegram.token, self.slack.bot_token, self.slack.app_token) if token in text]

    async def first_alert(self) -> None:
        """Follow in both rooms as the page says, let news appear, and see them arrive in both."""
        await until(lambda: self.feeds.count("/county.xml") > 2)  # `check` read it once, the bot took stock
        self.telegram.world.say(ANA, ANA, "/follow tps")
        await self.slack.slash("C0NEWS", "U0ANA", "follow tps")
        await until(lambda: any("Following" in message.text for message in self.telegram.accepted))
        await until(lambda: self.slack.accepted)
        self.feeds.publish("/county.xml", rss("County", [tps_item(1), tps_item(0)]))
        await until(lambda: any("notice number 1" in message.text for message in self.telegram.accepted))
        await until(lambda: any("notice number 1" in post.said for post in self.slack.accepted))
        assert (self.telegram.problems(), self.slack.violations, self.feeds.violations) == ([], [], [])


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with FakeTelegram(TOKEN) as telegram, FakeSlack() as slack, FeedServer() as feeds:
        feeds.publish("/county.xml", rss("County", [tps_item(0)]))
        yield World(telegram, slack, feeds)


async def follow_the_page(shell: Sequence[str], here: World, environ: dict[str, str], lines: str, log: Path) -> None:
    """Run the page's lines, see the first alert, and stop the bot that they started; the log must hold no token."""
    said = await type_in(shell, here, environ, lines, log.with_name("shown.txt"))
    runs = re.search(r"^it runs as (\d+)$", said, re.MULTILINE)
    assert runs, said
    try:
        await here.first_alert()
        for process in (int(runs[1]), *children(int(runs[1]))):
            for place in ("cmdline", "environ"):
                assert not here.tokens_in(Path(f"/proc/{process}/{place}").read_text(errors="replace"))
    finally:
        os.kill(int(runs[1]), signal.SIGTERM)
        await until(lambda: not Path(f"/proc/{runs[1]}").exists() or _is_dead(int(runs[1])))
    told = said + log.read_text(errors="replace")
    assert not here.tokens_in(told)
    assert "Traceback" not in told


async def type_in(shell: Sequence[str], here: World, environ: dict[str, str], lines: str, shown: Path) -> str:
    """Run the page's lines in a shell, paste what it asks for, and return what it showed."""
    with shown.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *shell, lines, env=environ, stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output
        )
        await process.communicate(here.typed().encode())
    said = shown.read_text(errors="replace")
    assert process.returncode == 0, said
    for line in ("ok   telegram.token", "ok   slack.bot_token", "ok   slack.app_token", "ok   my-county", "alive"):
        assert line in said
    return said


def children(pid: int) -> list[int]:
    """The processes that this one started: the reader of feeds among them."""
    found = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (fields := _fields(stat)) and fields[1] == str(pid)
    ]
    assert found
    return found


def _fields(stat: Path) -> list[str]:
    """State, parent and more of a process; nothing where it has ended meanwhile."""
    with contextlib.suppress(OSError):
        return stat.read_text().rpartition(")")[2].split()
    return []


def _is_dead(pid: int) -> bool:
    """Whether only its entry is left, for a parent that never asks."""
    return _fields(Path(f"/proc/{pid}/stat"))[:1] in ([], ["Z"])


def test_the_first_page_says_how_a_bare_debian_is_made() -> None:
    assert f"`{MAKE_ONE}`" in (ROOT / "README.md").read_text()


def test_the_page_marks_what_is_followed() -> None:
    places = [found["where"] for found in _BLOCK.finditer(PAGE.read_text())]
    assert places.count(None) >= 5
    assert {"debian", "systemd", "without-systemd"} <= set(places)
    assert " procps\n" in script("debian")  # the unit's reload calls /bin/kill, which a bare Debian has not


async def test_followed_in_a_folder_of_its_own_it_leads_to_the_first_alert_on_both_platforms(tmp_path: Path) -> None:
    if not (ROOT / ".venv/bin/policybell").exists():
        pytest.skip("this environment was not made by `make setup`")
    program = tmp_path / "opt" / "policybell"
    program.mkdir(parents=True)
    for part in (".venv", "bot.toml", "docs"):
        (program / part).symlink_to(ROOT / part)
    for folder in ("usr/local/bin", "var/log"):
        (tmp_path / folder).mkdir(parents=True)
    lines = NEEDS_ROOT.sub("", script("without-systemd")).replace("make setup\n", "")  # this environment was made so
    for path in MADE_BY_ROOT:
        lines = lines.replace(path, f"{tmp_path}{path}")
    async with world() as here:
        environ = {"PATH": f"{tmp_path}/usr/local/bin:{os.environ['PATH']}", "HOME": str(tmp_path), **here.environ()}
        await follow_the_page(["sh", "-c"], here, environ, lines, tmp_path / "var/log/policybell.log")
    secrets = tmp_path / "etc/policybell/secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in secrets.iterdir()} == {0o600}
    assert (tmp_path / "var/lib/policybell/policybell.db").exists()


# --- on a bare Debian ---------------------------------------------------------------------------------------------


def in_bare(*command: str, check: bool = True) -> str:
    return subprocess.run(["chroot", BARE, *command], capture_output=True, text=True, check=check).stdout


def clean_up() -> None:
    """Take away what the page makes."""
    for path in ("opt/policybell", "etc/policybell", "var/lib/policybell"):
        shutil.rmtree(Path(BARE, path), ignore_errors=True)
    for path in ("usr/local/bin/policybell", "var/log/policybell.log"):
        Path(BARE, path).unlink(missing_ok=True)
    in_bare("userdel", "policybell", check=False)


@pytest.fixture
def bare() -> Iterator[Path]:
    """A bare Debian with nothing of ours, before and after."""
    if not BARE:
        pytest.skip(f"POLICYBELL_BARE names no bare Debian 12. Root makes one: {MAKE_ONE}")
    if os.geteuid() != 0:
        pytest.skip("only root may change the root directory")
    clean_up()
    if OWN_AUTHORITIES.is_dir():  # where the network signs for others, `make setup` must trust it as this machine does
        shutil.copytree(OWN_AUTHORITIES, f"{BARE}{OWN_AUTHORITIES}", dirs_exist_ok=True)
    yield Path(BARE)
    clean_up()


def unpack(root: Path) -> None:
    """Put this source tree where the page wants it."""
    program = root / "opt/policybell"
    tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    for name in tracked.stdout.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (program / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, program / name)


def root_s(here: World) -> dict[str, str]:
    """The environment of root's shell on a new machine, where our paths mean nothing, and where the platforms are."""
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_") and "/" not in value}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", **pip, **here.environ()}


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_followed_on_a_bare_debian_it_leads_to_the_first_alert_on_both_platforms(bare: Path) -> None:
    unpack(bare)
    began = time.monotonic()
    async with world() as here:
        lines, log = script("debian", "without-systemd"), bare / "var/log/policybell.log"
        await follow_the_page(["chroot", BARE, "sh", "-c"], here, root_s(here), lines, log)
    owner = in_bare("stat", "-c", "%U %a", "/var/lib/policybell/policybell.db").split()
    assert owner == ["policybell", "600"]
    took, version = time.monotonic() - began, in_bare("cat", "/etc/debian_version").strip()
    print(f"\nbare Debian {version}: first alert in {took:.0f} s")


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_followed_under_a_running_systemd_it_reloads_stalls_and_stops_as_the_unit_says(
    bare: Path, tmp_path: Path
) -> None:
    with booted(tmp_path, bare) as machine:
        unpack(machine.root)
        async with world() as here:
            environ = root_s(here)
            elsewhere = machine.root / "etc/systemd/system/policybell.service.d/elsewhere.conf"
            elsewhere.parent.mkdir(parents=True)
            lines = "".join(f'Environment="{name}={value}"\n' for name, value in here.environ().items())
            elsewhere.write_text(f"[Service]\n{lines}")
            shell = machine.command("/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environ.items()))
            page = script("debian", "systemd")
            said = await type_in([*shell, "/bin/sh", "-c"], here, dict(os.environ), page, tmp_path / "shown.txt")
            await here.first_alert()
            assert not here.tokens_in(said)
            await reloads_and_restarts(machine)
            assert not here.tokens_in(machine.run("journalctl", "-u", "policybell", "--no-pager"))
        machine.run("systemctl", "stop", "policybell")
        end = machine.shown("policybell", "ActiveState", "Result", "ExecMainStatus")
        assert end == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}


async def reloads_and_restarts(machine: Machine) -> None:
    """See the unit's promises kept: its state in words, a reload that keeps the process, a stall that ends it."""
    await until(lambda: "1 source, 0 failing; telegram on; slack on" in status(machine), 30)
    before = machine.shown("policybell", "MainPID", "User", "NRestarts")
    machine.run("systemctl", "reload", "policybell")
    journal = ("journalctl", "-u", "policybell", "--no-pager")
    await until(lambda: "config.reloaded" in machine.run(*journal))
    assert machine.shown("policybell", "MainPID", "User", "NRestarts") == before
    machine.run("kill", "-STOP", before["MainPID"])
    began = time.monotonic()
    await until(lambda: machine.shown("policybell", "NRestarts")["NRestarts"] == "1", 150)
    await until(lambda: machine.shown("policybell", "ActiveState")["ActiveState"] == "active", 60)
    print(f"\nstopped dead, it served again after {time.monotonic() - began:.0f} s (WatchdogSec=60)")


def status(machine: Machine) -> str:
    return machine.shown("policybell", "StatusText").get("StatusText", "")
