"""What was new, and why something came or did not: for this chat, and in words."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.core.model import Chat, DeliveryState, Hit, State, Story
from bot.core.outcome import Moved, Sent
from bot.core.plan import delivery_id
from tests.builders import NOW, a_delivery, a_document, a_story, a_verdict, a_why, an_alert, some_changes
from tests.fakes.asker import HERE, Asker, a_desk, lines_of, text_of

OTHER = Chat("telegram", "", "7")


def stories(count: int, title: str = "TPS news") -> tuple[Story, ...]:
    return tuple(a_story(n, a_document(n, title=f"{title} {n}")) for n in range(1, count + 1))


async def follow_and_deliver(desk, story: Story, chat: Chat = HERE, hits: tuple[Hit, ...] = (Hit("title", 0, 3),)):
    """Let a chat follow TPS and have an alert of the story made for it."""
    await Asker(desk, chat).ask("follow tps")
    subscription = next(one for one in await desk.store.subscriptions(chat) if one.query == "topic:tps")
    alert = an_alert(story, chat, why=(a_why(subscription.query_id, subscription.label, hits),))
    delivery = replace(a_delivery(alert), id=delivery_id(chat, story.number, story.lead.id))
    await desk.store.commit([some_changes(story, deliveries=[delivery])])
    return delivery


async def attempt(desk, outcome) -> None:
    (claimed,) = await desk.store.claim(NOW, limit=1, platforms=["web", "telegram"], lease=NOW - NOW)
    await desk.store.settle(claimed, outcome, NOW)


async def test_latest_shows_the_newest_first_five_unless_told_otherwise():
    asker = Asker(desk := a_desk())
    assert "Nothing stored matches any topic yet." in await asker.ask("latest")
    await desk.store.commit([some_changes(*stories(30))])
    reply = await asker.reply("latest")
    assert text_of(reply).splitlines()[0] == "TPS news 30 · Newsroom 1 · October 5, 2023, 8:00 AM EDT · #30"
    assert next(span.url for span in reply.spans if span.url).endswith("/news/30")
    assert lines_of(reply) == ["topics"]
    for line, count in [("latest", 5), ("latest 2", 2), ("latest 0", 1), ("latest 500", 20), ("latest tps 3", 3)]:
        assert len((await asker.ask(line)).splitlines()) == count


async def test_latest_of_a_topic_shows_what_matches_it():
    asker = Asker(desk := a_desk())
    found = (*stories(3), a_story(4, a_document(4, title="Asylum rule")), a_story(5, a_document(5, title="Weather")))
    await desk.store.commit([some_changes(*found)])
    reply = await asker.reply("latest asylum")
    assert text_of(reply).startswith("Asylum rule · ")
    assert lines_of(reply) == ["follow asylum"]
    assert len((await asker.ask("latest 20 asylum tps")).splitlines()) == 4
    assert "Weather" not in await asker.ask("latest 20")
    assert "Nothing stored matches Removal yet." in await asker.ask("latest removal")
    assert "Did you mean asylum?" in await asker.ask("latest 3 asylm")


async def test_looking_through_many_stories_lets_others_go_on():
    desk = a_desk()
    await desk.store.commit([some_changes(*stories(100, title="Weather"))])
    looking = asyncio.create_task(Asker(desk).ask("latest"))
    turns = 0
    while not looking.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 4


async def test_why_of_an_alert_says_what_matched_on_which_words():
    desk = a_desk()
    (story,) = stories(1)
    await follow_and_deliver(desk, story)
    for line in ("why 1", "why #1"):
        shown = await Asker(desk).ask(line)
        assert "TPS news 1 · Newsroom 1" in shown
        assert "nothing like it was seen before" in shown
        assert "waits to be sent" in shown
        assert "TPS on “TPS”" in shown
    await attempt(desk, Sent("r1", NOW))
    assert "An alert was sent to this chat. It answers:\nTPS on “TPS”" in await Asker(desk).ask("why 1")
    assert (await Asker(desk).reply(f"why {story.lead.url}?utm_source=rss")).spans == (
        await Asker(desk).reply("why 1")
    ).spans


@pytest.mark.parametrize("state", DeliveryState)
async def test_why_says_what_became_of_the_alert(state):
    desk = a_desk()
    (story,) = stories(1)
    delivery = await follow_and_deliver(desk, story, hits=())
    row = desk.store._rows[delivery.id]
    row.delivery = replace(row.delivery, state=state)
    shown = await Asker(desk).ask("why 1")
    assert "alert" in shown
    assert shown.endswith("It answers:\nTPS\n")


async def test_why_says_that_an_alert_came_late_in_a_list():
    desk = a_desk()
    (story,) = stories(1)
    delivery = await follow_and_deliver(desk, story, hits=())
    row = desk.store._rows[delivery.id]
    row.delivery = replace(row.delivery, state=DeliveryState.EXPIRED, receipt="message 9")
    assert "came late, by title and link in a list. It answers:\nTPS\n" in await Asker(desk).ask("why 1")


async def test_why_after_unfollowing_and_after_the_chat_has_moved():
    desk = a_desk()
    (story,) = stories(1)
    await follow_and_deliver(desk, story, OTHER)
    await attempt(desk, Sent("r1", NOW))
    moved = Chat("telegram", "", "-1007")
    await desk.store.move(OTHER, moved, NOW)
    assert "An alert was sent to this chat" in await Asker(desk, moved).ask("why 1")
    (waiting,) = (a_story(2, a_document(2, title="TPS again")),)
    delivery = await follow_and_deliver(desk, waiting, moved)
    row = desk.store._rows[delivery.id]
    row.delivery = replace(row.delivery, alert=replace(row.delivery.alert, why=()))
    assert "not followed here any more" in await Asker(desk, moved).ask("why 2")


async def test_why_of_what_was_not_sent_says_what_would_have_matched():
    desk = a_desk()
    asker = Asker(desk)
    first_poll = a_verdict(a_document(1, title="TPS news"), 1, because="first poll: recorded, not sent", matches=())
    await desk.store.commit([replace(some_changes(), verdicts=(first_poll,))])
    unfollowed = await asker.reply("why 1")
    assert "first poll: recorded, not sent" in text_of(unfollowed)
    assert "matches nothing this chat follows. It does match:\nTPS on “TPS”" in text_of(unfollowed)
    assert lines_of(unfollowed) == ["follow tps"]
    await asker.ask("follow tps asylum")
    followed = await asker.ask("why 1")
    assert "No alert was made for this chat. What it follows now does match:\nTPS on “TPS”" in followed
    assert "Asylum" not in followed
    await desk.store.commit([some_changes(a_story(2, a_document(2, title="Weather")))])
    assert "matches nothing this chat follows, and no topic" in await asker.ask("why 2")


async def test_why_tells_of_revisions_too():
    desk = a_desk()
    document = a_document(1, title="TPS news")
    await desk.store.commit([some_changes(a_story(1, document))])
    revision = a_verdict(replace(document, digest="other"), 1, state=State.REVISION, because="changed text", matches=())
    await desk.store.commit([replace(some_changes(), verdicts=(revision,))])
    shown = await Asker(desk).ask(f"why {document.url}")
    assert shown.index("nothing like it") < shown.index("changed text")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("why", "Why what?"),
        ("why 1 2", "Why what?"),
        ("why 8812", "I know no alert #8812."),
        (f"why {'9' * 40}", "I know no alert"),
        ("why ٣", "neither an alert's number nor a web address"),
        ("why tps", "neither an alert's number nor a web address"),
        ("why javascript:alert(1)", "neither an alert's number nor a web address"),
        ("why https://nowhere.example/", "I have not seen that address in any source."),
    ],
)
async def test_why_of_nothing_known(line, says):
    reply = await Asker(a_desk()).reply(line)
    assert says in text_of(reply)
    assert not reply.ok


async def test_a_stored_query_whose_topic_is_gone_harms_only_itself():
    desk = a_desk()
    await desk.store.follow(HERE, desk.voice, "topic:gone", "Gone", NOW)
    await Asker(desk).ask("follow asylum")
    await desk.store.commit([some_changes(a_story(1, a_document(1, title="Asylum rule")))])
    shown = await Asker(desk).ask("why 1")
    assert "Asylum on “Asylum”" in shown
    assert "Gone" not in shown
    assert (await Asker(desk).reply("unfollow topic:gone")).ok


async def test_nothing_of_another_chat_is_told():
    desk = a_desk()
    (story,) = stories(1)
    await follow_and_deliver(desk, story, OTHER)
    await attempt(desk, Moved(Chat("telegram", "", "8")))
    shown = await Asker(desk).ask("why 1")
    assert "alert" not in shown
    assert "matches nothing this chat follows" in shown
    assert "follows nothing yet" in await Asker(desk).ask("list")
