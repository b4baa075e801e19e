"""Lists of feeds, taken from other readers and given to them: bounded, without entities, each feed once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import run as command_line
from bot.cli.opml import BYTES_AT_MOST, read_opml, write_opml
from bot.errors import BotError

FILE = b"""<?xml version="1.0"?><opml version="1.0"><body>
<outline text="News"><outline text="A" title="Alpha" type="rss" xmlUrl="https://a.example/feed"/>
<outline text="deep"><outline text="B &amp; C" xmlUrl=" https://b.example/feed "/></outline></outline>
<outline text="twice" xmlUrl="https://a.example/feed"/><outline text="a page" url="https://c.example/"/>
<outline text="local" xmlUrl="file:///etc/passwd"/><outline text="key" xmlUrl="https://u:p@d.example/feed"/>
</body></opml>"""
TOML = "[catalogue]\nenabled = []\n[bot]\ndata_dir = '{}'\n"


def test_nested_outlines_are_read_and_what_is_no_feed_is_said() -> None:
    found = read_opml(FILE)
    assert found.feeds == (("https://a.example/feed", "Alpha"), ("https://b.example/feed", "B & C"))
    assert [words.partition(":")[0] for words in found.skipped] == ["a page", "local", "key"]


BOMB = b'<!DOCTYPE opml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><opml><body><outline text="&b;"/></body></opml>'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "entities"),
        (BOMB.decode().encode("utf-16"), "entities"),
        (b"<opml>" + b" " * BYTES_AT_MOST, "larger"),
        (b"<opml><body>", "well-formed"),
        (b"", "well-formed"),
        (b"<rss/>", "no OPML"),
        (b'<?xml version="1.0" encoding="nonsense"?><opml/>', "well-formed"),
    ],
)
def test_what_is_no_honest_opml_is_refused_in_a_sentence(text: bytes, why: str) -> None:
    with pytest.raises(BotError, match=why):
        read_opml(text)


def test_what_is_written_is_read_back() -> None:
    rows = [
        {"name": "A & <B>", "url": "https://a.example/?x=1&y=2", "kind": "feed"},
        {"name": "A page", "url": "https://b.example/", "kind": "page"},
    ]
    found = read_opml(write_opml(rows).encode())
    assert found.feeds == (("https://a.example/?x=1&y=2", "A & <B>"),)
    assert found.skipped == ("A page: no feed",)


def test_feeds_are_imported_listed_exported_and_dropped_without_a_running_bot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bot.toml").write_text(TOML.format(tmp_path / "data"))
    (tmp_path / "list.opml").write_bytes(FILE)

    def run(*argv: str) -> tuple[int, str]:
        code = command_line(["sources", *argv, "--config", str(tmp_path / "bot.toml")])
        printed = capsys.readouterr()
        return code, printed.out or printed.err

    code, said = run("import", str(tmp_path / "list.opml"), "--json")
    assert code == 1  # three were passed over
    assert [one["outcome"] for one in json.loads(said)] == ["added", "added", *["passed over"] * 3]
    assert "there already: Alpha" in run("import", str(tmp_path / "list.opml"))[1]
    listed = json.loads(run("list", "--json")[1])
    assert [(one["id"], one["name"]) for one in listed] == [("added-1", "Alpha"), ("added-2", "B & C")]
    exported = run("export")[1]
    assert dict(read_opml(exported.encode()).feeds).keys() == {"https://a.example/feed", "https://b.example/feed"}
    assert run("drop", "added-1")[0] == 0
    assert [one["id"] for one in json.loads(run("list", "--json")[1])] == ["added-2"]
    assert run("drop", "added-1")[0] == 1
    code, said = run("add", "https://e.example/feed")
    assert (code, "Start the bot" in said) == (1, True)
