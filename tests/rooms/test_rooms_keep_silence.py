"""A reply without words is silence: no room says an empty something."""

from __future__ import annotations

from bot.core.speech import Reply
from handlers.slack.render import pages
from handlers.telegram import render

SILENCE = Reply((), ok=False)


def test_telegram_sends_nothing() -> None:
    assert render.reply(SILENCE) == ()


def test_slack_posts_nothing() -> None:
    assert pages(SILENCE) == ()
