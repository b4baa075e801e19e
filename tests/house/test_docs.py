"""What can be typed, set or configured is documented, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from bot.cli import policybell
from bot.commands import COMMANDS, Who
from config.catalogue import known_kinds
from config.layers import SECRETS, SECTIONS, variable
from config.not_yet import KINDS_NOT_YET, NOT_YET
from config.settings import Source
from config.shipped import shipped
from tests.house.figures import ROOT

OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")

OBEYED = {f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields}


def section(title: str) -> str:
    """Return one section of docs/operate.md, up to the next of its rank."""
    return OPERATE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def lines_of(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Walk through every command that does something, with the line that calls it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(click.Context(command)):
        inner = command.get_command(click.Context(command), name)
        assert inner
        yield from lines_of(inner, f"{path} {name}")


LINES = dict(lines_of(policybell, "policybell"))


@pytest.mark.parametrize("line", LINES)
def test_every_command_and_its_options_are_documented(line: str) -> None:
    rows = [row for row in section("Commands").splitlines() if row.startswith(f"| `{line}")]
    assert rows
    for option in LINES[line].params:
        if isinstance(option, click.Option) and option.name != "config":
            assert any(option.opts[0] in row for row in rows)


def test_no_command_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"^\| `(policybell [^`]*)`", section("Commands"), re.MULTILINE)
    assert [said for said in documented if not any(f"{said} ".startswith(f"{line} ") for line in LINES)] == []


def test_the_settings_table_is_the_settings() -> None:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.*?) \|", section("Settings"), re.MULTILINE)
    assert {key for key, _ in rows} == OBEYED
    assert len(rows) == len(OBEYED)


def test_the_settings_table_tells_the_defaults() -> None:
    told = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| `([^`]*)` \|", section("Settings"), re.MULTILINE))
    for key, text in told.items():
        name, _, field = key.partition(".")
        shown = SECTIONS[name].model_validate({field: text})
        assert getattr(shown, field) == getattr(SECTIONS[name](), field), key
    assert not SECRETS & told.keys()


def test_every_secret_is_told_where_it_may_come_from() -> None:
    for key in SECRETS & OBEYED:
        assert variable(key) in section("Settings")


def test_what_nothing_obeys_yet_is_listed() -> None:
    listed = section("Settings").split("### Known, and not obeyed yet")[1]
    assert set(re.findall(r"`([a-z_]+(?:\[\])?\.[a-z_.]+)`", listed)) == set(NOT_YET)


def test_every_kind_of_source_is_documented() -> None:
    kinds = section("Settings").split("| kind | reads |")[1]
    assert set(re.findall(r"^\| `(\w+)` \|", kinds, re.MULTILINE)) == set(known_kinds())
    waiting = kinds.split("Not yet:")[1].splitlines()[0]
    assert set(re.findall(r"`(\w+)`", waiting)) == {*KINDS_NOT_YET, "check"}


@pytest.mark.parametrize("key", sorted(set(Source.model_fields) - {"relevance"}))
def test_every_key_of_a_source_is_shown(key: str) -> None:
    assert re.search(rf"^{key} = ", section("Settings"), re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_chat_command_is_documented_as_it_describes_itself(name: str) -> None:
    known = COMMANDS[name]
    usage = known.usage.replace("|", "\\|")
    assert f"| `{usage}` | {known.help} | {known.who.name.lower()} |" in section("Commands").splitlines()


def test_every_source_that_a_page_steers_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"\bsources (?:show|pause|resume|poll) ([a-z][a-z0-9-]+)", text))
    assert named
    assert named <= {source["id"] for source in shipped("sources")}


def test_the_first_page_shows_commands_that_exist_and_nearly_all_of_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("\n## In a chat\n")[1].split("\n## ")[0]
    shown = {
        line.split()[0] for row in table.splitlines() if row.startswith("| ") for line in re.findall("`(.+?)`", row)
    }
    offered = {name for name, known in COMMANDS.items() if known.who is not Who.OPERATORS}
    assert shown <= offered
    assert offered - shown == {"start", "help", "lang", "channel"}  # a channel is set up by its link
