"""The chat page: live for tabs that listen, complete for those that reload, whole without any script."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack, ExitStack
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from bot.core.model import Chat
from bot.core.speech import Call, Choice, Mark, Reply, Span
from bot.errors import BotError, ConfigError
from handlers.web import Web
from handlers.web.address import listen
from tests.builders import a_document, a_story, an_alert
from tests.fakes.browser import a_web_room
from tests.fakes.door import FakeDoor, until

CHAT = Chat("web", "", "local")


def alert_number(number: int):
    return an_alert(a_story(number, a_document(number)), CHAT)


async def send(room: Web, number: int, *, repeat: bool = False) -> str:
    return await room.send(CHAT, room.render(alert_number(number), repeat=repeat, plain=False))


async def test_an_alert_reaches_every_open_tab_at_once():
    async with a_web_room(FakeDoor()) as (room, browser), browser.tab() as one, browser.tab() as two:
        receipt = await send(room, 7)
        for tab in (one, two):
            item = await tab.next_item()
            assert item["id"] == receipt == "a7"
            assert "measure number 7" in item["html"]


async def test_what_is_told_unasked_reaches_every_open_tab_and_stays_on_the_page():
    async with a_web_room(FakeDoor()) as (room, browser), browser.tab() as tab:
        await room.tell(CHAT, Reply((Span("The disk is nearly full: <5%."),)))
        assert "nearly full: &lt;5%" in (await tab.next_item())["html"]
        assert "nearly full: <5%" in (await browser.get("/chat")).page.text


async def test_an_answer_reaches_the_asking_tab_and_the_others_under_one_id():
    async with a_web_room(door := FakeDoor()) as (_, browser), browser.tab() as other:
        answered = await browser.say("/Follow tps venezuela")
        assert answered.text.count("You said follow.") == 1
        item = await other.next_item()
        assert item["id"] in answered.text
        assert "You said follow." in item["html"]
    assert door.calls == [Call("follow", ("tps", "venezuela"), CHAT, may_change=True, is_operator=True)]


async def test_the_whole_flow_works_without_a_script():
    choice = Choice("Unfollow TPS", "unfollow tps")
    answers = {"follow": Reply((Span("Following "), Span("TPS", Mark.BOLD), Span(".\nNext line")), (choice,))}
    async with a_web_room(FakeDoor(lambda call: answers.get(call.verb, Reply((Span("hello"),))))) as (_, browser):
        first = await browser.get("/chat")
        assert "hello" in first.page.text  # an empty chat is welcomed
        form = next(form for form in first.page.all("form") if form.get("id") == "composer")
        assert form["method"] == "post"
        sent = await browser.post(form["action"], {"line": "follow tps"})
        assert sent.status == 303
        page_path, _, place = sent.headers["Location"].partition("#")
        page = (await browser.get(page_path)).page
        assert "Following TPS." in page.text
        assert place in {attributes.get("id") for attributes in page.all("li")}
        buttons = {button.get("value") for button in page.all("button") if button.get("name") == "line"}
        assert "unfollow tps" in buttons
        assert (await browser.post("/chat", {"line": "  "})).headers["Location"] == "/chat"


async def test_the_page_shows_what_the_store_remembers_and_what_was_said_since_in_order_and_once():
    door = FakeDoor(alerts=[alert_number(1), alert_number(2)])
    async with a_web_room(door) as (room, browser):
        await browser.say("list")
        door.alerts.append(alert_number(3))
        await send(room, 3)
        await send(room, 3, repeat=True)
        ids = [item["id"] for item in (await browser.get("/chat")).page.all("li") if "id" in item]
    assert [item_id for item_id in ids if item_id.startswith("a")] == ["a1", "a2", "a3"]
    assert ids[2].startswith("x")


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_tab_that_comes_back_gets_exactly_what_it_missed(by_header):
    async with a_web_room(FakeDoor(alerts=[alert_number(1)])) as (room, browser):
        for number in (2, 3, 4):
            await send(room, number)
        headers = {"last_event_id": "a2"} if by_header else {}
        async with browser.tab("a1" if by_header else "a2", **headers) as tab:
            assert [(await tab.next_item())["id"] for _ in range(2)] == ["a3", "a4"]
            await send(room, 5)
            assert (await tab.next_item())["id"] == "a5"


async def test_a_tab_with_an_unknown_past_gets_everything_and_its_page_knows_what_it_has():
    async with a_web_room(FakeDoor(alerts=[alert_number(1)])) as (room, browser):
        await send(room, 2)
        async with browser.tab("x999-1") as tab:
            assert [(await tab.next_item())["id"] for _ in range(2)] == ["a1", "a2"]


async def test_a_silent_stream_says_that_it_is_still_there():
    async with a_web_room(FakeDoor(), keep_alive=0.01) as (_, browser), browser.tab() as tab:
        assert (await tab.next_line()).startswith(":")


async def test_too_many_tabs_send_the_oldest_to_rest():
    async with a_web_room(FakeDoor()) as (room, browser), AsyncExitStack() as tabs:
        oldest, *_, newest = [await tabs.enter_async_context(browser.tab()) for _ in range(5)]
        assert await oldest.next() == ("rest", "rest")
        assert await oldest.next() == ("", "")
        await send(room, 1)
        assert (await newest.next_item())["id"] == "a1"


async def test_forgetting_empties_every_tab():
    async with a_web_room(FakeDoor()) as (room, browser), browser.tab() as tab:
        await send(room, 1)
        await browser.say("forget")
        assert [(await tab.next_item())["id"][0] for _ in range(2)] == ["a", "x"]
        await browser.say("forget yes")
        assert (await tab.next())[0] == "clear"
        assert (await tab.next_item())["id"].startswith("x")
        ids = [item["id"] for item in (await browser.get("/chat")).page.all("li") if "id" in item]
        assert len(ids) == 1


async def test_a_closed_tab_is_let_go():
    async with a_web_room(FakeDoor(), keep_alive=0.01) as (room, browser):
        async with browser.tab() as tab:
            await tab.next_line()
        await until(lambda: not room._transcript._streams)


async def test_stopping_ends_open_streams():
    async with a_web_room(FakeDoor()) as (_, browser):
        context = browser.tab()
        tab = await context.__aenter__()
    assert (await tab.next())[0] in {"end", ""}
    await context.__aexit__(None, None, None)


async def test_a_busy_port_gives_way_to_the_next_free_one():
    async with a_web_room(FakeDoor()) as (_, browser):
        port = int(browser.url.rpartition(":")[2])
        other = Web("127.0.0.1", port, clock=None, ready=None)
        moved = int(other.open().rpartition(":")[2])
        assert port < moved
        assert other.open() == f"http://127.0.0.1:{moved}"
        await other.close()
        await other.close()


def test_when_nothing_is_free_nearby_it_says_so():
    with ExitStack() as held:
        first = held.enter_context(listen("127.0.0.1", 0)).getsockname()[1]

        def crowd() -> None:
            while True:
                held.enter_context(listen("127.0.0.1", first))

        with pytest.raises(ConfigError, match="are all busy"):
            crowd()


def test_a_busy_port_is_a_problem_where_others_look_for_us_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="is busy, and others look"):
            listen("127.0.0.1", port, only_there=True)
        listen("127.0.0.1", port).close()


def test_an_address_of_another_machine_is_a_configuration_problem():
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


async def test_status_readiness_and_life_are_told():
    problems = ["telegram is not connected"]

    async def ready() -> tuple[str, ...]:
        return tuple(problems)

    async with a_web_room(FakeDoor(), ready=ready) as (_, browser):
        page = (await browser.get("/")).page
        assert "You said status" in page.text
        assert "You said sources" in page.text
        assert ((await browser.get("/livez")).status, (await browser.get("/livez")).text) == (200, "ok\n")
        unready = await browser.get("/readyz")
        assert (unready.status, unready.text) == (503, "telegram is not connected\n")
        problems.clear()
        assert (await browser.get("/readyz")).status == 200


async def test_the_sample_is_marked_on_every_page_and_offered_only_where_it_can_start():
    async def start() -> str:
        return "http://127.0.0.1:9999/chat"

    async with a_web_room(FakeDoor(), sample=True) as (_, browser):
        for path in ("/", "/chat"):
            assert "SAMPLE" in (await browser.get(path)).page.text
        assert "Show the sample" not in (await browser.get("/chat")).page.text
        assert (await browser.post("/sample", {})).status == 404
    async with a_web_room(FakeDoor(), sample_url=start) as (_, browser):
        page = (await browser.get("/chat")).page
        assert "SAMPLE" not in page.text
        assert "Show the sample" in page.text
        started = await browser.post("/sample", {})
        assert "http://127.0.0.1:9999/chat" in {link["href"] for link in started.page.all("a")}


async def test_a_sample_that_cannot_start_is_a_sentence_and_a_bug_a_reference():
    async def refuse() -> str:
        raise BotError("The sample could not be started. Try it in a terminal: make demo")

    async def break_down() -> str:
        raise ZeroDivisionError("detail")

    async with a_web_room(FakeDoor(), sample_url=refuse) as (_, browser):
        answer = await browser.post("/sample", {})
        assert (answer.status, "make demo" in answer.text) == (503, True)
    async with a_web_room(FakeDoor(), sample_url=break_down) as (_, browser):
        with capture_logs() as logs:
            answer = await browser.post("/sample", {})
        assert answer.status == 500
        assert f"ref {logs[-1]['ref']}" in answer.text
        assert "detail" not in answer.text


async def test_without_chat_there_is_only_the_status_page():
    async with a_web_room(FakeDoor(), chat=False) as (_, browser):
        assert "/chat" not in (await browser.get("/")).text
        assert (await browser.get("/chat")).status == 404


@pytest.mark.parametrize("path", ["/", "/chat"])
async def test_pages_can_be_read_aloud(path):
    async with a_web_room(FakeDoor(alerts=[alert_number(1), alert_number(2)])) as (_, browser):
        page = (await browser.get(path)).page
    assert page.all("html")[0]["lang"] == "en"
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == 1
    assert {"header", "nav", "main"} <= set(tags)
    headings = [int(tag[1]) for tag in tags if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()]
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    assert all("alt" in image for image in page.all("img"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = {label["for"] for label in page.all("label")}
    assert all(field["id"] in labels for field in page.all("input"))
    for _, attributes in page.elements:
        assert set(attributes.get("aria-labelledby", "").split()) <= set(ids)
