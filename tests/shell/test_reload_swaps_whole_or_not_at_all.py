"""Reading settings anew inside a bot: when there is reason to, what is put in place, and what is left alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.app.current import Current
from bot.app.reload import Reloader
from bot.core.model import Chat
from bot.core.speech import Call
from bot.errors import DiskFull
from config import Settings
from config.reloading import merged
from tests.configuring import SOURCE, loaded, write
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.house import ANA, Breaking, House, Room

NONE = "[catalogue]\nenabled = []\n"


# --- what may change ----------------------------------------------------------------------------------------------


def test_sources_topics_and_delivery_change_and_the_rest_waits_and_is_named(tmp_path: Path) -> None:
    before = loaded(tmp_path, NONE)
    text = (
        '[bot]\nname = "Other"\nlog_level = "debug"\n[fetch]\nevery = "5m"\ntick = "5s"\n[delivery]\nretry_for = "1h"\n'
    )
    token = {"POLICYBELL_TELEGRAM__TOKEN": "1:x"}
    read = loaded(tmp_path, NONE + text + SOURCE.format(id="new"), token)
    after, waiting = merged(before, read)
    assert waiting == ("bot.name", "fetch.tick", "telegram.token")
    assert (after.bot.name, after.bot.log_level) == (before.bot.name, "debug")
    assert (after.fetch.every, after.fetch.tick) == (read.fetch.every, before.fetch.tick)
    assert (after.delivery, after.sources, after.topics) == (read.delivery, read.sources, read.topics)
    assert [spec.every for spec in after.source_specs()] == [read.fetch.every]


def test_the_same_settings_are_no_change(tmp_path: Path) -> None:
    settings = loaded(tmp_path, NONE)
    assert merged(settings, loaded(tmp_path, NONE)) == (settings, ())


# --- in a bot -----------------------------------------------------------------------------------------------------


class Stage:
    """A bot whose settings lie in a file, watched with quick beats."""

    def __init__(self, folder: Path, store: Breaking | None = None) -> None:
        self.file = write(folder, NONE)
        self.house = House(Room(FakeClock()), clock=FakeClock(), store=store)
        self.current = Current(loaded(folder, NONE))
        self.hidden: list[str] = []
        self.reloader = Reloader(self.house.bot, self.current, self.file, {}, self.hidden.append)
        self.house.bot.others.append(self.reloader.watch)

    @property
    def ids(self) -> set[str]:
        return set(self.house.bot.polling.sources)

    def write(self, text: str) -> None:
        """Write so that the time of the change differs, however coarse the file system's clock is."""
        self.file.write_text(NONE + text)
        now = self.file.stat().st_mtime_ns
        os.utime(self.file, ns=(now, now + self._tick()))

    def _tick(self) -> int:
        self._ticks = getattr(self, "_ticks", 0) + 1_000_000
        return self._ticks


@asynccontextmanager
async def serving(folder: Path, store: Breaking | None = None) -> AsyncIterator[Stage]:
    stage = Stage(folder, store)
    await stage.house.bot.begin()
    task = asyncio.create_task(stage.house.bot.serve())
    await until(lambda: stage.house.bot.last_tick)
    yield stage
    await stage.house.stop(task)


async def test_a_file_that_changed_is_read_once_it_stands_still(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        with capture_logs() as logs:
            stage.write(SOURCE.format(id="new"))
            await until(lambda: stage.ids == {"new"})
            for _ in range(20):
                stage.house.bot.clockwork.give("config")
                await asyncio.sleep(0.005)
        assert [line["event"] for line in logs].count("config.reloaded") == 1


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    async def steps() -> None:
        stage = Stage(tmp_path)
        for number in range(5):  # it changes between any two looks
            stage.write(SOURCE.format(id=f"half-{number}"))
            assert not stage.reloader._has_reason()
        assert stage.reloader._has_reason()
        assert not stage.reloader._has_reason()

    asyncio.run(steps())


async def test_commands_polls_and_the_store_see_one_and_the_same_set_of_sources(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        stage.write(SOURCE.format(id="new"))
        await stage.reloader.reload()
        desk = stage.house.door.desk
        assert {source.id for source in desk.sources} == stage.ids == {"new"}
        assert [cursor.source_id for cursor in await stage.house.store.cursors()] == ["new"]
        assert desk.topics == stage.current.settings.topics


async def test_a_reload_waits_for_the_poll_that_decides(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        stage.write(SOURCE.format(id="new"))
        async with stage.house.bot.polling.one_at_a_time:
            reload = asyncio.create_task(stage.reloader.reload())
            await asyncio.sleep(0.3)
            assert stage.ids == {"source-1"}
            assert stage.current.settings.sources == ()
        assert (await reload).ok
        assert stage.ids == {"new"}


@pytest.mark.parametrize("text", ["[fetch\n", SOURCE.format(id="BAD ID"), "[fetch]\nevery = '1s'\n"])
async def test_what_is_wrong_leaves_everything_as_it_was(tmp_path: Path, text: str) -> None:
    async with serving(tmp_path) as stage:
        before: tuple[Settings, object, object] = (
            stage.current.settings,
            stage.house.bot.polling,
            stage.house.door.desk,
        )
        stage.write(text)
        assert not (await stage.reloader.reload()).ok
        assert stage.current.last.why
        assert before == (stage.current.settings, stage.house.bot.polling, stage.house.door.desk)
        stage.write("")
        assert (await stage.reloader.reload()).ok
        assert stage.current.last.why == ""


async def test_a_secret_that_came_with_new_settings_is_kept_out_of_logs_from_then_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        stage.write('[ops]\nping_url = "https://ping.example/secret-path"\n')
        assert (await stage.reloader.reload()).ok
        assert stage.hidden == ["https://ping.example/secret-path"]
        assert stage.current.settings.ops.ping_url.get_secret_value() == "https://ping.example/secret-path"


async def test_a_full_disk_keeps_the_old_settings_until_there_is_room(tmp_path: Path) -> None:
    store = Breaking("register", DiskFull("The disk is full."))
    async with serving(tmp_path, store) as stage:
        store.breaks = True
        stage.write(SOURCE.format(id="new"))
        await until(lambda: stage.current.reload_failed == "The disk is full.")
        assert stage.ids == {"source-1"}
        store.breaks = False
        await until(lambda: stage.ids == {"new"})
        assert stage.current.reload_failed == ""


async def test_a_bug_in_reading_settings_harms_no_bot_that_runs(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        stage.reloader._environ = None  # type: ignore[assignment]
        assert (await stage.reloader.reload()).why.startswith("they cannot be worked through (")
        assert stage.ids == {"source-1"}


async def test_a_file_that_is_gone_does_not_mean_the_defaults(tmp_path: Path) -> None:
    async with serving(tmp_path) as stage:
        stage.file.unlink()
        assert "there is no such file" in (await stage.reloader.reload()).why


async def test_filters_are_filed_anew_when_topics_change_and_one_whose_topic_is_gone_harms_only_itself(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as stage:
        topics = '[[topics]]\nid = "{id}"\nname.en = "{id}"\nquery = "{id}"\n'
        stage.write(topics.format(id="river") + topics.format(id="lake"))
        await stage.reloader.reload()
        for number, topic in enumerate(("river", "lake")):
            chat = ANA if number else Chat("fake", "", "2")
            assert (await stage.house.door.answer(Call("follow", (topic,), chat, may_change=True))).ok
        stage.write(topics.format(id="lake"))
        with capture_logs() as logs:
            await stage.reloader.reload()
        assert [line["topics"] for line in logs if line["event"] == "topic.gone"] == [["river"]]
        assert len(await stage.house.bot.polling.queries.refresh()) == 1
