from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
import pytest

from bot import __version__, cli
from bot.commands import Desk, answer
from bot.control import SOCKET_NAME, ControlServer, DataLock
from bot.core.model import Voice
from bot.errors import BackupError, BotError, ConfigError, LockedError, StoreError, TokenError
from bot.operate import operate
from bot.store.memory import MemoryStore
from config import load
from tests.builders import NOW, a_source
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(f"[bot]\ndata_dir = '{tmp_path / 'data'}'\n")
    return file


def policybell(*argv: str, text: str = "", **environ: str) -> tuple[int, str, str]:
    """Run the real program as a shell does; return exit code, stdout, stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *argv],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "TZ": "UTC", **environ},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


# --- shape ----------------------------------------------------------------------------------------------------------


def test_help_names_every_command_and_imports_no_platform() -> None:
    code = "import sys, bot.cli; c = bot.cli.run(['--help']); print(sorted(sys.modules), file=sys.stderr); sys.exit(c)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert all(f"  {name} " in done.stdout for name in cli.COMMANDS)
    loaded = done.stderr
    for library in ("telegram", "slack_bolt", "slack_sdk", "aiohttp", "pydantic", "sqlite_utils", "lark", "structlog"):
        assert f"'{library}'" not in loaded


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = cli.policybell.get_command(click.Context(cli.policybell), name)
    assert command
    assert command.name == name
    assert command.help
    assert command.help.splitlines()[0] == cli.COMMANDS[name].about


def test_matching_imports_no_platform_and_no_settings() -> None:
    code = "import sys, bot.cli; bot.cli.run(['match', 'tps']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, input="tps", cwd=ROOT
    )
    loaded = done.stdout.split()
    assert loaded[0] == "match"
    assert not {"telegram", "slack_bolt", "slack_sdk", "aiohttp", "pydantic", "config", "sqlite_utils"} & set(loaded)


@pytest.mark.parametrize(
    "argv", [["nope"], ["run", "--nope"], ["outbox"], ["outbox", "show"], ["follow", "tps"], ["why"], ["match"]]
)
def test_wrong_use_is_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(argv) == 2
    assert "Usage: policybell" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BotError("No."), 1),
        (TokenError("No."), 1),
        (ConfigError((("bot.name", "no"),)), 3),
        (StoreError("No."), 4),
        (BackupError("No."), 1),
        (LockedError("No."), 5),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("No."), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_exit_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise error

    assert cli.guard(fail) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert ("no" in said.err.lower()) == (code != 130)


def test_what_nobody_foresaw_is_one_sentence_with_a_reference(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise ZeroDivisionError("xoxb-1234567890-secret")

    assert cli.guard(fail) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("Something went wrong inside Policybell (ref ")
    file = Path(said.err.split("Its traceback is in ")[1].partition(";")[0])
    text = file.read_text()
    file.unlink()
    assert "ZeroDivisionError" in text
    assert "[secret]" in text
    assert "xoxb" not in text


# --- queries --------------------------------------------------------------------------------------------------------

NOTICE = "TPS for Haiti ends\nThe Secretary terminated the designation.\n"


@pytest.fixture
def notice(tmp_path: Path) -> str:
    file = tmp_path / "notice.txt"
    file.write_text(NOTICE)
    return str(file)


@pytest.mark.parametrize(
    ("query", "code", "word"),
    [("haiti terminate", 0, "match"), ("cuba", 1, "no match"), ("title:secretary", 1, "no match")],
)
def test_match_says_yes_or_no_like_grep(
    notice: str, query: str, code: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["match", query, notice]) == code
    assert capsys.readouterr().out == f"{word}\n"


def test_match_explains_with_words_and_places(notice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["match", "haiti terminate", notice, "--explain"]) == 0
    assert capsys.readouterr().out.splitlines() == ["match", '  title 8: "Haiti"', '  text 14: "terminated"']
    assert cli.run(["match", "haiti terminate", notice, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["match"] is True
    assert [hit["words"] for hit in found["hits"]] == ["Haiti", "terminated"]


def test_match_reads_standard_input() -> None:
    assert policybell("match", "haiti", text=NOTICE) == (0, "match\n", "")
    assert policybell("match", "haiti", "-", text="") == (1, "no match\n", "")
    assert (
        policybell("match", "haiti", "-", text="\x00\udcff".encode("utf-8", "surrogatepass").decode("latin-1"))[0] == 1
    )


def test_match_knows_ready_made_topics(notice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["match", "topic:tps haiti", notice]) == 0
    assert cli.run(["match", "topic:tpss", notice]) == 2
    assert "Did you mean topic:tps?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["match", "query"])
def test_a_bad_query_is_a_sentence_a_caret_and_exit_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([command, "tps AND ("]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "tps AND (\n" in said.err
    assert "^" in said.err


def test_query_says_how_it_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["query", "tps OR haiti venezuela"]) == 0
    canonical, words = capsys.readouterr().out.splitlines()
    assert canonical == "tps OR (haiti AND venezuela)"
    assert "haiti" in words
    assert cli.run(["query", canonical, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"query": canonical, "reads": words}


# --- configuration --------------------------------------------------------------------------------------------------


def test_check_of_the_shipped_file_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "--config", str(ROOT / "bot.toml")]) == 0
    said = capsys.readouterr().out
    assert "bot.toml: fine" in said
    assert "Sources: 33, and 0 that are not read" in said
    assert cli.run(["check", "--config", str(ROOT / "bot.toml"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["problems"]) == (True, [])
    assert (len(found["sources"]), found["sources_not_yet"]) == (33, [])
    assert "dhs-news" in found["sources"]


def test_check_names_all_problems_and_what_is_not_obeyed_yet(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[bot]\nlog_levle = 'info'\nlanguage = 'es'\n[fetch]\nevery = 5\n")
    assert cli.run(["check", "--config", str(config)]) == 3
    said = capsys.readouterr().out
    assert said.startswith(f"{config}: 2 problems\n")
    for words in ("bot.log_levle", "Did you mean log_level?", "fetch.every", "at least 1m", "bot.language"):
        assert words in said
    assert cli.run(["check", "--config", str(config), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert [problem["path"] for problem in found["problems"]] == ["bot.log_levle", "fetch.every"]
    assert [key["path"] for key in found["not_yet"]] == ["bot.language"]


@pytest.mark.parametrize("argv", [["run"], ["outbox", "list"], ["chat"], ["slack", "manifest"]])
def test_a_bad_configuration_stops_every_other_command(
    config: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text("[bot]\nlog_levle = 'info'\n")
    assert cli.run([*argv, "--config", str(config)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "bot.log_levle: not a setting. Did you mean log_level?" in said.err


def test_the_version_names_what_it_stands_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["version", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["policybell"] == __version__
    assert "not installed" not in known.values()
    assert cli.run(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"policybell {__version__}\n")


# --- the store, with a daemon and without ---------------------------------------------------------------------------


def test_without_a_daemon_the_command_takes_the_lock_and_does_it_itself(config: Path) -> None:
    code, out, err = policybell("follow", "--chat", "telegram:-100123", "tps", "haiti", "--config", str(config))
    assert (code, err) == (0, "")
    assert "Following" in out
    code, out, err = policybell("follow", "--chat", "telegram:1", "tpss", "--config", str(config))
    assert (code, out) == (1, "")
    assert "Did you mean tps?" in err
    code, out, _ = policybell("sources", "list", "--json", "--config", str(config))
    assert (code, len(json.loads(out))) == (0, 33)


async def test_with_a_daemon_everything_goes_through_its_socket(config: Path) -> None:
    directory = config.parent / "data"
    store = MemoryStore()
    desk = Desk(store, load(config, {}).topics, (a_source(1),), (), Voice(), FakeClock(NOW))
    server = ControlServer(directory / SOCKET_NAME, partial(operate, desk, partial(answer, desk)))
    with DataLock(directory):
        await server.start()
        run = partial(asyncio.to_thread, policybell)
        code, out, err = await run("follow", "--chat", "slack:C0123", "tps", "--config", str(config))
        assert (code, err) == (0, "")
        code, out, _ = await run("sources", "list", "--config", str(config))
        assert (code, len(out.splitlines())) == (0, 2)
        nothing = "The outbox is empty: nothing waits, nothing is unsure, nothing was refused.\n"
        assert await run("outbox", "list", "--config", str(config)) == (0, nothing, "")
        talk = "topics\n\nnonsense\n"
        code, out, _ = await run("chat", "--config", str(config), text=talk)
        assert code == 0
        assert "· tps" in out
        assert "I do not know" in out
        await server.close()
    assert not (directory / "policybell.db").exists()
    assert [str(reader.chat) for reader in await store.subscribers([1])] == ["slack:C0123"]


def test_a_second_daemon_and_a_writer_beside_a_mute_one_are_told_within_two_seconds(config: Path) -> None:
    with DataLock(config.parent / "data"):
        for argv in (["run"], ["follow", "--chat", "telegram:1", "tps"]):
            code, out, err = policybell(*argv, "--config", str(config))
            assert (code, out) == (5, "")
            assert err.startswith("Policybell is already running in ")
            assert f"process {os.getpid()}" in err


def test_a_talk_needs_a_running_bot(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["chat", "--config", str(config)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Start one with `policybell run`" in said.err


def test_a_database_that_cannot_be_opened_is_exit_4(config: Path) -> None:
    (config.parent / "data").mkdir()
    (config.parent / "data" / "policybell.db").write_bytes(b"this is no database" * 1000)
    code, out, err = policybell("outbox", "list", "--config", str(config))
    assert (code, out) == (4, "")
    assert err


def test_a_reader_that_has_seen_enough_gets_no_complaint() -> None:
    listing = subprocess.Popen(
        [sys.executable, "-m", "bot", "version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert listing.stdout
    assert listing.stderr
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait(30) == 1
    listing.stderr.close()


def test_colors_are_for_terminals_and_never_with_no_color(config: Path) -> None:
    assert "\x1b" not in policybell("check", "--config", str(config))[1]
    for environ, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        assert ("\x1b" in on_terminal("check", "--config", str(config), **environ)) is colored


def on_terminal(*argv: str, **environ: str) -> str:
    """Run the program with a terminal for its output; return what the terminal got."""
    ours, theirs = os.openpty()
    env = {"PATH": os.environ["PATH"], "TERM": "xterm", **environ}
    with subprocess.Popen([sys.executable, "-m", "bot", *argv], stdout=theirs, cwd=ROOT, env=env):
        os.close(theirs)
        said = io.BytesIO()
        try:
            while piece := os.read(ours, 4096):
                said.write(piece)
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(ours)
    return said.getvalue().decode()
