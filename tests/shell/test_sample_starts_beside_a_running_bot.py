"""The sample as a process of its own: started once, on a port of its own, without our tokens, ended with the bot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.control import DataLock
from bot.errors import BotError
from bot.sample.beside import SampleBeside

TOKEN = "110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[SampleBeside]:
    sample = SampleBeside("127.0.0.1", tmp_path)
    yield sample
    await sample.close()


def environment_of(data_dir: Path) -> str:
    """What the process that holds the sample's data directory was given."""
    holder = (data_dir / "sample" / "policybell.lock").read_text().strip()
    return Path(f"/proc/{holder}/environ").read_text()


async def test_it_is_started_once_answers_and_ends(beside: SampleBeside) -> None:
    first, second = await asyncio.gather(beside.url(), beside.url())
    assert first == second
    async with aiohttp.ClientSession() as session, session.get(first) as page:
        assert page.status == 200
        assert "SAMPLE" in (await page.text()).upper()
    await beside.close()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(first)
    await beside.close()


async def test_it_is_given_no_token(tmp_path: Path) -> None:
    names = ("POLICYBELL_TELEGRAM__TOKEN", "POLICYBELL_SLACK__BOT_TOKEN", "policybell_slack__app_token")
    beside = SampleBeside("127.0.0.1", tmp_path, {**os.environ, **dict.fromkeys(names, TOKEN)})
    await beside.url()
    given = environment_of(tmp_path)
    await beside.close()
    assert TOKEN not in given
    assert "POLICYBELL_WEB__LISTEN" in given


async def test_one_that_ends_at_once_is_a_sentence_with_a_next_step(beside: SampleBeside, tmp_path: Path) -> None:
    with DataLock(tmp_path / "sample"), pytest.raises(BotError, match="make demo"):
        await beside.url()
    assert (await beside.url()).endswith("/chat"), "later it can be started"


async def test_closing_what_never_ran_does_nothing(beside: SampleBeside) -> None:
    await beside.close()
