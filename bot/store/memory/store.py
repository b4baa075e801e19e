"""The store itself: what it is asked, and which part of it knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.added import Added, Refusal, Wanted, is_added
from bot.core.floods import Flood
from bot.core.habit import Rhythm
from bot.core.intake import Cursor, SourceSpec, WatchedPage
from bot.core.lateness import Patience
from bot.core.model import (
    Changes,
    Chat,
    Delivery,
    DeliveryState,
    Mute,
    Past,
    Preferences,
    Reader,
    Retried,
    Story,
    Subscription,
    Verdict,
    Voice,
)
from bot.core.moves import followed
from bot.core.outcome import Outcome
from bot.core.retention import Cutoffs, Pruned
from bot.errors import StoreError
from bot.ports import Census, Missed, QueryLog
from bot.ports.oversight import Audited, Vitals
from bot.store import rules
from bot.store.memory.archive import Archive
from bot.store.memory.flooding import Held
from bot.store.memory.keeping import kept
from bot.store.memory.outbox import Outbox
from bot.store.memory.oversight import Overseen, census, revived, rhythms, sooner, vitals, with_address
from bot.store.memory.people import NEVER, People
from bot.store.memory.retention import prune


class MemoryStore:
    """Satisfies `bot.ports.Store` with dictionaries. No method waits inside, so each is one transaction."""

    def __init__(self) -> None:
        self._registered: set[str] = set()
        self._cursors: dict[str, Cursor] = {}
        self._urls: dict[str, str] = {}
        self._pages: dict[str, WatchedPage] = {}
        self._archive = Archive()
        self._held = Held(self._archive)
        self._people = People()
        self._outbox = Outbox(self._people)
        self._rows = self._outbox.rows
        self._overseen = Overseen()

    # polling

    async def register(self, sources: Sequence[SourceSpec]) -> None:
        self._registered = {source.id for source in sources}
        for source in sources:
            known = self._cursors.setdefault(source.id, Cursor(source.id))
            if known.retired_at is not None and self._urls.get(source.id) != source.url:
                self._cursors[source.id] = revived(known)
            self._urls[source.id] = source.url

    async def cursors(self) -> tuple[Cursor, ...]:
        dropped = {one for one in self._registered if is_added(one)} - {one.id for one in self._people.added.known}
        wanted = self._registered - dropped
        return tuple(cursor for source_id, cursor in sorted(self._cursors.items()) if source_id in wanted)

    async def due(self, now: datetime) -> tuple[Cursor, ...]:
        paused = self._overseen.paused
        wanted = [one for one in await self.cursors() if one.source_id not in paused and one.retired_at is None]
        waiting = [cursor for cursor in wanted if (cursor.next_poll_at or NEVER) <= now]
        return tuple(sorted(waiting, key=lambda cursor: cursor.next_poll_at or NEVER))

    async def earliest_claim(self, source_id: str) -> datetime | None:
        return self._archive.earliest_claim(source_id)

    async def past(self, keys: Collection[str]) -> Past:
        return self._archive.past(keys)

    async def page(self, source_id: str) -> WatchedPage | None:
        return self._pages.get(source_id)

    async def subscribers(self, query_ids: Collection[int], source_id: str = "") -> tuple[Reader, ...]:
        return self._people.subscribers(query_ids, source_id)

    async def commit(self, changes: Sequence[Changes]) -> None:
        changes = rules.still_there(self._people.added.known, changes)
        verdicts = [verdict for one in changes for verdict in one.verdicts]
        wanted = [self._outbox.wanted(delivery) for one in changes for delivery in one.deliveries]
        deliveries = [delivery for delivery in wanted if delivery is not None]
        self._archive.check(verdicts, deliveries)
        for cursor in (one.cursor for one in changes):
            self._cursors[cursor.source_id] = with_address(cursor, self._cursors.get(cursor.source_id, cursor))
        self._pages |= {one.page.source_id: one.page for one in changes if one.page is not None}
        for verdict in verdicts:
            self._archive.learn(verdict)
        self._held.hold(verdicts)
        self._write(deliveries)

    def _write(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._archive.tell(delivery.alert.story.lead.id)
            self._outbox.add(delivery)

    async def queries_since(self, version: int) -> QueryLog:
        return self._people.queries_since(version)

    # holding

    async def floods(self) -> tuple[Flood, ...]:
        return self._held.floods()

    async def held_of(self, source_id: str) -> tuple[Verdict, ...]:
        return self._held.of(source_id)

    async def release_flood(self, source_id: str, at: datetime) -> int:
        return self._held.release(source_id, at)

    async def discard_flood(self, source_id: str) -> int:
        return self._held.discard(source_id)

    async def end_flood(self, verdicts: Sequence[Verdict], deliveries: Sequence[Delivery]) -> None:
        ended = self._held.end(verdicts)
        wanted = [self._outbox.wanted(delivery) for delivery in deliveries if delivery.alert.story.lead.id in ended]
        self._write(delivery for delivery in wanted if delivery is not None)

    # adding

    async def add_source(self, wanted: Wanted, voice: Voice, now: datetime) -> Added | Refusal:
        if wanted.chat is not None:
            wanted = replace(wanted, chat=self._people.name(wanted.chat))
        added = self._people.added.add(wanted, now)
        if isinstance(added, Added) and added.chat is not None:
            self._people.settle_in(added.chat, voice, now)
        return added

    async def added_sources(self) -> tuple[Added, ...]:
        return tuple(self._people.added.known)

    async def drop_source(self, source_id: str) -> bool:
        return self._people.added.drop([source_id])

    # delivering

    async def claim(
        self,
        now: datetime,
        *,
        limit: int,
        platforms: Collection[str],
        lease: timedelta,
        patience: Patience | None = None,
    ) -> tuple[Delivery, ...]:
        return self._outbox.claim(now, limit=limit, platforms=platforms, lease=lease, patience=patience)

    async def settle(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        return self._outbox.settle(delivery, outcome, now)

    async def recover(self, now: datetime, *, every_lease: bool = False) -> int:
        return self._outbox.recover(now, every_lease=every_lease)

    async def expire(self, before: datetime) -> int:
        return self._outbox.expire(before)

    async def attempted_since(self, since: datetime) -> tuple[Chat, ...]:
        return self._outbox.attempted_since(since)

    async def hold(self, platform: str, now: datetime) -> bool:
        is_new = platform not in self._outbox.held
        self._outbox.held.setdefault(platform, now)
        return is_new

    async def release(self, platform: str) -> bool:
        return self._outbox.held.pop(platform, None) is not None

    async def held(self) -> Mapping[str, datetime]:
        return dict(sorted(self._outbox.held.items()))

    async def clock_was_set(self, by: timedelta, since: datetime, now: datetime) -> None:
        self._outbox.clock_was_set(by, since, now)
        if by < timedelta(0):  # set ahead, a clock makes every source due, once
            self._put_off_no_longer(lambda at: at + by if at > now else at)

    async def pull_back(self, now: datetime, longest_rest: timedelta) -> None:
        self._outbox.pull_back(now, longest_rest)
        self._put_off_no_longer(lambda at: min(at, now + longest_rest))

    def _put_off_no_longer(self, until: Callable[[datetime], datetime]) -> None:
        for source_id, cursor in self._cursors.items():
            if cursor.next_poll_at is not None:
                self._cursors[source_id] = replace(cursor, next_poll_at=until(cursor.next_poll_at))

    # people

    async def follow(self, chat: Chat, voice: Voice, query: str, label: str, now: datetime) -> bool:
        return self._people.follow(chat, voice, query, label, now)

    async def unfollow(self, chat: Chat, query: str | None, now: datetime) -> tuple[Subscription, ...]:
        dropped = self._people.unfollow(chat, query)
        self._outbox.drop_reasons(self._people.name(chat), {one.query_id for one in dropped}, now)
        return dropped

    async def subscriptions(self, chat: Chat) -> tuple[Subscription, ...]:
        home = self._people.home(chat)
        return tuple(home.subscriptions) if home else ()

    async def preferences(self, chat: Chat) -> Preferences | None:
        home = self._people.home(chat)
        return Preferences(home.voice, home.mute) if home else None

    async def set_voice(self, chat: Chat, voice: Voice, now: datetime) -> None:
        self._people.settle_in(chat, voice, now).voice = voice

    async def mute(self, chat: Chat, query: str | None, until: datetime | None, now: datetime) -> bool:
        done = self._people.mute(chat, query, until, now)
        if done:
            self._outbox.hold_back(self._people.name(chat), now)
        return done

    async def unmute(self, chat: Chat, query: str | None, now: datetime) -> Mute | None:
        return self._people.unmute(chat, query, now)

    async def missed(self, chat: Chat, since: datetime, limit: int) -> Missed:
        cancelled = self._outbox.of(self._people.name(chat), DeliveryState.CANCELLED)
        held_back = [row for row in cancelled if row.delivery.last_error == rules.MUTED and row.settled_at >= since]
        held_back.sort(key=lambda row: (row.settled_at, row.seq), reverse=True)
        return Missed(len(held_back), self._outbox.shown(held_back[:limit]))

    async def kept(self, chat: Chat) -> Mapping[str, Sequence[Mapping[str, object]]]:
        home = self._people.home(chat)
        rows = [row.delivery for row in self._outbox.of(self._people.name(chat))]
        added = self._people.added.kept(self._people.name(chat))
        return kept(self._people.names(chat), home, rows, added) if home else {}

    async def wake(self, chat: Chat) -> bool:
        meant = [self._people.homes[name] for name in self._people.with_threads(chat)]
        gone = [one for one in meant if one.gone]
        for one in gone:
            one.gone = False
        return bool(gone)

    async def part(self, chat: Chat, why: str, now: datetime) -> None:
        self._outbox.part(chat, why, now)

    async def move(self, chat: Chat, to: Chat, now: datetime) -> None:
        self._outbox.move(chat, to, now)

    async def forget(self, chat: Chat) -> None:
        self._outbox.forget(chat)

    # looking back

    async def stories(self, limit: int, before: int | None = None) -> tuple[Story, ...]:
        return self._archive.stories(limit, before)

    async def story(self, number: int) -> Story | None:
        return self._archive.story(number)

    async def story_with_key(self, key: str) -> Story | None:
        return self._archive.story_with_key(key)

    async def decisions(self, story: int) -> tuple[str, ...]:
        return self._archive.decisions(story)

    async def history(self, chat: Chat, limit: int) -> tuple[Delivery, ...]:
        return self._outbox.history(chat, limit)

    # operating

    async def outbox(self, states: Collection[DeliveryState], limit: int) -> tuple[Delivery, ...]:
        return self._outbox.listed(states, limit)

    async def delivery(self, delivery_id: str) -> Delivery | None:
        return self._outbox.delivery(delivery_id)

    async def told(self, chat: Chat, story: int) -> Delivery | None:
        return self._outbox.told(chat, story)

    async def retry(self, delivery_id: str, now: datetime) -> Retried:
        return self._outbox.retry(delivery_id, now)

    async def discard(self, delivery_id: str, now: datetime) -> bool:
        return self._outbox.discard(delivery_id, now)

    async def pause_source(self, source_id: str, now: datetime) -> bool:
        return source_id in self._registered and self._overseen.pause(source_id, now)

    async def resume_source(self, source_id: str) -> bool:
        was_gone = source_id in self._cursors and self._cursors[source_id].retired_at is not None
        if was_gone:
            self._cursors[source_id] = revived(self._cursors[source_id])
        return self._overseen.paused.pop(source_id, None) is not None or was_gone

    async def move_source(self, source: SourceSpec, now: datetime) -> str:
        known = self._cursors.get(source.id, Cursor(source.id))
        if not known.moved_to:
            return ""
        self._cursors[source.id] = followed(known, source.url, now)
        return known.moved_to

    async def paused_sources(self) -> Mapping[str, datetime]:
        return {one: since for one, since in sorted(self._overseen.paused.items()) if one in self._registered}

    async def poll_next(self, source_id: str, at: datetime) -> bool:
        if source_id not in self._registered or source_id in self._overseen.paused:
            return False
        self._cursors[source_id] = sooner(self._cursors[source_id], at)
        return True

    async def vitals(self, now: datetime) -> Vitals:
        return vitals(self._rows.values(), self._people, now)

    async def rhythms(self, since: datetime) -> Mapping[str, Rhythm]:
        return rhythms((one.document for one in self._archive.documents.values()), since)

    async def note(self, entry: Audited) -> None:
        self._overseen.audited.append(entry)

    async def audit(self, limit: int) -> tuple[Audited, ...]:
        return tuple(reversed(self._overseen.audited))[:limit]

    async def backup(self, file: Path) -> None:
        raise StoreError(f"{file} was not written: this store keeps nothing on disk.")

    async def prune(self, cutoffs: Cutoffs, limit: int) -> Pruned:
        read = {name: cursor.last_success_at for name, cursor in self._cursors.items() if name not in self._registered}
        unwatched = {name for name, at in read.items() if at is not None and at < cutoffs.texts}
        self._pages = {name: page for name, page in self._pages.items() if name not in unwatched}
        return prune(self._archive, self._outbox, self._overseen, cutoffs, limit)

    async def vacuum(self) -> None:
        """Nothing is ever empty here."""

    async def touch(self) -> None:
        """Nothing can fail here."""

    async def census(self) -> Census:
        return census(self._rows.values(), self._people, len(self._archive.documents))

    async def close(self) -> None:
        """Nothing to close."""
