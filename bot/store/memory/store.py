"""The store itself: rows on their way, with `people` and `archive` beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.intake import Cursor, SourceSpec
from bot.core.lateness import Patience
from bot.core.model import (
    Changes,
    Chat,
    Delivery,
    DeliveryState,
    Lateness,
    Mute,
    Past,
    Preferences,
    Reader,
    Reason,
    Story,
    Subscription,
    Voice,
)
from bot.core.outcome import Gone, Moved, Outcome, Unsure
from bot.oversight import Audited, Vitals
from bot.ports import Census, Missed, QueryLog
from bot.store import rules
from bot.store.memory.archive import Archive
from bot.store.memory.keeping import kept
from bot.store.memory.oversight import Overseen, sooner, vitals
from bot.store.memory.people import NEVER, People
from bot.store.memory.rows import UNSETTLED, Row, bundle


class MemoryStore:
    """Satisfies `bot.ports.Store` with dictionaries. No method waits inside, so each is one transaction."""

    def __init__(self) -> None:
        self._registered: set[str] = set()
        self._cursors: dict[str, Cursor] = {}
        self._archive = Archive()
        self._people = People()
        self._rows: dict[str, Row] = {}
        self._added = 0
        self._held: dict[str, datetime] = {}
        self._overseen = Overseen()

    # polling

    async def register(self, sources: Sequence[SourceSpec]) -> None:
        self._registered = {source.id for source in sources}
        for source in sources:
            self._cursors.setdefault(source.id, Cursor(source.id))

    async def cursors(self) -> tuple[Cursor, ...]:
        return tuple(cursor for source_id, cursor in sorted(self._cursors.items()) if source_id in self._registered)

    async def due(self, now: datetime) -> tuple[Cursor, ...]:
        wanted = [cursor for cursor in await self.cursors() if cursor.source_id not in self._overseen.paused]
        waiting = [cursor for cursor in wanted if (cursor.next_poll_at or NEVER) <= now]
        return tuple(sorted(waiting, key=lambda cursor: cursor.next_poll_at or NEVER))

    async def past(self, keys: Collection[str]) -> Past:
        return self._archive.past(keys)

    async def subscribers(self, query_ids: Collection[int]) -> tuple[Reader, ...]:
        return self._people.subscribers(query_ids)

    async def commit(self, changes: Sequence[Changes]) -> None:
        verdicts = [verdict for one in changes for verdict in one.verdicts]
        wanted = [self._wanted(delivery) for one in changes for delivery in one.deliveries]
        deliveries = [delivery for delivery in wanted if delivery is not None]
        self._archive.check(verdicts, deliveries)
        self._cursors |= {one.cursor.source_id: one.cursor for one in changes}
        for verdict in verdicts:
            self._archive.learn(verdict)
        for delivery in deliveries:
            self._add(delivery)

    async def queries_since(self, version: int) -> QueryLog:
        return self._people.queries_since(version)

    def _wanted(self, delivery: Delivery) -> Delivery | None:
        """Say what a chat still asks for, under its present name."""
        chat = self._people.name(delivery.chat)
        home = self._people.homes.get(chat)
        if home is None or home.gone:
            return None
        why = rules.asked_for(delivery.alert.why, delivery.alert.reason, home.follows())
        if why is None:
            return None
        row = replace(delivery, alert=replace(delivery.alert, chat=chat, why=why), state=DeliveryState.PENDING)
        return rules.held_back(row, home.mutes(), delivery.due_at)

    def _add(self, delivery: Delivery) -> None:
        known = any(rules.same_news(row.delivery, delivery) for row in self._of(delivery.chat))
        if not known and delivery.id not in self._rows:
            self._added += 1
            row = self._rows[delivery.id] = Row(delivery, self._added, delivery.due_at)
            row.settled_at = NEVER if row.state is DeliveryState.PENDING else delivery.due_at

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
        served = set(platforms).difference(self._held)
        heads = sorted(self._heads(now, served), key=lambda row: row.age)[:limit]
        waiting = (self._of(head.delivery.chat, DeliveryState.PENDING) for head in heads)
        bundles = [bundle(head, lane, now, patience) for head, lane in zip(heads, waiting, strict=True)]
        return tuple(self._lease(rows, now, now + lease) for rows in bundles)

    def _lease(self, rows: Sequence[tuple[Row, Lateness]], now: datetime, until: datetime) -> Delivery:
        for row, _ in rows:
            row.lease(now, until)
        shown = self._shown([row for row, _ in rows])
        return rules.together([replace(one, late=late) for one, (_, late) in zip(shown, rows, strict=True)])

    def _heads(self, now: datetime, platforms: Collection[str]) -> Iterator[Row]:
        for chat, home in self._people.homes.items():
            if home.gone or home.not_before > now or chat.platform not in platforms:
                continue
            if home.mute is not None and home.mute.holds(now):
                continue
            if self._of(chat, DeliveryState.SENDING):
                continue
            head = min(self._of(chat, DeliveryState.PENDING), key=lambda row: row.age, default=None)
            if head is not None and head.delivery.due_at <= now:
                yield head

    async def settle(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        first, *_ = [self._settle_one(row, outcome, now) for row in (delivery, *delivery.also)]
        return first

    def _settle_one(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        row = self._rows.get(delivery.id)
        if row is None:
            return DeliveryState.CANCELLED
        if row.state is not DeliveryState.SENDING or row.delivery.attempt != delivery.attempt:
            return row.state
        self._settle(row, rules.about(row.delivery, delivery.chat, outcome), now, delivery.late)
        return row.state if delivery.id in self._rows else DeliveryState.CANCELLED

    def _settle(self, row: Row, outcome: Outcome, now: datetime, late: Lateness = Lateness.ON_TIME) -> None:
        home = self._people.homes[row.delivery.chat]
        row.settle(outcome, late, now)
        for thread in self._people.threads(row.delivery.chat).values():
            thread.not_before = max(thread.not_before, rules.rest_after(row.delivery, outcome) or NEVER)
        row.delivery = rules.held_back(row.delivery, home.mutes(), now)
        match outcome:
            case Moved(to=to):
                self._move(row.delivery.chat, to)
            case Gone(why=why):
                self._part(row.delivery.chat, why, now)

    async def recover(self, now: datetime, *, every_lease: bool = False) -> int:
        under_way = [row for row in self._rows.values() if row.state is DeliveryState.SENDING]
        ended = [row for row in under_way if every_lease or row.lease_until <= now]
        for row in ended:
            self._settle(row, Unsure(now, rules.STOPPED), now)
        return len(ended)

    async def expire(self, before: datetime) -> int:
        pending = [row for row in self._rows.values() if row.state is DeliveryState.PENDING]
        late = [row for row in pending if row.waiting_since < before]
        for row in late:
            row.delivery = replace(row.delivery, state=DeliveryState.EXPIRED)
        return len(late)

    async def attempted_since(self, since: datetime) -> tuple[Chat, ...]:
        made = [(row.attempted_at, row.seq, row.delivery.chat) for row in self._rows.values() if row.attempted_at]
        return tuple(chat for at, _, chat in sorted(made, key=lambda one: one[:2]) if at >= since)

    async def hold(self, platform: str, now: datetime) -> bool:
        is_new = platform not in self._held
        self._held.setdefault(platform, now)
        return is_new

    async def release(self, platform: str) -> bool:
        return self._held.pop(platform, None) is not None

    async def held(self) -> Mapping[str, datetime]:
        return dict(sorted(self._held.items()))

    async def clock_was_set(self, by: timedelta, since: datetime, now: datetime) -> None:
        for home in self._people.homes.values():
            home.not_before = home.not_before if home.not_before == NEVER else home.not_before + by
        for row in self._unsettled():
            if not since <= row.waiting_since <= now:
                row.move_in_time(by)

    async def pull_back(self, now: datetime, longest_rest: timedelta) -> None:
        for home in self._people.homes.values():
            home.not_before = min(home.not_before, now + longest_rest)
        for row in self._unsettled():
            row.pull_back(now)

    # people

    async def follow(self, chat: Chat, voice: Voice, query: str, label: str, now: datetime) -> bool:
        return self._people.follow(chat, voice, query, label, now)

    async def unfollow(self, chat: Chat, query: str | None, now: datetime) -> tuple[Subscription, ...]:
        dropped = self._people.unfollow(chat, query)
        query_ids = {one.query_id for one in dropped}
        for row in self._of(self._people.name(chat), DeliveryState.PENDING, DeliveryState.SENDING):
            alert = row.delivery.alert
            left = rules.asked_for(alert.why, alert.reason, {one.query_id for one in alert.why} - query_ids)
            if left is None and row.state is DeliveryState.PENDING:
                row.cancel(rules.UNFOLLOWED, now)
            else:
                row.delivery = replace(row.delivery, alert=replace(alert, why=left or ()))
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
        for row in self._of(self._people.name(chat), DeliveryState.PENDING) if done else ():
            if rules.held_back(row.delivery, self._people.homes[row.delivery.chat].mutes(), now) != row.delivery:
                row.cancel(rules.MUTED, now)
        return done

    async def unmute(self, chat: Chat, query: str | None, now: datetime) -> Mute | None:
        return self._people.unmute(chat, query, now)

    async def missed(self, chat: Chat, since: datetime, limit: int) -> Missed:
        cancelled = self._of(self._people.name(chat), DeliveryState.CANCELLED)
        held_back = [row for row in cancelled if row.delivery.last_error == rules.MUTED and row.settled_at >= since]
        held_back.sort(key=lambda row: (row.settled_at, row.seq), reverse=True)
        return Missed(len(held_back), self._shown(held_back[:limit]))

    async def kept(self, chat: Chat) -> Mapping[str, Sequence[Mapping[str, object]]]:
        home = self._people.home(chat)
        rows = [row.delivery for row in self._of(self._people.name(chat))]
        return kept(self._people.names(chat), home, rows) if home else {}

    async def wake(self, chat: Chat) -> bool:
        home = self._people.home(chat)
        meant = [*([home] if home else []), *([] if chat.thread else self._people.threads(chat).values())]
        gone = [one for one in meant if one.gone]
        for one in gone:
            one.gone = False
        return bool(gone)

    async def part(self, chat: Chat, why: str, now: datetime) -> None:
        self._part(chat, why, now)

    def _part(self, chat: Chat, why: str, now: datetime) -> None:
        for name, home in self._people.threads(chat).items():
            home.gone = True
            for waiting in self._of(name, DeliveryState.PENDING):
                waiting.cancel(why, now)

    async def move(self, chat: Chat, to: Chat) -> None:
        self._move(chat, to)

    def _move(self, chat: Chat, to: Chat) -> None:
        if (names := self._people.move(chat, to)) is None:
            return
        old, new = names
        ours = self._of(new)
        for row in self._of(old):
            row.rename(new)
            double = next((one for one in ours if rules.same_news(one.delivery, row.delivery)), None)
            if double is not None:
                self._join(row, double)

    def _join(self, *doubles: Row) -> None:
        kept, dropped = sorted(doubles, key=lambda row: (rules.FURTHEST_FIRST.index(row.state), row.seq))
        kept.delivery = rules.joined(kept.delivery, dropped.delivery)
        del self._rows[dropped.delivery.id]

    async def forget(self, chat: Chat) -> None:
        for row in self._of(self._people.name(chat)):
            del self._rows[row.delivery.id]
        self._people.forget(chat)

    # looking back

    async def stories(self, limit: int) -> tuple[Story, ...]:
        return self._archive.stories(limit)

    async def story(self, number: int) -> Story | None:
        return self._archive.story(number)

    async def story_with_key(self, key: str) -> Story | None:
        return self._archive.story_with_key(key)

    async def decisions(self, story: int) -> tuple[str, ...]:
        return self._archive.decisions(story)

    async def history(self, chat: Chat, limit: int) -> tuple[Delivery, ...]:
        sent = self._of(self._people.name(chat), DeliveryState.SENT)
        sent.sort(key=lambda row: (row.settled_at, row.seq))
        return self._shown(sent[max(0, len(sent) - limit) :])

    # operating

    async def outbox(self, states: Collection[DeliveryState], limit: int) -> tuple[Delivery, ...]:
        rows = [row for row in self._rows.values() if row.state in states]
        return self._shown(sorted(rows, key=lambda row: row.age)[:limit])

    async def delivery(self, delivery_id: str) -> Delivery | None:
        rows = [row for row in (self._rows.get(delivery_id),) if row is not None]
        return next(iter(self._shown(rows)), None)

    async def told(self, chat: Chat, story: int) -> Delivery | None:
        rows = [row for row in self._of(self._people.name(chat)) if row.delivery.alert.story.number == story]
        news = [row for row in rows if row.delivery.alert.reason is not Reason.TEST]
        return next(iter(self._shown(sorted(news, key=lambda row: row.seq))), None)

    async def retry(self, delivery_id: str, now: datetime) -> bool:
        row = self._rows.get(delivery_id)
        if row is None or row.state not in rules.RETRIABLE:
            return False
        row.delivery, row.waiting_since = rules.retried(row.delivery), now
        return True

    async def discard(self, delivery_id: str, now: datetime) -> bool:
        row = self._rows.get(delivery_id)
        if row is None or row.state not in rules.DISCARDABLE:
            return False
        row.cancel(rules.DISCARDED, now)
        return True

    async def pause_source(self, source_id: str, now: datetime) -> bool:
        return source_id in self._registered and self._overseen.pause(source_id, now)

    async def resume_source(self, source_id: str) -> bool:
        return self._overseen.paused.pop(source_id, None) is not None

    async def paused_sources(self) -> Mapping[str, datetime]:
        return {one: since for one, since in sorted(self._overseen.paused.items()) if one in self._registered}

    async def poll_next(self, source_id: str, at: datetime) -> bool:
        if source_id not in self._registered or source_id in self._overseen.paused:
            return False
        self._cursors[source_id] = sooner(self._cursors[source_id], at)
        return True

    async def vitals(self) -> Vitals:
        return vitals(self._rows.values(), self._people)

    async def note(self, entry: Audited) -> None:
        self._overseen.audited.append(entry)

    async def audit(self, limit: int) -> tuple[Audited, ...]:
        return tuple(reversed(self._overseen.audited))[:limit]

    async def touch(self) -> None:
        """Nothing can fail here."""

    async def census(self) -> Census:
        states = [row.state for row in self._rows.values()]
        waiting = [row.waiting_since for row in self._rows.values() if row.state is DeliveryState.PENDING]
        homes = self._people.homes.values()
        return Census(
            deliveries={state: states.count(state) for state in DeliveryState},
            oldest_pending_at=min(waiting, default=None),
            documents=len(self._archive.documents),
            chats=sum(not home.gone for home in homes),
            subscriptions=sum(len(home.subscriptions) for home in homes),
        )

    async def close(self) -> None:
        """Nothing to close."""

    def _unsettled(self) -> list[Row]:
        return [row for row in self._rows.values() if row.state in UNSETTLED]

    def _of(self, chat: Chat, *states: DeliveryState) -> list[Row]:
        """List a chat's rows, in these states or in any."""
        return [row for row in self._rows.values() if row.delivery.chat == chat and (not states or row.state in states)]

    def _shown(self, rows: Sequence[Row]) -> tuple[Delivery, ...]:
        """Show rows in the voice that their chats have now."""
        homes = self._people.homes
        return tuple(
            replace(row.delivery, alert=replace(row.delivery.alert, voice=homes[row.delivery.chat].voice))
            for row in rows
        )
