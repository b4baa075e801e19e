"""A test server in a thread of its own, for tests that block: they run a whole process and wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

Server = TypeVar("Server", bound=AbstractAsyncContextManager)


@contextmanager
def in_thread(server: Server) -> Iterator[Server]:
    """Serve from another thread while the block runs; what leaving the server asserts, leaving the block asserts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="test server", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
        try:
            yield server
        except BaseException as error:
            leaving = server.__aexit__(type(error), error, error.__traceback__)
            asyncio.run_coroutine_threadsafe(leaving, loop).result(10)
            raise
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
