"""One source by its id, on or off, for trying it before it is turned on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import BotError
from config.catalogue import known_source
from tests.configuring import SOURCE, loaded


def test_a_source_is_found_whether_it_is_on_or_off_or_ones_own(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[catalogue]\nenabled = []\n" + SOURCE.format(id="mine"))
    assert known_source(settings, "mine").id == "mine"
    assert known_source(settings, "gao-reports").url == "https://www.gao.gov/rss/reports.xml"
    assert known_source(settings, "hrw").kind == "feed"


@pytest.mark.parametrize(
    ("source_id", "why"),
    [
        ("gao-report", "Did you mean gao-reports"),
        ("example.org", "begins with"),
        ("congress-laws", "needs a key"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, source_id: str, why: str) -> None:
    with pytest.raises(BotError, match=why):
        known_source(loaded(tmp_path, ""), source_id)


@pytest.mark.parametrize("taken", ["own-1", "added-12"])
def test_ids_of_added_sources_are_nobody_elses(tmp_path: Path, taken: str) -> None:
    with pytest.raises(BotError, match="kept for sources that are added"):
        loaded(tmp_path, SOURCE.format(id=taken))
