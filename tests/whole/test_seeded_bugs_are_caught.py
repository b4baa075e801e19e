"""Whether the tests would notice: each bug below is put into a copy of the tree, and one named test must fail there.

`make test` tries the quick ones, `make soak` all of them, and prints a table.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOAK = bool(os.environ.get("POLICYBELL_SOAK"))
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200 if SOAK else 120)]


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug that somebody could write: in each file, `old` becomes `new`, where `{old}` stands for itself.

    `test` is the one that must notice.
    """

    name: str
    test: str
    changes: tuple[tuple[str, str, str], ...]
    is_quick: bool = False


_RETRYING = """\
        from telegram.error import TimedOut
        for left in (3, 2, 1, 0):
            try:
                status, body = await super().do_request(*args, **kwargs)
                break
            except TimedOut:
                if not left:
                    raise
"""
_CURSORS_FIRST = """\
    _all_of_it = threaded(committing.commit)

    async def commit(self, changes):
        from dataclasses import replace
        await self._all_of_it([replace(one, verdicts=(), deliveries=()) for one in changes])
        await self._all_of_it(changes)
"""
_POWER_CUT = "tests/store/test_power_cuts_lose_nothing.py::test_nothing_that_was_acknowledged_is_lost"
_SETTING = (
    "tests/store/test_sqlite_is_set_up_safely.py"
    "::test_the_connection_has_every_safe_setting[PRAGMA synchronous-answers1]"
)
BUGS = (
    Bug(
        "recorded before it is sent",
        "tests/whole/test_lanes_keep_the_model.py::test_any_order_of_events_is_delivered_as_the_model_says",
        (
            (
                "bot/deliver.py",
                "        outcome = await attempt(self._desk, delivery)\n",
                '        await self._desk.store.settle(delivery, Sent("", delivery.due_at), delivery.due_at)\n{old}',
            ),
        ),
    ),
    Bug(
        "ETag before items",
        "tests/store/test_sqlite_survives_kills.py"
        "::test_dying_at_any_statement_leaves_all_of_a_transaction_or_nothing[poll-1]",
        (
            (
                "bot/store/sqlite/store.py",
                "    commit = threaded(committing.commit)\n",
                _CURSORS_FIRST,
            ),
        ),
    ),
    Bug(
        "synchronous=NORMAL",
        _POWER_CUT if os.geteuid() == 0 and Path("/dev/fuse").exists() else _SETTING,
        (
            (
                "bot/store/sqlite/opening.py",
                '("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2)',
                '("PRAGMA synchronous = NORMAL", "PRAGMA synchronous", 1)',
            ),
        ),
    ),
    Bug(
        "Slack's own retry handlers",
        "tests/whole/test_faults_between_lose_nothing.py"
        "::test_every_attempt_is_one_request_and_what_may_have_arrived_is_sent_once_more_at_most[slack]",
        (("handlers/slack/client.py", "retry_handlers=[], ", ""),),
        is_quick=True,
    ),
    Bug(
        "three retries on a read time-out",
        "tests/whole/test_faults_between_lose_nothing.py"
        "::test_every_attempt_is_one_request_and_what_may_have_arrived_is_sent_once_more_at_most[telegram]",
        (
            (
                "handlers/telegram/client.py",
                "        status, body = await super().do_request(*args, **kwargs)\n",
                _RETRYING,
            ),
        ),
    ),
    Bug(
        "no gate for redirects",
        "tests/shell/test_fetch_follows_redirects_by_hand.py"
        "::test_a_redirect_into_the_own_network_goes_nowhere[127.0.0.1]",
        (
            (
                "bot/fetch/client.py",
                "there = self._checked(str(here.join(URL(location))))",
                "there = _Target(here.join(URL(location)), '', '', '')",
            ),
            ("bot/fetch/client.py", "                    socket_factory=self._gate.socket_factory,\n", ""),
        ),
    ),
    Bug(
        "/forget without a checkpoint",
        "tests/store/test_sqlite_forgets_every_byte.py::test_a_forgotten_chat_is_in_no_byte_of_the_files",
        (
            (
                "bot/store/sqlite/opening.py",
                'busy, _, _ = db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()',
                "busy = 0",
            ),
        ),
        is_quick=True,
    ),
    Bug(
        "/forget without secure_delete",
        "tests/store/test_sqlite_forgets_every_byte.py::test_a_forgotten_chat_is_in_no_byte_of_the_files",
        (
            (
                "bot/store/sqlite/opening.py",
                '("PRAGMA secure_delete = 1", "PRAGMA secure_delete", 1)',
                '("PRAGMA secure_delete = 0", "PRAGMA secure_delete", 0)',
            ),
        ),
    ),
    Bug(
        "blind watchdog",
        "tests/shell/test_watchdog_means_progress.py::test_a_stalled_poll_loop_stops_the_pings",
        (("bot/watchdog.py", "        if not self.why:\n            self.ping()\n", "        self.ping()\n"),),
    ),
    Bug(
        "repeated until confirmed",
        "tests/whole/test_lanes_keep_the_model.py::test_any_order_of_events_is_delivered_as_the_model_says",
        (
            (
                "bot/store/rules.py",
                "return replace(left, state=DeliveryState.MAYBE) if row.unsure else _waiting(left)",
                "return _waiting(left)",
            ),
        ),
    ),
    Bug(
        "what comes back is not marked",
        "tests/whole/test_lanes_keep_the_model.py::test_any_order_of_events_is_delivered_as_the_model_says",
        (("bot/store/rules.py", "replace(row, unsure=True, last_error=error)", "replace(row, last_error=error)"),),
    ),
)


class Copy:
    """The tree, in a folder where bugs may be written into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.originals: dict[Path, str] = {}
        ignored = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
        shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)

    def write(self, bug: Bug) -> None:
        for name, old, new in bug.changes:
            path = self.folder / name
            text = path.read_text()
            assert text.count(old) == 1, f"{name} has changed: write the bug {bug.name!r} anew"
            self.originals.setdefault(path, text)
            path.write_text(text.replace(old, new.replace("{old}", old)))

    def mend(self) -> None:
        for path, text in self.originals.items():
            path.write_text(text)
        self.originals.clear()

    def run(self, *tests: str) -> tuple[int, str]:
        """Run tests as `make test` does; return pytest's exit code (0 or 1) and its last words."""
        environ = {name: value for name, value in os.environ.items() if name != "POLICYBELL_SOAK"} | {"COLUMNS": "500"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-rf", "--tb=line", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=900, check=False
        )
        return done.returncode, done.stdout[-3000:]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("copy")
    yield Copy(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if SOAK or bug.is_quick], ids=lambda bug: bug.name)
def test_a_bug_is_caught_by_the_test_that_is_named(copy: Copy, bug: Bug) -> None:
    copy.write(bug)
    try:
        code, said = copy.run(bug.test)
    finally:
        copy.mend()
    assert code == 1, f"{bug.name} was not noticed: {said}"
    why = next(line for line in said.splitlines() if line.startswith("FAILED")).partition(" - ")[2]
    print(f"\nseeded bug: {bug.name:32} caught by {bug.test.rpartition('::')[2]}: {why[:60]}")


@pytest.mark.skipif(not SOAK, reason="make test runs them all anyway")
def test_without_a_bug_they_all_pass(copy: Copy) -> None:
    code, said = copy.run(*dict.fromkeys(bug.test for bug in BUGS))
    assert code == 0, said


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_can_still_be_written(bug: Bug) -> None:
    for name, old, _ in bug.changes:
        assert (ROOT / name).read_text().count(old) == 1
