from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Relevance, Standing
from bot.errors import ConfigError
from config import Settings, inspect, load
from config.layers import setting_keys, variable
from config.not_yet import NOT_YET
from config.units import read_duration, read_share, read_size, spoken

SOURCE = """
[[sources]]
id = "{id}"
name = "A source"
kind = "feed"
url = "https://example.org/feed"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "bot.toml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    return load(write(folder, text), environ or {})


def problems(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, environ)
    return dict(caught.value.problems)


# --- every problem, with its path and what to do --------------------------------------------------------------------


def test_problems_of_all_sections_and_kinds_are_named_together(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        [bot]
        timezone = "America/New_Yrok"
        log_levle = "info"
        [fetch]
        tick = "5 minutes"
        every = "5s"
        concurrency = 0
        jitter = "120%"
        [telegram]
        token = "1:secret-value"
        [web]
        listen = "0.0.0.0:8080"
        [telgram]
        x = 1
        [match]
        storywindow = "72h"
        [catalogue]
        enabled = ["fr-usics"]
        [[sources]]
        id = "Mine"
        name = "Mine"
        kind = "fede"
        url = "ftp://example.org/"
        [[sources]]
        id = "other"
        name = "Other"
        kind = "fede"
        url = "https://example.org/a"
        every = 5
        [[topics]]
        id = "mine"
        name.en = "Mine"
        query = "("
        """,
        {"POLICYBELL_FETCH__TIMEOUTS": "3s", "POLICYBELL_FECTH__TICK": "3s"},
    )
    assert {path: sentence.split(";")[0] for path, sentence in found.items() if path != "topics[0].query"} == {
        "bot.timezone": "unknown time zone 'America/New_Yrok'. Did you mean America/New_York?",
        "bot.log_levle": "not a setting. Did you mean log_level?",
        "fetch.tick": 'write seconds, or a text such as "5m"',
        "fetch.timeouts": "not a setting. Did you mean timeout?",
        "fetch.concurrency": "at least 1",
        "fetch.jitter": 'write a share such as "20%"',
        "telegram.token": "does not belong in a file that people share: put it in the environment as "
        "POLICYBELL_TELEGRAM__TOKEN",
        "web.listen": "only this machine (127.0.0.1, [::1] or localhost) can be served so far",
        "telgram": "not a setting. Did you mean telegram?",
        "match.storywindow": "not a setting. Did you mean story_window?",
        "catalogue.enabled": "'fr-usics' is not in the catalogue. Did you mean fr-uscis?",
        "sources[0].id": "write it with a-z, 0-9 and single hyphens",
        "sources[0].url": "must start with http:// or https:// (id Mine)",
        "sources[1].kind": "'fede' is not a kind. Did you mean feed? (id other)",
        "sources[1].every": "at least 1m",
        "POLICYBELL_FECTH__TICK": "not a setting. Did you mean POLICYBELL_FETCH__TICK?",
    }
    assert "topics[0].query" in found
    assert "secret-value" not in str(found)


@pytest.mark.parametrize(
    ("toml", "path", "sentence"),
    [
        ("[bot]\nlog_level = 'loud'", "bot.log_level", "write 'debug', 'info', 'warning' or 'error'; got 'loud'"),
        ("[bot]\nname = ''", "bot.name", "must not be empty"),
        ("[bot]\nname = 7", "bot.name", 'write a text in quotation marks, such as "7"'),
        ("[bot]\ncontact = 'a\\nb'", "bot.contact", None),
        ('[bot]\ncontact = "a\\nb"', "bot.contact", "plain ASCII on one line: it travels in an HTTP header"),
        ("bot = 3", "bot", "is a section: write its keys under it"),
        ("[fetch]\nallow_private_addresses = 'perhaps'", "fetch.allow_private_addresses", "write true or false"),
        ("[fetch]\nconcurrency = 'many'", "fetch.concurrency", "write a whole number; got 'many'"),
        ("[fetch]\nmax_bytes = '5 parsecs'", "fetch.max_bytes", 'write bytes, or a text such as "5MiB"'),
        ("[fetch]\nmax_bytes = '1GiB'", "fetch.max_bytes", "at most 67,108,864"),
        ("[fetch]\nevery = '30s'", "fetch.every", "at least 1m; got 30s"),
        ("[fetch]\ntick = true", "fetch.tick", "write seconds"),
        ("[fetch]\nbackoff_max = '900w'", "fetch.backoff_max", "at most ten years"),
        ("[telegram]\nenabled = 'yes'", "telegram.enabled", "write \"auto\", true or false; got 'yes'"),
        ("[telegram]\nenabled = true", "telegram", "is enabled, and has no token"),
        ("[slack]\nenabled = true", "slack", "POLICYBELL_SLACK__BOT_TOKEN and POLICYBELL_SLACK__APP_TOKEN"),
        ("[slack]\ncommand = 'policybell'", "slack.command", "does not look right"),
        ("[slack]\nwho = 'everybody'", "slack.who", 'write "members", "admins", or a list'),
        ("[slack]\nwho = []", "slack.who", 'write "members", "admins", or a list'),
        ("[web]\nlisten = 'localhost'", "web.listen", "write HOST:PORT"),
        ("[web]\nlisten = '127.0.0.1:99999'", "web.listen", "write HOST:PORT"),
        ("[catalogue]\nenabled = 3", "catalogue.enabled", 'write "default" or a list of ids'),
        ("sources = 3", "sources", "[[sources]]"),
        ("topics = ['tps']", "topics", "[[topics]]"),
        ("not_yet = []", "not_yet", "not a setting."),
        ("[bot", "FILE", "is not TOML"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, toml: str, path: str, sentence: str | None) -> None:
    if sentence is None:
        assert loaded(tmp_path, toml)
        return
    found = problems(tmp_path, toml)
    assert list(found) == [path.replace("FILE", str(tmp_path / "bot.toml"))]
    assert sentence in next(iter(found.values()))


@pytest.mark.parametrize(
    ("line", "path", "sentence"),
    [
        ('url = "example.org"', "url", "must start with http:// or https://"),
        ('url = "https:///x"', "url", "must start with http:// or https://"),
        ('url = "https://[::1/x"', "url", "not a web address"),
        ('url = "https://me:pw@example.org/"', "url", "must not hold a user name or password"),
        ('url = "https://example.org/?q=a b"', "url", "must be percent-encoded"),
        ('url = "https://example.org/é"', "url", "must be percent-encoded"),
        ('standing = "officially"', "standing", "write 'official', 'news', 'advocacy' or 'aggregator'"),
        ('relevance = "some"', "relevance", "write 'all', 'filter' or 'strict'"),
        ('language = "english"', "language", "does not look right"),
        ('evry = "5m"', "evry", "not a setting. Did you mean every? (id mine)"),
        ('name = ""', "name", "must not be empty (id mine)"),
        ('kind = "telepathy"', "kind", "'telepathy' is not a kind. (id mine)"),
        ('every = "59s"', "every", "at least 1m; got 59s (id mine)"),
    ],
)
def test_a_bad_source_is_named_by_place_and_id(tmp_path: Path, line: str, path: str, sentence: str) -> None:
    key = line.partition(" ")[0]
    rest = "\n".join(row for row in SOURCE.format(id="mine").splitlines() if not row.startswith(f"{key} "))
    found = problems(tmp_path, f"{rest}\n{line}")
    assert list(found) == [f"sources[0].{path}"]
    assert sentence in found[f"sources[0].{path}"]


def test_a_source_without_what_it_needs_says_so(tmp_path: Path) -> None:
    found = problems(tmp_path, "[[sources]]\nid = 'mine'\n")
    assert found == {f"sources[0].{key}": "is needed here (id mine)" for key in ("name", "kind", "url")}


def test_two_own_sources_cannot_have_one_id(tmp_path: Path) -> None:
    found = problems(tmp_path, SOURCE.format(id="mine") * 2)
    assert found == {"sources[1].id": "'mine' is already the id of sources[0]"}


def test_slack_with_one_token_says_which_is_missing(tmp_path: Path) -> None:
    one = {"POLICYBELL_SLACK__BOT_TOKEN": "xoxb-1", "POLICYBELL_SLACK__SIGNING_SECRET": "s"}
    assert problems(tmp_path, environ=one) == {
        "slack": "socket mode needs a bot token and an app token. Set POLICYBELL_SLACK__APP_TOKEN."
    }
    other = {"POLICYBELL_SLACK__APP_TOKEN": "xapp-1"}
    assert problems(tmp_path, environ=other)["slack"].endswith("Set POLICYBELL_SLACK__BOT_TOKEN.")
    assert not loaded(tmp_path, "[slack]\nenabled = false", one).slack.is_on
    assert loaded(tmp_path, environ=one | other).slack.is_on


# --- topics ---------------------------------------------------------------------------------------------------------

TOPIC = """
[[topics]]
id = "fees"
name.en = "Fees"
query = "fee OR fees"
aliases = ["tasas"]
"""


def test_an_own_topic_is_tried_on_its_own_examples(tmp_path: Path) -> None:
    good = 'must_match = ["USCIS raises a fee"]\nmust_not_match = ["USCIS closes an office"]\n'
    topic = {topic.id: topic for topic in loaded(tmp_path, TOPIC + good).topics}["fees"]
    assert (topic.name, topic.aliases) == ("Fees", ("tasas",))
    bad = 'must_match = ["a fee", "an office"]\nmust_not_match = ["no fee"]\n'
    assert problems(tmp_path, TOPIC + bad) == {
        "topics[0].must_match[1]": "the query does not match 'an office'",
        "topics[0].must_not_match[0]": "the query matches 'no fee'",
    }


def test_an_own_topic_with_a_shipped_id_changes_what_it_names(tmp_path: Path) -> None:
    shipped = {topic.id: topic for topic in loaded(tmp_path).topics}["tps"]
    renamed = loaded(tmp_path, "[[topics]]\nid = 'tps'\nname.en = 'Protected'\n")
    assert {topic.id: topic for topic in renamed.topics}["tps"].query == shipped.query
    changed = loaded(tmp_path, "[[topics]]\nid = 'tps'\nquery = 'tps'\nmust_match = ['tps ends']\n")
    topic = {topic.id: topic for topic in changed.topics}["tps"]
    assert (topic.name, topic.query, topic.must_match) == (shipped.name, "tps", ("tps ends",))
    assert [topic.id for topic in changed.topics] == [topic.id for topic in loaded(tmp_path).topics]


def test_an_alias_can_mean_one_topic_only(tmp_path: Path) -> None:
    again = TOPIC.replace('"fees"', '"costs"')
    assert problems(tmp_path, TOPIC + again) == {"topics[1].aliases": "'tasas' already means the topic fees"}
    assert problems(tmp_path, TOPIC.replace("tasas", "tps")) == {
        "topics[0].aliases": "'tps' already means the topic tps"
    }
    assert problems(tmp_path, TOPIC * 2)["topics[1].id"] == "'fees' is already the id of topics[0]"


def test_a_topic_without_what_it_needs_says_so(tmp_path: Path) -> None:
    assert problems(tmp_path, "[[topics]]\nid = 'fees'\n") == {
        "topics[0].name": "is needed here",
        "topics[0].query": "is needed here",
    }


# --- not yet --------------------------------------------------------------------------------------------------------


def test_what_nothing_obeys_yet_is_accepted_and_told(tmp_path: Path) -> None:
    text = """
    [bot]
    language = "es"
    [match]
    story_window = "72h"
    [ops]
    backup = { at = "03:30", keep = 7 }
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
        "POLICYBELL_RETENTION__ITEMS": "400d",
        "POLICYBELL_WEB__ADMIN_TOKEN": "x",
        "POLICYBELL_MATCH__PREVIEW_DAYS": "3",
    }
    findings = inspect(write(tmp_path, text), environ)
    assert findings.problems == ()
    assert dict(findings.not_yet).keys() == {
        "bot.language",
        "match.story_window",
        "match.preview_days",
        "ops.backup",
        "retention.items",
        "web.admin_token",
        "sources[0].relevance",
        "sources[0].select",
        "topics[0].name.es",
        "topics[0].tiers",
    }
    assert findings.settings
    assert findings.settings.not_yet == findings.not_yet
    assert ("mine", "Mine", "news rooms without a feed are not read yet") in findings.settings.not_yet_sources()
    assert "mine" not in {source.id for source in findings.settings.source_specs()}


@pytest.mark.parametrize("key", sorted(key for key in NOT_YET if "[]" not in key and key != "ops.backup"))
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
        "POLICYBELL_TELEGRAM__TOKEN_FILE": f"{file}: everybody may read it. Run: chmod 600 {file}",
    }
    assert list(problems(tmp_path, environ={"POLICYBELL_TELEGRAM__TOKEN_FILE": "/nowhere"})) == list(environ)


def test_secrets_never_print(tmp_path: Path) -> None:
    environ = {"POLICYBELL_TELEGRAM__TOKEN": "1:canary", "POLICYBELL_SLACK__BOT_TOKEN": "xoxb-canary"}
    environ["POLICYBELL_SLACK__APP_TOKEN"] = "xapp-canary"
    settings = loaded(tmp_path, environ=environ)
    assert "canary" not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"
    assert settings.secrets() == {"1:canary", "xoxb-canary", "xapp-canary"}


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


# --- units ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("15s", 15),
        ("72h", 259_200),
        ("1.5h", 5400),
        (90, 90),
        ("90", 90),
        ("250ms", 0.25),
        ("2 d", 172_800),
    ],
)
def test_durations_are_read(text: str | int, seconds: float) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["5 minutes", "", "m", "-5m", "1h30m", "∞", "٣m", None, [], "5M"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match='write seconds, or a text such as "5m"'):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("5MiB", 5_242_880), ("5MB", 5_000_000), (10, 10), ("1.5 KiB", 1536), ("7B", 7)]
)
def test_sizes_are_read(text: str | int, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize(("text", "share"), [("20%", 0.2), (0.2, 0.2), ("0", 0), ("100%", 1)])
def test_shares_are_read(text: str | float, share: float) -> None:
    assert read_share(text) == pytest.approx(share)


@given(st.integers(min_value=0, max_value=3650 * 86_400))
def test_what_is_spoken_is_read_back(seconds: int) -> None:
    assert read_duration(spoken(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_any_value_is_read_or_refused_with_a_sentence(value: object) -> None:
    for read in (read_duration, read_size, read_share):
        try:
            read(value)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either outcome is right


def test_every_key_has_a_variable_of_its_own() -> None:
    names = [variable(key) for key in setting_keys()]
    assert len(set(names)) == len(names)
    assert all(name.startswith("POLICYBELL_") and "__" in name for name in names)
