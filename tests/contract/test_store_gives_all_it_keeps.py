"""Everything that is kept about a chat can be given to it: all of it, and nothing of another's."""

from __future__ import annotations

import json
import time

from bot.commands import answer
from bot.core.model import Voice
from bot.core.outcome import Sent
from bot.core.speech import Call
from bot.ports import Store
from tests.builders import NOW, a_chat, a_delivery, a_story, a_why, an_alert, at, some_changes
from tests.fakes.asker import a_desk
from tests.storing import claim, follow, publish

ANA, BEN = a_chat(1), a_chat(2)


async def test_nothing_is_kept_of_a_chat_that_never_asked(store: Store) -> None:
    await follow(store, BEN)
    assert await store.kept(ANA) == {}


async def test_a_chat_is_given_its_rows_by_table(store: Store) -> None:
    await store.set_voice(ANA, Voice("en", "America/Chicago"), NOW)
    await follow(store, ANA, "topic:tps AND venezuela")
    await follow(store, ANA, "topic:asylum")
    await store.mute(ANA, "topic:asylum", at(days=1), NOW)
    await publish(store, a_story(1))
    await publish(store, a_story(2))
    (row,) = await claim(store)
    await store.settle(row, Sent("r17", at(1)), NOW)
    kept = await store.kept(ANA)
    (chat,) = kept["chats"]
    assert (chat["platform"], chat["chat"], chat["zone"]) == ("telegram", ANA.id, "America/Chicago")
    assert chat["not_before"] == "2023-10-05T12:00:01.000000Z"
    assert {query["text"] for query in kept["queries"]} == {"topic:tps AND venezuela", "topic:asylum"}
    assert [line["muted_until"] for line in kept["subscriptions"]] == [None, "2023-10-06T12:00:00.000000Z"]
    sent, waiting = sorted(kept["deliveries"], key=lambda row: str(row["story"]))
    assert (sent["state"], sent["receipt"], waiting["state"]) == ("sent", "r17", "pending")
    assert [why["label"] for why in waiting["why"]] == ["TPS AND VENEZUELA", "ASYLUM"]
    assert json.loads(json.dumps(kept)) == {table: [dict(row) for row in rows] for table, rows in kept.items()}


async def test_a_former_name_is_kept_and_given(store: Store) -> None:
    await follow(store, ANA)
    await store.move(ANA, BEN, NOW)
    for chat in (ANA, BEN):
        assert {row["chat"] for row in (await store.kept(chat))["chats"]} == {ANA.id, BEN.id}


async def test_what_is_another_chats_is_not_given(store: Store) -> None:
    await follow(store, ANA, "her own words")
    await follow(store, BEN, "his own words")
    await publish(store, a_story(1))
    for mine, other in (("her", "his"), ("his", "her")):
        told = json.dumps(await store.kept(ANA if mine == "her" else BEN))
        assert f"{mine} own words" in told
        assert f"{other} own words" not in told


async def test_after_forgetting_nothing_is_given(store: Store) -> None:
    await follow(store, ANA)
    await publish(store, a_story(1))
    await store.forget(ANA)
    assert await store.kept(ANA) == {}


async def test_years_of_alerts_are_given_in_five_seconds(store: Store) -> None:
    await follow(store, ANA)
    stories = [a_story(number) for number in range(1, 1_001)]
    (query,) = (await store.queries_since(0)).added
    why = (a_why(query.id),)
    rows = [a_delivery(an_alert(story, ANA, why=why)) for story in stories]
    await store.commit([some_changes(*stories, deliveries=rows)])
    began = time.monotonic()
    reply = await answer(a_desk(store=store), Call("mydata", ("2",), ANA))
    assert time.monotonic() - began < 5
    assert '"pages": ' in reply.spans[0].text
    assert len((await store.kept(ANA))["deliveries"]) == 1_000
