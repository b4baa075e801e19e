"""The doctor looks at everything from outside, and each finding names the next step."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bot import cli
from bot.control import DataLock, holder
from bot.core.alarms import Facts, Thresholds, standing
from bot.core.backups import name_at
from bot.doctor import Finding, Verdict, examine_everything, probe
from bot.errors import LockedError
from bot.store import open_store
from config.words import Address
from tests.builders import a_source
from tests.configuring import loaded
from tests.fakes.daemon import free_port

NOW = datetime.now(UTC)  # files bear the time of this machine
TOKENS = {
    "POLICYBELL_TELEGRAM__TOKEN": "123456789:" + "A" * 35,
    "POLICYBELL_SLACK__BOT_TOKEN": "xoxb-1-2-abcdefgh",
    "POLICYBELL_SLACK__APP_TOKEN": "xapp-1-A0-abcdefgh",
}


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data directory as a bot leaves it that was stopped in order."""
    folder = tmp_path / "data"
    with DataLock(folder):
        store = open_store(f"sqlite:///{folder / 'policybell.db'}")
        await store.register([a_source(1), a_source(2)])
        await store.close()
    (folder / "backups").mkdir()
    (folder / "backups" / name_at(NOW)).touch()
    return folder


def examined(
    folder: Path, *, port: int = 0, now: datetime | None = None, environ: dict[str, str] | None = None, more: str = ""
) -> dict[str, Finding]:
    text = f"[bot]\ndata_dir = '{folder}'\n[web]\nlisten = '127.0.0.1:{port or free_port()}'\n{more}\n"
    return {
        found.what: found
        for found in examine_everything(loaded(folder.parent, text, environ), now or datetime.now(UTC))
    }


def test_what_is_well_is_said_to_be_well(data: Path) -> None:
    found = examined(data, environ=TOKENS)
    wells = {what for what, finding in found.items() if finding.verdict is Verdict.OK}
    assert wells >= {"python", "clock", "data", "database", "page", "backups", *("telegram.token", "slack.app_token")}
    assert found["sources"].words == "none of 2 was read so far"
    assert found["bot"].words == "no bot runs here"
    assert not any(finding.verdict is Verdict.BAD for finding in found.values())
    assert all(finding.advice for finding in found.values() if finding.verdict is not Verdict.OK)


def test_a_token_is_judged_by_its_shape_and_never_shown(data: Path) -> None:
    for variable, broken in (
        ("POLICYBELL_TELEGRAM__TOKEN", "123456789 AAAA-secret"),
        ("POLICYBELL_SLACK__BOT_TOKEN", "xapp-1-A0-secretsecret"),
    ):
        found = examined(data, environ={**TOKENS, variable: broken})
        bad = [finding for finding in found.values() if finding.verdict is Verdict.BAD]
        assert [finding.what for finding in bad] == [variable.removeprefix("POLICYBELL_").lower().replace("__", ".")]
        assert not any(token in str(found) for token in (*TOKENS.values(), broken, "secret"))


def test_a_damaged_database_is_found_and_left_as_it_is(data: Path) -> None:
    database = data / "policybell.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute("UPDATE sqlite_schema SET rootpage = 999999 WHERE name = 'documents'")
        connection.commit()
    before = database.read_bytes()
    finding = examined(data)["database"]
    assert finding.verdict is Verdict.BAD
    assert "restore" in finding.advice
    database.write_bytes(b"no database at all, " * 100)
    assert examined(data)["database"].verdict is Verdict.BAD
    assert before != database.read_bytes() == b"no database at all, " * 100


def test_looking_neither_writes_nor_takes_anything(data: Path) -> None:
    before = {file: file.read_bytes() for file in data.rglob("*") if file.is_file()}
    examined(data)
    assert {file: file.read_bytes() for file in data.rglob("*") if file.is_file()} == before


def test_a_missing_directory_is_not_made(tmp_path: Path) -> None:
    found = examined(tmp_path / "none")
    assert (found["data"].verdict, found["database"].verdict) == (Verdict.WARN, Verdict.WARN)
    assert not (tmp_path / "none").exists()


def test_a_directory_that_others_may_read_is_named(data: Path) -> None:
    data.chmod(0o755)
    finding = examined(data)["data"]
    assert (finding.verdict, finding.advice) == (Verdict.WARN, f"It says who follows what. Run: chmod 700 {data}")


def test_a_clock_behind_the_last_change_is_wrong(data: Path) -> None:
    finding = examined(data, now=NOW - timedelta(days=400))["clock"]
    assert (finding.verdict, finding.words) == (Verdict.BAD, "it is 400 days behind the database's last change")


def let_days_pass(data: Path, days: float) -> None:
    """Make the backup so old; the bot goes by the names of backups, not by when their files changed."""
    backup = data / "backups" / name_at(NOW)
    backup.rename(backup.with_name(name_at(NOW - timedelta(days=days))))
    (data / "backups" / "policybell-before-m004_audit.db.gz").touch()


def test_old_backups_are_named(data: Path) -> None:
    let_days_pass(data, 3)
    finding = examined(data)["backups"]
    assert (finding.verdict, finding.words) == (Verdict.WARN, "1, the newest 3 days old")


@pytest.mark.parametrize(("hours", "verdict"), [(35, Verdict.OK), (37, Verdict.WARN)])
def test_a_backup_is_old_when_the_running_bot_would_say_so(data: Path, hours: int, verdict: Verdict) -> None:
    let_days_pass(data, hours / 24)
    assert examined(data)["backups"].verdict is verdict
    facts = Facts(NOW, backups_since=NOW, backup_at=NOW - timedelta(hours=hours))
    assert bool(standing(facts, Thresholds())) is (verdict is Verdict.WARN)


def test_backups_that_are_off_are_not_missed(data: Path) -> None:
    let_days_pass(data, 3)
    finding = examined(data, more="[ops]\nbackup = { at = 'off' }")["backups"]
    assert (finding.verdict, finding.words) == (Verdict.OK, "they are off; 1, the newest 3 days old")


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Without the rights of root, where the tests have them."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_one_may_not_look_at_is_bad_and_the_rest_is_looked_at_all_the_same(data: Path) -> None:
    settings = loaded(data.parent, f"[bot]\ndata_dir = '{data}'\n[web]\nlisten = '127.0.0.1:{free_port()}'\n")
    data.chmod(0)
    try:
        with as_somebody_else():
            found = {one.what: one for one in examine_everything(settings, NOW)}
    finally:
        data.chmod(0o700)
    for what in ("database", "bot", "backups"):
        assert (found[what].verdict, found[what].advice) == (Verdict.BAD, "Run this as root or as the bot's user.")
        assert "cannot be looked at: Permission denied" in found[what].words
    assert found["data"].verdict is Verdict.BAD
    assert {"python", "sqlite", "clock", "telegram.token"} <= found.keys()


def test_sources_that_nobody_reads_any_more_are_bad_news(data: Path) -> None:
    with closing(sqlite3.connect(data / "policybell.db")) as connection:
        at = (NOW - timedelta(days=3)).isoformat()
        connection.execute("UPDATE cursors SET last_success_at = ?, failures = 0", (at,))
        connection.commit()
    finding = examined(data)["sources"]
    assert (finding.verdict, finding.words) == (Verdict.BAD, "2 sources, 0 failing; the last good poll was 3 days ago")


def test_a_taken_port_is_named(data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        finding = examined(data, port=other.getsockname()[1])["page"]
    assert (finding.verdict, "is taken" in finding.words) == (Verdict.WARN, True)


def test_the_holder_of_the_lock_is_named_and_not_disturbed(data: Path) -> None:
    assert holder(data) == ""
    with DataLock(data):
        assert holder(data) == str(os.getpid())
        assert examined(data)["bot"].words == f"process {os.getpid()} holds the lock and does not listen"
        with pytest.raises(LockedError), DataLock(data):
            pass
    with DataLock(data):
        pass


# --- the probe ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "said"), [(200, ""), (500, "answers 500")])
def test_the_probe_asks_a_running_bot_whether_it_lives(status: int, said: str) -> None:
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    serving = threading.Thread(target=server.handle_request)
    serving.start()
    try:
        assert said in probe(Address("127.0.0.1", server.server_port))
    finally:
        serving.join()
        server.server_close()
    assert asked == ["/livez"]


def test_the_probe_says_that_nobody_answers() -> None:
    port = free_port()
    assert probe(Address("127.0.0.1", port)) == f"127.0.0.1:{port} does not answer (ConnectionRefusedError)"


# --- on the command line ------------------------------------------------------------------------------------------


def test_the_command_answers_in_lines_or_json_and_says_by_its_exit_code_whether_anything_is_bad(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = data.parent / "bot.toml"
    file.write_text(f"[bot]\ndata_dir = '{data}'\n[web]\nlisten = '127.0.0.1:{free_port()}'\n")
    assert cli.run(["doctor", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "ok    database" in said
    assert "Start it: systemctl start policybell" in said
    assert cli.run(["doctor", "--probe", "--json", "--config", str(file)]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert cli.run(["doctor", "--probe", "--config", str(file)]) == 1
    assert "does not answer" in capsys.readouterr().err
    (data / "policybell.db").write_bytes(b"rubbish" * 1000)
    assert cli.run(["doctor", "--json", "--config", str(file)]) == 1
    found = {one["what"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["database"]["verdict"] == "bad"
