"""A real browser, where this machine has one: driven through its DevTools socket, on loopback only."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--no-first-run",
)


class RealPage:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)

    async def run(self, script: str) -> Any:
        """Run a script in the page, as a person at its console would; None while no document is there."""
        asked = next(self._ids)
        ask = {"expression": script, "returnByValue": True, "awaitPromise": True}
        await self._socket.send_json({"id": asked, "method": "Runtime.evaluate", "params": ask})
        while (answer := await self._socket.receive_json(timeout=30)).get("id") != asked:
            pass
        result = answer.get("result", {"result": {}})
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until a page is there and a script says true of it."""
        async with asyncio.timeout(20):
            while not await self.run(f"document.readyState === 'complete' && ({script})"):
                await asyncio.sleep(0.02)

    async def text(self) -> str:
        return str(await self.run("document.body.innerText"))


@asynccontextmanager
async def a_real_page(url: str, folder: Path) -> AsyncIterator[RealPage]:
    """Open `url` in a browser that keeps its things in `folder`."""
    process = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *(*_SWITCHES, f"--user-data-dir={folder}", "--remote-debugging-port=0", url),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _debugging_port(folder)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                page = next(page for page in await response.json() if page["url"] == url)
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                opened = RealPage(socket)
                await opened.until(f"location.href === {url!r}")
                yield opened
    finally:
        process.terminate()
        await process.wait()


async def _debugging_port(folder: Path) -> int:
    """Read the port that the browser chose, once it has written it down."""
    said = folder / "DevToolsActivePort"
    async with asyncio.timeout(30):
        while not said.exists() or "\n" not in said.read_text():
            await asyncio.sleep(0.02)
    return int(said.read_text().split("\n", maxsplit=1)[0])
