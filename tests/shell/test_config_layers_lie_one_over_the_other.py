from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.intake import Relevance, Standing
from bot.errors import ConfigError
from config import inspect, load
from config.layers import setting_keys, variable
from config.not_yet import NOT_YET
from tests.configuring import SOURCE, loaded, problems, write

# --- not yet --------------------------------------------------------------------------------------------------------


def test_what_nothing_obeys_yet_is_accepted_and_told(tmp_path: Path) -> None:
    text = """
    [bot]
    language = "es"
    [match]
    story_window = "72h"
    [[sources]]
    id = "mine"
    name = "Mine"
    kind = "listing"
    url = "https://example.org/"
    relevance = "strict"
    select = { item = "li" }
    [[topics]]
    id = "fees"
    name.en = "Fees"
    name.es = "Tasas"
    query = "fee"
    tiers = ["notice"]
    """
    environ = {
        "POLICYBELL_WEB__ADMIN_TOKEN": "x",
        "POLICYBELL_MATCH__PREVIEW_DAYS": "3",
    }
    findings = inspect(write(tmp_path, text), environ)
    assert findings.problems == ()
    assert dict(findings.not_yet).keys() == {
        "bot.language",
        "match.story_window",
        "match.preview_days",
        "web.admin_token",
        "sources[0].relevance",
        "topics[0].name.es",
        "topics[0].tiers",
    }
    assert findings.settings
    assert findings.settings.not_yet == findings.not_yet
    assert findings.settings.not_yet_sources() == ()
    assert "mine" in {source.id for source in findings.settings.source_specs()}


@pytest.mark.parametrize("key", sorted(key for key in NOT_YET if "[]" not in key))
def test_every_such_key_may_come_from_the_environment(tmp_path: Path, key: str) -> None:
    assert dict(inspect(write(tmp_path, ""), {variable(key): "something"}).not_yet) == {key: NOT_YET[key]}


# --- layers ---------------------------------------------------------------------------------------------------------


def test_the_environment_beats_secret_files_and_these_beat_the_file(tmp_path: Path) -> None:
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    (secrets / "fetch__tick").write_text("20s\n")
    (secrets / "fetch__timeout").write_text("21s\n")
    (secrets / "unrelated").write_text("x")
    (secrets / "web").write_text("somebody else's")
    text = "[fetch]\ntick = '10s'\ntimeout = '11s'\nper_host_delay = '12s'\n"
    environ = {"CREDENTIALS_DIRECTORY": str(secrets), "POLICYBELL_FETCH__TICK": "30s"}
    fetch = loaded(tmp_path, text, environ).fetch
    assert [value.total_seconds() for value in (fetch.tick, fetch.timeout, fetch.per_host_delay)] == [30, 21, 12]


def test_tokens_come_from_the_environment_from_credentials_and_from_named_files(tmp_path: Path) -> None:
    (tmp_path / "telegram__token").write_text("1:from-credentials\n")
    (tmp_path / "telegram__token").chmod(0o644)
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert loaded(tmp_path, environ=credentials).telegram.token.get_secret_value() == "1:from-credentials"
    private = tmp_path / "private"
    private.write_text("1:from-a-file\n")
    private.chmod(0o600)
    named = credentials | {"POLICYBELL_TELEGRAM__TOKEN_FILE": str(private)}
    assert loaded(tmp_path, environ=named).telegram.token.get_secret_value() == "1:from-a-file"
    said = named | {"POLICYBELL_TELEGRAM__TOKEN": "1:from-the-environment"}
    assert loaded(tmp_path, environ=said).telegram.token.get_secret_value() == "1:from-the-environment"


def test_a_secret_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("1:secret-value")
    file.chmod(0o644)
    environ = {"POLICYBELL_TELEGRAM__TOKEN_FILE": str(file)}
    found = problems(tmp_path, environ=environ)
    assert found == {
        "POLICYBELL_TELEGRAM__TOKEN_FILE": f"everybody may read {file}. Run: chmod 600 {file}",
    }
    assert list(problems(tmp_path, environ={"POLICYBELL_TELEGRAM__TOKEN_FILE": "/nowhere"})) == list(environ)


def test_credentials_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "telegram__token").write_bytes(b"\xff\xfe")
    (found,) = problems(tmp_path, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}).items()
    assert str(tmp_path) in found[0]
    assert found[1].startswith("its secrets cannot be read: ")


def test_a_variable_that_is_no_json_where_it_must_be_is_named(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, environ={"POLICYBELL_SOURCES": "["}).items()
    assert found[0] == "environment"
    assert "sources" in found[1]


def test_secrets_never_print(tmp_path: Path) -> None:
    environ = {"POLICYBELL_TELEGRAM__TOKEN": "1:canary", "POLICYBELL_SLACK__BOT_TOKEN": "xoxb-canary"}
    environ["POLICYBELL_SLACK__APP_TOKEN"] = "xapp-canary"
    settings = loaded(tmp_path, environ=environ)
    assert "canary" not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"
    assert settings.secrets() == {"1:canary", "xoxb-canary", "xapp-canary"}


def test_a_token_in_the_file_is_refused_and_not_repeated_whatever_it_is(tmp_path: Path) -> None:
    for value in ('"1:canary"', "12345", "['12345']"):
        found = problems(tmp_path, f"[slack]\nbot_token = {value}\n")
        assert list(found) == ["slack.bot_token"]
        assert found["slack.bot_token"].endswith("put it in the environment as POLICYBELL_SLACK__BOT_TOKEN")


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded(tmp_path).fetch.concurrency = 3  # type: ignore[misc]


def test_a_missing_file_is_fine_unless_it_was_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    for path, environ in ((missing, {}), (None, {"POLICYBELL_CONFIG": str(missing)})):
        with pytest.raises(ConfigError, match="there is no such file"):
            load(path, environ)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


def test_the_file_may_be_named_in_the_environment_and_an_argument_beats_it(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[bot]\nname = 'Other'\n")
    environ = {"POLICYBELL_CONFIG": str(other)}
    assert load(None, environ).bot.name == "Other"
    assert loaded(tmp_path, "[bot]\nname = 'Mine'\n", environ).bot.name == "Mine"


def test_the_environment_speaks_lists_switches_and_numbers(tmp_path: Path) -> None:
    environ = {
        "POLICYBELL_CATALOGUE__ENABLED": "fr-uscis, nilc",
        "POLICYBELL_SLACK__WHO": '["U0123ABCD"]',
        "POLICYBELL_TELEGRAM__ENABLED": "false",
        "POLICYBELL_FETCH__ALLOW_PRIVATE_ADDRESSES": "true",
        "POLICYBELL_FETCH__CONCURRENCY": "3",
        "POLICYBELL_FETCH__JITTER": "0",
        "POLICYBELL_WEB__LISTEN": "[::1]:0",
        "POLICYBELL_BOT__CONTACT": "",
        "POLICYBELL_SOAK": "1",
    }
    settings = loaded(tmp_path, environ=environ)
    assert {source.id for source in settings.sources} == {"fr-uscis", "nilc"}
    assert settings.slack.who == ("U0123ABCD",)
    assert settings.web.listen == ("::1", 0)
    assert (settings.fetch.concurrency, settings.fetch.jitter) == (3, 0.0)
    assert loaded(tmp_path, environ={"POLICYBELL_CATALOGUE__ENABLED": "[]"}).sources == ()


def test_a_nearly_right_variable_is_a_problem_too(tmp_path: Path) -> None:
    found = problems(tmp_path, environ={"POLICYBELL_TELEGRAM_TOKEN": "1:x"})
    assert found == {"POLICYBELL_TELEGRAM_TOKEN": "not a setting. Did you mean POLICYBELL_TELEGRAM__TOKEN?"}


# --- sources --------------------------------------------------------------------------------------------------------


def test_an_own_source_takes_the_place_of_a_ready_made_one(tmp_path: Path) -> None:
    specs = {spec.id: spec for spec in loaded(tmp_path, SOURCE.format(id="nilc")).source_specs()}
    assert specs["nilc"].url == "https://example.org/feed"
    assert specs["nilc"].every == timedelta(minutes=10)
    assert specs["nilc"].standing is Standing.NEWS


def test_an_own_source_says_all_there_is_to_say(tmp_path: Path) -> None:
    text = (
        SOURCE.format(id="mine")
        + "every = '1h'\nstanding = 'official'\nagency = 'dhs'\nlanguage = 'es'\nrelevance = 'all'"
    )
    spec = {spec.id: spec for spec in loaded(tmp_path, text).source_specs()}["mine"]
    assert (spec.every, spec.standing, spec.agency) == (timedelta(hours=1), Standing.OFFICIAL, "dhs")
    assert (spec.language, spec.relevance) == ("es", Relevance.ALL)


def test_closed_networks_may_poll_every_second(tmp_path: Path) -> None:
    text = "[fetch]\nallow_private_addresses = true\nevery = 1\n" + SOURCE.format(id="mine") + "every = 1"
    settings = loaded(tmp_path, text)
    assert {spec.every.total_seconds() for spec in settings.source_specs() if spec.id == "mine"} == {1}
    assert problems(tmp_path, text.replace("every = 1\n", "every = 0.5\n")) == {"fetch.every": "at least 1s; got 0.5s"}


def test_every_key_has_a_variable_of_its_own() -> None:
    names = [variable(key) for key in setting_keys()]
    assert len(set(names)) == len(names)
    assert all(name.startswith("POLICYBELL_") and "__" in name for name in names)


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Let the modes of files hold for root too, who still owns what is root's: so a clone that is private is read."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the third version of the call, and this thread
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice, since there are more than 32
    assert libc.capget(header, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0


def test_a_credentials_directory_that_may_not_be_read_is_no_empty_one(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o000)
    with bound_by_modes():
        found = inspect(None, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert found.settings is None
    assert [path for path, _ in found.problems] == [f"/run/secrets or {credentials}"]
    assert "Permission denied" in found.problems[0][1]
