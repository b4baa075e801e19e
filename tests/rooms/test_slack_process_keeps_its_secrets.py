"""A whole process that speaks Slack, at DEBUG, in an environment that tempts libraries: nothing leaks or strays."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.fakes.slack.process import ALERTS

ROOT = Path(__file__).resolve().parents[2]

# What slack_sdk, slack_bolt and aiohttp read from the environment unasked.
TEMPTATIONS = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9/"),
    "SLACK_BOT_TOKEN": "xoxb-somebody-else",
    "SLACK_APP_TOKEN": "xapp-somebody-else",
    "SLACK_SIGNING_SECRET": "somebody-else",
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "somebody-else",
}
LEAKS = (BOT_TOKEN, APP_TOKEN, "somebody-else", "C0NEWS", "U0ANA", "u0ana", "canary-words", "measure number", "ticket=")


async def test_at_debug_nothing_secret_is_printed_and_no_foreign_setting_is_obeyed(tmp_path: Path) -> None:
    """Tokens, ids, names and text stay out of all output; proxies and ports stay unused."""
    async with FakeSlack() as slack:
        slack.drop_after_accept()
        slack.garbage()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-m", "tests.fakes.slack.process", cwd=tmp_path,
            env=TEMPTATIONS | {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said = asyncio.create_task(process.communicate(f"{slack.api_url} {BOT_TOKEN} {APP_TOKEN} C0NEWS".encode()))
        await (await slack.slash("C0NEWS", "U0ANA", "follow canary-words")).answer()
        await slack.disconnect()
        slack.cut_sockets()
        await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
        await slack.until_accepted(ALERTS + 1)  # and the announcement
        slack.revoke("token_revoked", token=APP_TOKEN)
        slack.cut_sockets()
        output = (await asyncio.wait_for(said, 30))[0].decode()
    assert process.returncode == 0, output
    assert "a post failed" in output
    assert "TokenError" in output
    assert "open ports: 0" in output
    assert [leak for leak in LEAKS if leak in output] == [], output
