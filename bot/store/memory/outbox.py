"""The outbox: rows on their way, and what attempts come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.lateness import Patience
from bot.core.model import Chat, Delivery, DeliveryState, Lateness, Reason, Retried
from bot.core.outcome import Gone, Moved, Outcome, Unsure
from bot.store import rules
from bot.store.memory.people import NEVER, People
from bot.store.memory.rows import UNSETTLED, Row, bundle, first_of_threads


@dataclass(slots=True)
class Outbox:
    """All rows by their ids. Its methods are those of `bot.ports.Store`, without the waiting."""

    people: People
    rows: dict[str, Row] = field(default_factory=dict)
    held: dict[str, datetime] = field(default_factory=dict)
    _added: int = 0

    def wanted(self, delivery: Delivery) -> Delivery | None:
        """Say what a chat still asks for, under its present name."""
        chat = self.people.name(delivery.chat)
        home = self.people.homes.get(chat)
        if home is None or home.gone:
            return None
        why = rules.asked_for(delivery.alert.why, delivery.alert.reason, home.follows())
        if why is None:
            return None
        row = replace(delivery, alert=replace(delivery.alert, chat=chat, why=why), state=DeliveryState.PENDING)
        return rules.held_back(row, home.mutes(), delivery.due_at)

    def add(self, delivery: Delivery) -> None:
        known = any(rules.same_news(row.delivery, delivery) for row in self.of(delivery.chat))
        if not known and delivery.id not in self.rows:
            self._added += 1
            row = self.rows[delivery.id] = Row(delivery, self._added, delivery.due_at)
            row.settled_at = NEVER if row.state is DeliveryState.PENDING else delivery.due_at

    def claim(
        self,
        now: datetime,
        *,
        limit: int,
        platforms: Collection[str],
        lease: timedelta,
        patience: Patience | None = None,
    ) -> tuple[Delivery, ...]:
        served = set(platforms).difference(self.held)
        ready = first_of_threads(sorted(self._heads(now, served), key=lambda row: row.age))
        heads = sorted((row for name in served for row in self._in_turn(name, ready, limit)), key=lambda row: row.age)
        heads = heads[:limit]
        waiting = (self.of(head.delivery.chat, DeliveryState.PENDING) for head in heads)
        bundles = [bundle(head, lane, now, patience) for head, lane in zip(heads, waiting, strict=True)]
        return tuple(self._lease(rows, now, now + lease) for rows in bundles)

    def _in_turn(self, platform: str, ready: Sequence[Row], limit: int) -> Iterator[Row]:
        """Choose the heads of one platform that go next."""
        chats = {row.age: row.delivery.chat for row in ready if row.delivery.chat.platform == platform}
        sending = {row.delivery.chat for row in self.rows.values() if row.state is DeliveryState.SENDING}
        under_way = Counter(chat.workspace for chat in sending if chat.platform == platform and chat.workspace)

        def may_go(
            without: Collection[str], behind: tuple[datetime, int] | None
        ) -> list[tuple[tuple[datetime, int], str]]:
            left = [(age, chat.workspace) for age, chat in chats.items() if chat.workspace not in without]
            return [(age, workspace) for age, workspace in left if behind is None or age > behind]

        chosen = set(rules.in_turn(may_go, under_way, limit))
        return (row for row in ready if row.age in chosen)

    def _lease(self, rows: Sequence[tuple[Row, Lateness]], now: datetime, until: datetime) -> Delivery:
        for row, _ in rows:
            row.lease(now, until)
        shown = self.shown([row for row, _ in rows])
        return rules.together([replace(one, late=late) for one, (_, late) in zip(shown, rows, strict=True)])

    def _heads(self, now: datetime, platforms: Collection[str]) -> Iterator[Row]:
        for chat, home in self.people.homes.items():
            if home.gone or home.not_before > now or chat.platform not in platforms:
                continue
            if home.mute is not None and home.mute.holds(now):
                continue
            if any(self.of(thread, DeliveryState.SENDING) for thread in self.people.threads(chat)):
                continue
            head = min(self.of(chat, DeliveryState.PENDING), key=lambda row: row.age, default=None)
            if head is not None and head.delivery.due_at <= now:
                yield head

    def settle(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        first, *_ = [self._settle_one(row, outcome, now) for row in (delivery, *delivery.also)]
        return first

    def _settle_one(self, delivery: Delivery, outcome: Outcome, now: datetime) -> DeliveryState:
        row = self.rows.get(delivery.id)
        if row is None:
            return DeliveryState.CANCELLED
        if row.state is not DeliveryState.SENDING or row.delivery.attempt != delivery.attempt:
            return row.state
        self._settle(row, rules.about(row.delivery, delivery.chat, outcome), now, delivery.late)
        return row.state if delivery.id in self.rows else DeliveryState.CANCELLED

    def _settle(self, row: Row, outcome: Outcome, now: datetime, late: Lateness = Lateness.ON_TIME) -> None:
        home = self.people.homes[row.delivery.chat]
        row.settle(outcome, late, now)
        for thread in self.people.threads(row.delivery.chat).values():
            thread.not_before = max(thread.not_before, rules.rest_after(row.delivery, outcome) or NEVER)
        row.delivery = rules.held_back(row.delivery, home.mutes(), now)
        row.delivery = rules.left_behind(row.delivery, chat_is_gone=home.gone)
        match outcome:
            case Moved(to=to):
                self.move(row.delivery.chat, to, now)
            case Gone(why=why):
                self.part(row.delivery.chat, why, now)

    def recover(self, now: datetime, *, every_lease: bool = False) -> int:
        under_way = [row for row in self.rows.values() if row.state is DeliveryState.SENDING]
        ended = [row for row in under_way if every_lease or row.lease_until <= now]
        for row in ended:
            self._settle(row, Unsure(now, rules.STOPPED), now)
        return len(ended)

    def expire(self, before: datetime) -> int:
        pending = [row for row in self.rows.values() if row.state is DeliveryState.PENDING]
        late = [row for row in pending if row.waiting_since < before]
        for row in late:
            row.delivery = replace(row.delivery, state=DeliveryState.EXPIRED)
        return len(late)

    def attempted_since(self, since: datetime) -> tuple[Chat, ...]:
        made = [(row.attempted_at, row.seq, row.delivery.chat) for row in self.rows.values() if row.attempted_at]
        return tuple(chat for at, _, chat in sorted(made, key=lambda one: one[:2]) if at >= since)

    def clock_was_set(self, by: timedelta, since: datetime, now: datetime) -> None:
        for home in self.people.homes.values():
            home.not_before = home.not_before if home.not_before == NEVER else home.not_before + by
        for row in self._unsettled():
            if not since <= row.waiting_since <= now:
                row.move_in_time(by)

    def pull_back(self, now: datetime, longest_rest: timedelta) -> None:
        for home in self.people.homes.values():
            home.not_before = min(home.not_before, now + longest_rest)
        for row in self._unsettled():
            row.pull_back(now)

    def part(self, chat: Chat, why: str, now: datetime) -> None:
        for name, home in self.people.threads(chat).items():
            home.gone, home.gone_since = True, home.gone_since if home.gone else now
            for waiting in self.of(name, DeliveryState.PENDING):
                waiting.cancel(why, now)

    def drop_reasons(self, chat: Chat, query_ids: Collection[int], now: datetime) -> None:
        """Take the queries that a chat dropped off what waits for it, and cancel what has no reason left."""
        for row in self.of(chat, *UNSETTLED):
            alert = row.delivery.alert
            left = rules.asked_for(alert.why, alert.reason, {one.query_id for one in alert.why}.difference(query_ids))
            if left is None and row.state is DeliveryState.PENDING:
                row.cancel(rules.UNFOLLOWED, now)
            else:
                row.delivery = replace(row.delivery, alert=replace(alert, why=left or ()))

    def forget(self, chat: Chat) -> None:
        for name in sorted(self.people.with_threads(chat), key=lambda one: one.thread):
            for row in self.of(name):
                del self.rows[row.delivery.id]
            self.people.forget(name)

    def move(self, chat: Chat, to: Chat, now: datetime) -> None:
        moved = self.people.home(chat)
        if (names := self.people.move(chat, to)) is None:
            return
        old, new = names
        ours = self.of(new)
        for row in self.of(old):
            row.rename(new)
            double = next((one for one in ours if rules.same_news(one.delivery, row.delivery)), None)
            if double is not None:
                self._join(row, double)
        if self.people.homes[new] is not moved:
            self.hold_back(new, now)

    def hold_back(self, chat: Chat, now: datetime) -> None:
        """Cancel what waits for a chat and its silences hold back."""
        mutes = self.people.homes[chat].mutes()
        for row in self.of(chat, DeliveryState.PENDING):
            if mutes.hold(row.delivery.alert.why, now):
                row.cancel(rules.MUTED, now)

    def _join(self, *doubles: Row) -> None:
        kept, dropped = sorted(doubles, key=lambda row: (rules.farther(row.delivery), row.seq))
        kept.delivery = rules.joined(kept.delivery, dropped.delivery)
        del self.rows[dropped.delivery.id]

    def history(self, chat: Chat, limit: int) -> tuple[Delivery, ...]:
        sent = self.of(self.people.name(chat), DeliveryState.SENT)
        sent.sort(key=lambda row: (row.settled_at, row.seq))
        return self.shown(sent[max(0, len(sent) - limit) :])

    def listed(self, states: Collection[DeliveryState], limit: int) -> tuple[Delivery, ...]:
        rows = [row for row in self.rows.values() if row.state in states]
        return self.shown(sorted(rows, key=lambda row: row.age)[:limit])

    def delivery(self, delivery_id: str) -> Delivery | None:
        rows = [row for row in (self.rows.get(delivery_id),) if row is not None]
        return next(iter(self.shown(rows)), None)

    def told(self, chat: Chat, story: int) -> Delivery | None:
        rows = [row for row in self.of(self.people.name(chat)) if row.delivery.alert.story.number == story]
        news = [row for row in rows if row.delivery.alert.reason is not Reason.TEST]
        return next(iter(self.shown(sorted(news, key=lambda row: row.seq))), None)

    def retry(self, delivery_id: str, now: datetime) -> Retried:
        row = self.rows.get(delivery_id)
        if row is None:
            return Retried.NOTHING
        home = self.people.homes[row.delivery.chat]
        back = rules.retried(row.delivery, home.follows(), chat_is_gone=home.gone)
        if isinstance(back, Retried):
            return back
        row.delivery, row.waiting_since = back, now
        return Retried.DONE

    def discard(self, delivery_id: str, now: datetime) -> bool:
        row = self.rows.get(delivery_id)
        if row is None or row.state not in rules.DISCARDABLE:
            return False
        row.cancel(rules.DISCARDED, now)
        return True

    def _unsettled(self) -> list[Row]:
        return [row for row in self.rows.values() if row.state in UNSETTLED]

    def of(self, chat: Chat, *states: DeliveryState) -> list[Row]:
        """List a chat's rows, in these states or in any."""
        return [row for row in self.rows.values() if row.delivery.chat == chat and (not states or row.state in states)]

    def shown(self, rows: Sequence[Row]) -> tuple[Delivery, ...]:
        """Show rows in the voice that their chats have now."""
        homes = self.people.homes
        return tuple(
            replace(row.delivery, alert=replace(row.delivery.alert, voice=homes[row.delivery.chat].voice))
            for row in rows
        )
