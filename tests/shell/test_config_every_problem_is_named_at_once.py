from __future__ import annotations

from pathlib import Path

import pytest

from tests.configuring import SOURCE, loaded, problems

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
        "sources[0].kind": "'fede' is not a kind. Did you mean feed? (id Mine)",
        "sources[1].kind": "'fede' is not a kind. Did you mean feed? (id other)",
        "sources[1].every": "at least 1m",
        "POLICYBELL_FECTH__TICK": "not a setting. Did you mean POLICYBELL_FETCH__TICK?",
    }
    assert "topics[0].query" in found
    assert "secret-value" not in str(found)


@pytest.mark.parametrize(
    ("toml", "path", "sentence"),
    [
        (
            "[bot]\nlog_level = 'loud'",
            "bot.log_level",
            "write 'auto', 'debug', 'info', 'warning' or 'error'; got 'loud'",
        ),
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
        (
            'select = { title = "h3 >" }',
            "select.title",
            "'h3 >' is no CSS selector, with or without @attribute (id mine)",
        ),
        ('select = { match = "(" }', "select.match", "'(' is no regular expression"),
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


def test_slack_over_http_needs_a_signing_secret_in_the_place_of_the_app_token(tmp_path: Path) -> None:
    http = "[slack]\nmode = 'http'"
    bot, app = {"POLICYBELL_SLACK__BOT_TOKEN": "xoxb-1"}, {"POLICYBELL_SLACK__APP_TOKEN": "xapp-1"}
    assert problems(tmp_path, http, bot | app) == {
        "slack": "http mode needs a bot token and a signing secret. Set POLICYBELL_SLACK__SIGNING_SECRET."
    }
    assert loaded(tmp_path, http, bot | {"POLICYBELL_SLACK__SIGNING_SECRET": "s"}).slack.is_on
    assert problems(tmp_path, "[slack]\nmode = 'webhook'").keys() == {"slack.mode"}


@pytest.mark.parametrize(("mode", "secret"), [("socket", "APP_TOKEN"), ("http", "SIGNING_SECRET")])
def test_slack_for_several_workspaces_needs_what_its_mode_needs_and_no_bot_token(
    tmp_path: Path, mode: str, secret: str
) -> None:
    text = f"[slack]\nmode = '{mode}'\nclient_id = '1.2'"
    client, transport = {"POLICYBELL_SLACK__CLIENT_SECRET": "c"}, {f"POLICYBELL_SLACK__{secret}": "s"}
    assert "a client secret" in problems(tmp_path, text, transport)["slack"]
    assert problems(tmp_path, text, client)["slack"].endswith(f"Set POLICYBELL_SLACK__{secret}.")
    settings = loaded(tmp_path, text, client | transport)
    assert settings.slack.is_on
    assert settings.slack.is_for_many
    assert {"c", "s"} <= settings.secrets()
    both = problems(tmp_path, text, client | transport | {"POLICYBELL_SLACK__BOT_TOKEN": "xoxb-1"})
    assert "Keep one of them" in both["slack"]


def test_with_several_workspaces_people_are_named_with_theirs(tmp_path: Path) -> None:
    text = "[slack]\nclient_id = '1.2'\nwho = ['U0123ABCD']"
    rest = {"POLICYBELL_SLACK__CLIENT_SECRET": "c", "POLICYBELL_SLACK__APP_TOKEN": "xapp-1"}
    assert "T0123/U0456" in problems(tmp_path, text, rest)["slack"]
    assert loaded(tmp_path, text.replace("U0123ABCD", "T0HOME/U0123ABCD"), rest).slack.who == ("T0HOME/U0123ABCD",)


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


def test_the_query_of_a_topic_that_has_no_name_is_tried_as_well(tmp_path: Path) -> None:
    assert list(problems(tmp_path, "[[topics]]\nid = 'fees'\nquery = '('\n")) == ["topics[0].name", "topics[0].query"]
    assert list(problems(tmp_path, "[[topics]]\nid = 'fees'\nquery = 'fee'\n")) == ["topics[0].name"]


def test_a_topic_without_what_it_needs_says_so(tmp_path: Path) -> None:
    assert problems(tmp_path, "[[topics]]\nid = 'fees'\n") == {
        "topics[0].name": "is needed here",
        "topics[0].query": "is needed here",
    }


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("operators", '["telegram:-1001"]', "is not a person's number"),
        ("operators", '["telegram:@olga"]', "is not a person's number"),
        ("operators", '["telegram:0123"]', "is not a person's number"),
        ("operators", '["telegram:1#5"]', "is not a person's number"),
        ("operators", '["slack:C0123"]', "is not a person's number"),
        ("operators", '["web:local"]', "only people of telegram and slack"),
        ("operators", '["olga"]', "is not a chat"),
        ("operators", "5", "write a list"),
        ("notify", '["telegram:channel"]', "is a number"),
        ("notify", '["slack:general"]', "is its id"),
        ("notify", '["mail:ops"]', "is not a platform"),
        ("notify", '["telegram:1", "C0123"]', "'C0123' is not a chat"),
        ("ping_url", '"hc-ping.example/secret-canary"', "must start with http"),
        ("ping_url", '"https://u:p@ping.example/secret-canary"', "user name or password"),
    ],
)
def test_who_is_told_and_who_may_operate_is_checked_before_anything_starts(
    tmp_path: Path, key: str, value: str, said: str
) -> None:
    found = problems(tmp_path, f"[ops]\n{key} = {value}\n")
    assert list(found) == [f"ops.{key}"]
    assert said in found[f"ops.{key}"]
    assert "canary" not in repr(found)


def test_operators_and_chats_to_tell_may_come_from_the_environment(tmp_path: Path) -> None:
    environ = {"POLICYBELL_OPS__OPERATORS": "telegram:1,slack:T1/U12", "POLICYBELL_OPS__NOTIFY": "telegram:-1#5"}
    settings = loaded(tmp_path, "", environ)
    assert [str(one) for one in settings.ops.operators] == ["telegram:1", "slack:T1/U12"]
    assert [str(one) for one in settings.ops.notify] == ["telegram:-1#5"]


def test_the_ping_address_is_a_secret(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[ops]\nping_url = "https://ping.example/secret-canary"\n')
    assert "canary" not in repr(settings)
    assert "https://ping.example/secret-canary" in settings.secrets()
