"""The page in Chromium, under its own policy: its script runs, alerts come live, and text stays text."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Chat
from bot.core.speech import Call, Choice, Reply, Span
from tests.builders import a_document, a_story, an_alert
from tests.fakes.browser import a_web_room
from tests.fakes.chromium import CHROMIUM, a_real_page
from tests.fakes.door import FakeDoor

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page's script was not run")

CHAT = Chat("web", "", "local")
HOSTILE = "TPS <img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def answers(call: Call) -> Reply:
    return Reply((Span(f"You said {' '.join((call.verb, *call.args))}."),), (Choice("Press me", "list tps"),))


async def test_the_page_answers_and_shows_alerts_without_reloading(tmp_path: Path):
    async with a_web_room(FakeDoor(answers)) as (room, browser), a_real_page(f"{browser.url}/chat", tmp_path) as page:
        await page.until("document.getElementById('live').textContent.startsWith('Live')")
        await page.run("window.here = 'still here'")

        alert = an_alert(a_story(7, a_document(7, title=HOSTILE, text=HOSTILE)), CHAT)
        await room.send(CHAT, room.render(alert, repeat=False, plain=False))
        await page.until("document.getElementById('a7') !== null")
        assert HOSTILE in await page.text()
        assert await page.run("document.querySelectorAll('#log img, #log script').length") == 0
        assert "owned" not in await page.run("document.title")
        await room.send(CHAT, room.render(alert, repeat=True, plain=False))

        await page.run("line.value = 'follow tps'; composer.requestSubmit()")
        await page.until("document.body.innerText.includes('You said follow tps.')")
        await page.run("[...document.querySelectorAll('#log button')].at(-1).click()")
        await page.until("document.body.innerText.includes('You said list tps.')")
        assert await page.run("log.children.length") == 3
        assert await page.run("window.here") == "still here"
        assert await page.run("line.value") == ""


async def test_the_page_says_when_the_bot_is_gone_and_catches_up_when_it_is_back(tmp_path: Path):
    async with a_web_room(FakeDoor()) as (room, browser):
        url, port = browser.url, int(browser.url.rpartition(":")[2])
        opened = a_real_page(f"{url}/chat", tmp_path)
        page = await opened.__aenter__()
        await page.until("document.getElementById('live').textContent.startsWith('Live')")
        alert = an_alert(a_story(7, a_document(7)), CHAT)
        await room.send(CHAT, room.render(alert, repeat=False, plain=False))
        await page.until("document.getElementById('a7') !== null")
    try:
        await page.until("document.getElementById('live').textContent.startsWith('Connection lost')")
        await page.run("say('list')")
        await page.until("document.getElementById('live').textContent.startsWith('That was not sent')")
        missed = [an_alert(a_story(n, a_document(n)), CHAT) for n in (7, 8)]
        async with a_web_room(FakeDoor(alerts=missed), port=port):
            await page.until("document.getElementById('a8') !== null")
            await page.until("document.getElementById('live').textContent.startsWith('Live')")
            assert await page.run("[...log.children].map((item) => item.id)") == ["a7", "a8"]
    finally:
        await opened.__aexit__(None, None, None)


async def test_without_scripts_the_form_works_in_a_real_browser_under_our_policy(tmp_path: Path):
    """A form under `Referrer-Policy: no-referrer` says `Origin: null`; the browser's own word must be enough."""
    door = FakeDoor(answers)
    async with a_web_room(door) as (_, browser), a_real_page(f"{browser.url}/chat", tmp_path) as page:
        await page.run("line.value = 'follow tps'; HTMLFormElement.prototype.submit.call(composer)")
        await page.until("document.body.innerText.includes('You said follow tps.')")
        assert "#x" in await page.run("location.href")
    assert Call("follow", ("tps",), CHAT, may_change=True, is_operator=True) in door.calls
