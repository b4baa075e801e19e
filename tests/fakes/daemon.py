"""The real daemon as a process of its own, with verbs to start, ask, stop and kill it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds; fail after so many seconds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


class Daemon:
    """`policybell run` in a folder of its own. Its output is kept in `output`, whatever happens.

    A change of `environ` holds from the next start. `under` is a command that ends as the one behind it, like `nice`.
    """

    def __init__(
        self, folder: Path, toml: str, environ: Mapping[str, str] | None = None, *, under: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.under = under
        self.config = folder / "bot.toml"
        self.config.write_text(toml, encoding="utf-8")
        self.output = folder / "output.txt"
        self.port = free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "POLICYBELL_BOT__DATA_DIR": str(folder / "data"),
            "POLICYBELL_FETCH__ALLOW_PRIVATE_ADDRESSES": "true",
            "POLICYBELL_WEB__LISTEN": f"127.0.0.1:{self.port}",
            **(environ or {}),
        }
        self.process: asyncio.subprocess.Process | None = None

    @property
    def database(self) -> Path:
        return self.folder / "data" / "policybell.db"

    async def start(self, *options: str, ready: bool = True, seconds: float = 30) -> None:
        """Start it, and wait until it answers that it is ready."""
        self.process = await self._policybell("run", "--config", str(self.config), *options)
        if ready:
            await self.wait_until_ready(seconds)

    async def wait_until_ready(self, seconds: float = 30) -> None:
        assert self.process is not None
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while True:
                assert self.process.returncode is None, self.output.read_text(errors="replace")
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def ready_says(self) -> int:
        """Ask whether it is ready; return the status of the answer."""
        url = f"http://127.0.0.1:{self.port}/readyz"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status

    async def ask(self, *argv: str) -> tuple[int, str]:
        """Run another `policybell` command with the same settings; return its exit code and output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *argv,
            cwd=ROOT,
            env={**self.environ, "POLICYBELL_CONFIG": str(self.config)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(errors="replace")

    def cpu_seconds(self) -> float:
        """Say how much CPU time the process used so far, without its children."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def stop(self, seconds: float = 20) -> int:
        """Ask it to stop, as a service manager does, and return its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def kill(self) -> None:
        """Kill it without a word."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _policybell(self, *argv: str) -> asyncio.subprocess.Process:
        with self.output.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *self.under,
                sys.executable,
                "-m",
                "bot",
                *argv,
                cwd=ROOT,
                env=self.environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
