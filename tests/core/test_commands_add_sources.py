"""Adding and dropping sources from a chat: who may, what is found, for whom it is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.added import A_CHAT_AT_MOST, Wanted
from bot.core.model import Chat, State, Verdict, Voice
from bot.errors import FetchError, SourceError
from bot.ports.adding import Offer
from tests.builders import NOW, a_chat, a_story, some_changes
from tests.fakes.asker import HERE, Asker, a_desk, lines_of
from tests.storing import follow

FEED = "https://example.org/feed"
SEVERAL = (Offer(FEED, "All news"), Offer("https://example.org/other", ""))


def asker(*found: Offer, error: SourceError | None = None, from_chats: bool = True, **who: bool) -> Asker:
    async def discover(_url: str) -> tuple[Offer, ...] | SourceError:
        return error or found or (Offer(FEED, "", 3),)

    return Asker(a_desk(discover=discover, from_chats=from_chats), **who)


async def urls(one: Asker) -> list[str]:
    return [added.url for added in await one.desk.store.added_sources()]


async def test_a_chat_adds_a_source_for_itself_alone() -> None:
    chat = asker()
    said = await chat.ask(f"sources add {FEED} and a name of its own")
    assert "example.org is read from now on" in said
    assert "for this chat alone" in said
    assert "sources drop own-1" in said
    (added,) = await chat.desk.store.added_sources()
    assert (added.chat, added.name, added.url) == (HERE, "example.org", FEED)


async def test_an_operator_adds_it_for_everybody_under_any_name_whatever_the_settings_say() -> None:
    operator = asker(from_chats=False, is_operator=True)
    assert "everybody who follows" in await operator.ask(f"sources add {FEED} County news")
    (added,) = await operator.desk.store.added_sources()
    assert (added.id, added.chat, added.name) == ("added-1", None, "County news")


@pytest.mark.parametrize(
    ("from_chats", "may_change", "who"),
    [(False, True, "its operators"), (True, False, "those who may change this chat's settings")],
)
async def test_others_are_told_who_may(*, from_chats: bool, may_change: bool, who: str) -> None:
    chat = asker(from_chats=from_chats, may_change=may_change)
    for line in (f"sources add {FEED}", "sources drop own-1"):
        reply = await chat.reply(line)
        assert not reply.ok
        assert who in await chat.ask(line)
    assert await urls(chat) == []


async def test_several_feeds_of_a_page_are_offered() -> None:
    chat = asker(*SEVERAL)
    said = await chat.ask("sources add https://example.org/")
    assert "All news · sources add https://example.org/feed" in said
    assert "Untitled · sources add https://example.org/other" in said
    assert lines_of(await chat.reply("sources add https://example.org/"))[0] == f"sources add {FEED}"
    assert await urls(chat) == []


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/x", "example.org", "https://", "https://[::1", "https://u:p@example.org/", "https://ex.org/ñ"],
)
async def test_what_is_no_address_is_not_even_tried(url: str) -> None:
    chat = asker()
    assert not (await chat.reply(f"sources add {url}")).ok
    assert await urls(chat) == []


async def test_an_address_that_cannot_be_read_says_why() -> None:
    chat = asker(error=FetchError("the server answered 404"))
    assert await chat.ask(f"sources add {FEED}") == f"{FEED} cannot be read: the server answered 404."


async def test_without_a_network_nothing_is_added() -> None:
    chat = Asker(a_desk(from_chats=True))
    assert "Start the bot" in await chat.ask(f"sources add {FEED}")


@pytest.mark.parametrize("line", ["sources add", "sources drop"])
async def test_without_an_address_an_example_is_given(line: str) -> None:
    assert "sources add https://example.org/news" in await asker().ask(line)


async def test_limits_are_said() -> None:
    chat = asker()
    await chat.ask(f"sources add {FEED}")
    assert "there already" in await chat.ask(f"sources add {FEED}")
    for number in range(A_CHAT_AT_MOST):
        await chat.desk.store.add_source(Wanted("feed", f"https://{number}.example.org/", "x", HERE), Voice(), NOW)
    full = replace(chat, desk=replace(chat.desk, discover=asker(Offer("https://more.example.org/", "")).desk.discover))
    assert "up to" not in await full.ask("sources add https://more.example.org/")
    assert len(await urls(chat)) == A_CHAT_AT_MOST


async def test_a_chat_drops_its_own_and_no_other() -> None:
    chat = asker()
    other = replace(chat, chat=Chat("telegram", "", "-1009"))
    await chat.ask(f"sources add {FEED}")
    assert "Nothing was." in await other.ask("sources drop own-1")
    assert "own-1 (example.org)" in await chat.ask("sources drop own-7")
    assert "not read any more" in await chat.ask("sources drop OWN-1")
    assert await urls(chat) == []


async def test_an_operator_drops_any() -> None:
    chat = asker()
    await chat.ask(f"sources add {FEED}")
    assert "not read any more" in await replace(chat, is_operator=True).ask("sources drop own-1")


async def test_a_chats_own_source_is_listed_to_it_and_to_operators_alone() -> None:
    chat = asker()
    await chat.ask(f"sources add {FEED}")
    (added,) = await chat.desk.store.added_sources()
    spec = added.spec(chat.desk.sources[0].every)
    chat = replace(chat, desk=replace(chat.desk, sources=(*chat.desk.sources, spec)))
    other = replace(chat, chat=Chat("telegram", "", "-1009"))
    for line in ("sources", "status"):
        assert await chat.ask(line) != await other.ask(line)
        assert "example.org" not in await other.ask(line)
    assert "example.org" in await chat.ask("sources")
    assert "example.org" in await replace(other, is_operator=True).ask("sources")


async def test_a_story_of_a_chats_own_source_is_no_others_to_ask_for() -> None:
    chat = asker()
    store = chat.desk.store
    await store.add_source(Wanted("feed", FEED, "x", a_chat(1)), Voice(), NOW)
    await follow(store, a_chat(1))
    story = a_story(1)
    story = replace(story, lead=replace(story.lead, source_id="own-1"))
    await store.commit((some_changes(story),))
    assert "I know no alert #1" in await chat.ask("why 1")
    assert "I know no alert #1" not in await replace(chat, is_operator=True).ask("why 1")
    assert Verdict(story.lead, State.NEW, "", 1).story == 1
