from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import Store
from bot.store import open_store
from tests.storing import in_memory_directory


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Each store in turn: one contract, every implementation."""
    with in_memory_directory() as directory:
        urls = {"memory": "memory:", "sqlite": f"sqlite:///{directory}/policybell.db"}
        opened = open_store(urls[request.param])
        yield opened
        await opened.close()
