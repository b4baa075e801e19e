"""The sample beside a running bot: a process of its own, with its own port, data and time."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.errors import BotError

START_SECONDS = 30.0  # it takes two; more means that it never will
STOP_SECONDS = 5.0
SECRETS = ("POLICYBELL_TELEGRAM__", "POLICYBELL_SLACK__", "CREDENTIALS_DIRECTORY")  # the sample speaks to no platform


class SampleBeside:
    """Starts `policybell run --sample` when first asked for, and ends it together with the bot."""

    def __init__(self, host: str, data_dir: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._host = host
        self._data_dir = data_dir
        self._environ = environ
        self._address = ""
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def url(self) -> str:
        """Return the address of the sample's chat page, starting it where it does not run. May raise `BotError`."""
        async with self._one_at_a_time:
            if self._process is None or self._process.returncode is not None:
                await self._start()
        return self._address

    async def close(self) -> None:
        """End the sample, where it runs."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _start(self) -> None:
        port = _free_port(self._host)
        place = f"{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        environ = {name: value for name, value in self._environ.items() if not name.upper().startswith(SECRETS)}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", "--sample"),
            env={**environ, "POLICYBELL_WEB__LISTEN": place, "POLICYBELL_BOT__DATA_DIR": str(self._data_dir)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        self._address = f"http://{place}/chat"
        try:
            async with asyncio.timeout(START_SECONDS):
                answers = await _answers(self._process, self._host, port)
        except TimeoutError:
            answers = False
        if not answers:
            await self.close()
            raise BotError("The sample could not be started. Try it in a terminal: make demo")


async def _answers(process: asyncio.subprocess.Process, host: str, port: int) -> bool:
    """Wait until a process listens; False where it ends before it does."""
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.1)  # it is still starting
        else:
            writer.close()
            return True
    return False


def _free_port(host: str) -> int:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        port: int = probe.getsockname()[1]
        return port
