"""Reading the settings anew while the bot runs: all of them or none.

On SIGHUP, and when the file of settings has changed and then stood still for one look (an editor may be in the midst
of writing it). What was read is judged whole; then everything is put in place in one step between two polls, or the
old settings stay and the log says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from bot.app.added import all_sources
from bot.app.current import Current, Reloaded
from bot.core.index import Index
from bot.core.query import read_topics
from bot.daemon import Bot
from bot.errors import ConfigError, DiskFull
from bot.logs import set_level
from bot.poll import LiveIndex
from config import Settings, load
from config.layers import file_of
from config.reloading import merged

log = structlog.get_logger()

_Stamp = tuple[int, int, int]
_ABSENT: _Stamp = (0, 0, 0)


class Reloader:
    """Keeps a running bot in step with its settings, and notes in `Current` how the last reading of them went.

    `hide` is told of every secret that was read, before anything uses it.
    """

    def __init__(
        self,
        bot: Bot,
        current: Current,
        config: Path | None,
        environ: Mapping[str, str],
        hide: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._bot, self._current, self._environ, self._hide = bot, current, environ, hide
        self._file = file_of(config, environ)
        self._config = self._file if self._file.exists() else config  # what was there at the start must not be missing
        self._seen = self._changing = _stamp(self._file)
        self._asked = False

    def ask(self) -> None:
        """Have the settings read anew at once, whether or not their file has changed."""
        self._asked = True
        self._bot.clockwork.give("config")

    async def watch(self, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None) -> None:
        """Read the settings anew whenever there is reason to, until cancelled; `before` and `after` frame it."""
        while True:
            await self._bot.clockwork.beat("config")
            if self._has_reason():
                before()
                await self.reload()
                after()

    async def reload(self) -> Reloaded:
        """Read, judge and put in place; or keep everything as it is and say why."""
        try:
            # in a thread: every topic is tried on its own examples, which takes longer than the loop may stand still
            read = await asyncio.to_thread(load, self._config, self._environ)
        except ConfigError as error:
            problems = [f"{path}: {sentence}" for path, sentence in error.problems]
            log.error("config.rejected", problems=problems)  # noqa: TRY400 - the problems say all that a trace would
            return self._note("; ".join(problems), ok=False)
        except Exception as error:  # a bug that some text brings out harms that text, not the bot that runs
            log.exception("config.broke")
            return self._note(f"they cannot be worked through ({type(error).__name__})", ok=False)
        for secret in read.secrets():
            self._hide(secret)
        settings, waiting = merged(self._current.settings, read)
        try:
            await self._put_in_place(settings)
        except DiskFull as error:
            self._asked = True  # again at the next look, until there is room
            return self._note(str(error), ok=False)
        log.info("config.reloaded", sources=len(self._bot.polling.sources), topics=len(settings.topics))
        if not waiting:
            return self._note("", ok=True)
        advice = f"Only a restart changes {', '.join(waiting)}."
        log.warning("config.needs_restart", keys=list(waiting), advice=advice)
        return self._note(advice, ok=True)

    def _note(self, why: str, *, ok: bool) -> Reloaded:
        self._current.last = Reloaded(self._bot.clock.now(), ok, why)
        return self._current.last

    def _has_reason(self) -> bool:
        found = _stamp(self._file)
        asked, self._asked = self._asked, False
        settled = found == self._changing and found != self._seen
        self._changing = found
        if asked or settled:
            self._seen = found
        return asked or settled

    async def _put_in_place(self, settings: Settings) -> None:
        bot, old = self._bot, self._current.settings
        queries = await self._reindexed(settings) if settings.topics != old.topics else bot.polling.queries
        async with bot.polling.one_at_a_time:  # not while a poll decides or a chat changes what it follows
            sources = await all_sources(settings, bot.store)
            await bot.store.register(sources)
            bot.polling = replace(bot.polling, queries=queries, sources={source.id: source for source in sources})
            bot.door.desk = replace(
                bot.door.desk,
                topics=settings.topics,
                sources=sources,
                not_yet=settings.not_yet_sources(),
                from_chats=settings.catalogue.from_chats,
            )
            self._current.settings = settings
        set_level(settings.bot.log_level)
        bot.clockwork.give("tick")  # a new source takes stock now
        for key, why in settings.not_yet:
            log.warning("setting.ignored", key=key, why=why)

    async def _reindexed(self, settings: Settings) -> LiveIndex:
        """Make the index anew beside the one in use: a filter may name any topic, and topics may be gone."""
        gone = {topic.id for topic in self._current.settings.topics} - {topic.id for topic in settings.topics}
        if gone:
            log.warning("topic.gone", topics=sorted(gone), advice="filters that name it match nothing until it is back")
        queries = LiveIndex(self._bot.store, Index(read_topics(settings.topics)))
        await queries.refresh()
        return queries


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return _ABSENT
    return found.st_mtime_ns, found.st_size, found.st_ino
