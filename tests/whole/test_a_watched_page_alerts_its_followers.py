"""`policybell run` with a page that is watched: a date moves on it, and a follower reads both dates."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.daemon import Daemon, until
from tests.fakes.feeds import FeedServer
from tests.fakes.telegram import FakeTelegram

ANA = 501_884_223
FRAME = """<!DOCTYPE html><html><head><title>Protected status</title></head><body><main><h1>Protected status</h1>
<p>Temporary Protected Status by country.</p><h2>Countries</h2><table><tr><th>Country</th><th>Ends</th></tr>
<tr><td>Venezuela</td><td>{}</td></tr></table></main></body></html>"""


async def test_a_date_that_moves_on_a_page_is_told_with_both_dates(tmp_path: Path) -> None:
    async with FeedServer() as server, FakeTelegram() as telegram:
        server.publish("/tps", FRAME.format("August 7, 2025"), etag='"0"', content_type="text/html")
        toml = f"""
[fetch]
tick = "200ms"
jitter = "0%"
per_host_delay = "0s"
[catalogue]
enabled = []
[bot]
contact = "https://example.org/contact"
[[sources]]
id = "page"
name = "USCIS page on Temporary Protected Status"
kind = "page"
url = "{server.url("/tps")}"
standing = "official"
every = "1s"
"""
        daemon = Daemon(tmp_path, toml, telegram.environ)
        try:
            await daemon.start()
            telegram.world.say(ANA, ANA, "/follow tps AND venezuela")
            await until(lambda: [m for m in telegram.accepted if "Following" in m.text])
            await until(lambda: server.count("/tps") > 1)
            server.publish("/tps", FRAME.format("October 3, 2026"), etag='"1"', content_type="text/html")
            await until(lambda: [m for m in telegram.accepted if "October 3, 2026" in m.text])
            [alert] = [m for m in telegram.accepted if "October 3, 2026" in m.text]
            assert "“Venezuela” changed" in alert.text
            assert "the date August 7, 2025 is now October 3, 2026" in alert.text
            assert await daemon.stop() == 0
        finally:
            await daemon.kill()
        assert server.violations == []
