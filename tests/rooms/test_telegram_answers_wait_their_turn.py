"""One queue of answers per chat: in order, one at a time, bounded, and no chat waits for another."""

from __future__ import annotations

import asyncio

from bot.core.model import Chat
from bot.core.speech import Message
from bot.errors import BadMessage, ChatGone, TryLater
from handlers.telegram.replies import Replies
from tests.fakes.clock import FakeClock
from tests.fakes.door import until

ANA, BEN = Chat("telegram", "", "7"), Chat("telegram", "", "8")


def message(number: int) -> Message:
    return Message(str(number), {"text": f"<b>{number}</b>", "parse_mode": "HTML"})


class Post:
    """Takes messages once it is opened; `errors` come first."""

    def __init__(self, *errors: Exception) -> None:
        self.taken: list[tuple[Chat, str]] = []
        self.under_way = self.most_under_way = 0
        self.open = asyncio.Event()
        self._errors = list(errors)

    async def send(self, chat: Chat, message: Message) -> str:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.open.wait()
        self.under_way -= 1
        if self._errors:
            raise self._errors.pop(0)
        self.taken.append((chat, str(message.native["text"])))
        return "1"


async def test_a_chat_gets_its_answers_in_order_one_at_a_time_and_no_endless_queue() -> None:
    post = Post()
    replies = Replies(post.send, FakeClock())
    for number in range(30):
        replies.say(ANA, [message(number)])
    await until(lambda: post.under_way)
    post.open.set()
    await until(lambda: len(post.taken) >= 10)
    await replies.close()
    assert post.taken == [(ANA, f"<b>{number}</b>") for number in range(10)]
    assert post.most_under_way == 1


async def test_a_slow_chat_keeps_nobody_else_waiting() -> None:
    post = Post()
    replies = Replies(post.send, FakeClock())
    replies.say(ANA, [message(1)])
    replies.say(BEN, [message(2)])
    await until(lambda: post.under_way == 2)
    await replies.close()
    assert post.taken == []


async def test_a_queue_that_ran_empty_starts_anew() -> None:
    post = Post()
    post.open.set()
    replies = Replies(post.send, FakeClock())
    for number in range(3):
        replies.say(ANA, [message(number)])
        await until(lambda number=number: len(post.taken) == number + 1)
    await replies.close()


async def test_an_answer_is_tried_three_times_and_what_comes_next_goes_on() -> None:
    post = Post(TryLater("later"), TryLater("later"), TryLater("later"))
    post.open.set()
    replies = Replies(post.send, FakeClock())
    replies.say(ANA, [message(1), message(2)])
    await until(lambda: post.taken)
    await replies.close()
    assert post.taken == [(ANA, "<b>2</b>")]


async def test_an_answer_to_a_chat_that_is_gone_is_let_go() -> None:
    post = Post(ChatGone("blocked"))
    post.open.set()
    replies = Replies(post.send, FakeClock())
    replies.say(ANA, [message(1)])
    replies.say(BEN, [message(2)])
    await until(lambda: post.taken)
    await replies.close()
    assert post.taken == [(BEN, "<b>2</b>")]


async def test_an_answer_that_breaks_harms_only_itself() -> None:
    post = Post(ZeroDivisionError())
    post.open.set()
    replies = Replies(post.send, FakeClock())
    replies.say(ANA, [message(1), message(2)])
    await until(lambda: post.taken)
    await replies.close()
    assert post.taken == [(ANA, "<b>2</b>")]


async def test_the_plain_form_follows_at_once() -> None:
    post = Post(BadMessage("can't parse entities"))
    post.open.set()
    replies = Replies(post.send, FakeClock())
    replies.say(ANA, [message(1)])
    await until(lambda: post.taken)
    await replies.close()
    assert post.taken == [(ANA, "1")]
