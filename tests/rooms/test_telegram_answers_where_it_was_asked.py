"""What a chat follows and what was kept of it is said in that chat and in no other, whoever asks wherever (S48)."""

from __future__ import annotations

from bot.commands import COMMANDS, Who
from tests.fakes.door import until
from tests.fakes.telegram_house import at_home

ANA = 7
SECRETS = ("greenwood", "riverside", "hillcrest", "lakeview")
ASKING = [name for name, known in COMMANDS.items() if known.who is Who.EVERYBODY]
LINES = [*ASKING, "why 1", "missed 20", "mydata 2", "unfollow", "forget", "mute", "unmute", "timezone", "unfollow 1"]


async def test_one_person_in_four_places_is_answered_in_each_of_its_own() -> None:
    async with at_home() as house:
        world = house.telegram.world
        forum = world.add_group(admins=[ANA], topics=[5, 6])
        group = world.add_group(admins=[ANA], kind="group")
        world.add_private(ANA)
        places = [(ANA, 0), (group, 0), (forum, 5), (forum, 6)]
        for (chat, thread), secret in zip(places, SECRETS, strict=True):
            world.say(chat, ANA, f"/follow tps {secret}", thread=thread)
        await house.quiet()
        for line in LINES:
            house.wait_a_minute()  # so that nobody asks too often
            for chat, thread in places:
                world.say(chat, ANA, f"/{line}", thread=thread)
            await house.quiet()
            await until(lambda: len(house.telegram.accepted) >= len(house.book.visits))
        said = dict.fromkeys(places, "")
        for message in house.telegram.accepted:
            said[message.chat, message.thread] += f"{message.text}\n{message.buttons}\n"
        for place, own in zip(places, SECRETS, strict=True):
            assert own in said[place]
            assert [secret for secret in SECRETS if secret != own and secret in said[place]] == []
