"""A store, rooms and the lanes between them, on fake time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.attempting import DeliverDesk
from bot.core.model import Chat, Delivery, DeliveryState, Voice
from bot.core.pace import Limit
from bot.deliver import Lanes
from bot.ports import Platform, Store
from tests.builders import a_delivery, a_document, a_story, an_alert, some_changes
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform

ANA = Chat("fake", "", "1")
BEN = Chat("fake", "", "2")


class House:
    """A store, one room or several, and the lanes between them."""

    def __init__(
        self, store: Store, clock: FakeClock, per_chat: tuple[Limit, ...] = (), others: Sequence[str] = ()
    ) -> None:
        self.store = store
        self.clock = clock
        self.room = FakePlatform(clock, per_chat=per_chat)
        self.rooms: dict[str, Platform] = {"fake": self.room}
        self.rooms |= {name: FakePlatform(clock, name) for name in others}
        self.stopped: list[str] = []
        self.lanes = Lanes(DeliverDesk(store, self.rooms, clock, lambda: 1.0, self.stop_room))

    def stop_room(self, name: str, why: str) -> None:
        self.stopped.append(why)
        self.rooms.pop(name, None)

    async def post(self, *chats: Chat, stories: int = 1) -> list[Delivery]:
        """Write that many stories for each chat."""
        rows = []
        for chat in chats:
            await self.store.follow(chat, Voice(), "topic:tps", "TPS", self.clock.now())
        readers = await self.store.queries_since(0)
        query_id = readers.added[-1].id
        for number in range(1, stories + 1):
            story = a_story(number)
            for chat in chats:
                alert = an_alert(story, chat)
                why = tuple(type(alert.why[0])(query_id, w.label, w.hits) for w in alert.why)
                alert = type(alert)(alert.chat, alert.voice, alert.story, why, alert.reason)
                rows.append(a_delivery(alert, due_at=self.clock.now()))
            await self.store.commit((some_changes(story, deliveries=[r for r in rows if r.alert.story == story]),))
        return rows

    async def state(self, row: Delivery) -> DeliveryState:
        found = await self.store.delivery(row.id)
        assert found is not None
        return found.state

    async def backlog(self, *chats: Chat, times: Sequence[datetime]) -> list[Delivery]:
        """Write a story for each of these moments, and a row for each chat that waits since then."""
        for chat in chats:
            await self.store.follow(chat, Voice(), "topic:tps", "TPS", self.clock.now())
        (query,) = (await self.store.queries_since(0)).added
        first = len(await self.store.stories(9999)) + 1
        changes, rows = [], []
        for number, at in enumerate(times, first):
            story = a_story(number, a_document(number, seen_at=at))
            alerts = [an_alert(story, chat) for chat in chats]
            whys = tuple(type(why)(query.id, why.label, why.hits) for why in alerts[0].why)
            made = [a_delivery(type(one)(one.chat, one.voice, story, whys, one.reason), due_at=at) for one in alerts]
            changes.append(some_changes(story, deliveries=made))
            rows += made
        await self.store.commit(changes)
        return rows

    def told(self, chat: Chat | None) -> list[list[int]]:
        """The numbers of the stories in each message that a chat (None: any) got, in order."""
        texts = self.room.texts(chat)
        return [[int(word[1:]) for word in text.split() if word.startswith("#")] for text in texts]
