"""`policybell run --sample`, as a newcomer starts it: no network, no token, no terminal."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp

from tests.fakes.daemon import Daemon, until

OFFICIAL = "United States to Resume Direct Removals of Venezuelan Nationals"


def settings(folder: Path) -> Daemon:
    return Daemon(folder, "", {"POLICYBELL_FETCH__ALLOW_PRIVATE_ADDRESSES": "false"})


async def test_one_round_before_and_one_after_print_the_alerts_and_end(tmp_path: Path) -> None:
    code, said = await settings(tmp_path).ask("run", "--once", "--sample")
    assert code == 0, said
    alerts = re.findall(r"^#\d+ · not legal advice$", said, re.MULTILINE)
    assert said.count(f"\n{OFFICIAL}\n") == 1  # its exact copies through two other feeds are the same alert
    assert 2 <= len(alerts) <= 5
    assert "SAMPLE" in said
    for silent in ("Section 102", "rawbridge", "Sentenced", "Superfund", "Safety Zone"):
        assert silent not in said, silent
    assert "Traceback" not in said


async def test_the_page_of_the_sample_shows_its_alerts(tmp_path: Path) -> None:
    daemon = settings(tmp_path)
    pages: list[str] = []
    try:
        await daemon.start("--sample")
        async with aiohttp.ClientSession() as session:

            async def look() -> None:
                async with session.get(f"http://127.0.0.1:{daemon.port}/chat") as answer:
                    pages.append(await answer.text())

            await look()
            while OFFICIAL not in pages[-1]:
                await until(lambda: daemon.process is not None and daemon.process.returncode is None)
                await look()
    finally:
        code = await daemon.stop()
    assert code == 0
    assert "SAMPLE" in pages[-1]
    assert (tmp_path / "data" / "sample" / "policybell.db").exists()
    assert not daemon.database.exists()


async def test_without_any_network_the_daemon_says_so_and_offers_the_sample(tmp_path: Path) -> None:
    daemon = Daemon(
        tmp_path,
        '[[sources]]\nid = "gone"\nname = "Gone"\nkind = "feed"\nurl = "http://127.0.0.1:9/feed"\n'
        "[catalogue]\nenabled = []\n",
    )
    try:
        await daemon.start()
        await until(lambda: "No source could be reached" in daemon.output.read_text())
    finally:
        assert await daemon.stop() == 0
    said = daemon.output.read_text()
    assert "make demo" in said
    assert "Traceback" not in said
