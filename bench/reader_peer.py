"""The same polls by `reader`, the best peer in Python. Runs in an environment of its own: `.bench-venv`.

Usage: reader_peer.py ROOT FEEDS ROUNDS. Prints the median CPU milliseconds a feed: all 304, unchanged 200, one new.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from reader import make_reader


def cost(root: str, what: str, feeds: int, rounds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        reader = make_reader(str(Path(folder) / "reader.db"))
        for number in range(feeds):
            reader.add_feed(f"{root}/{what}/{number}")
        reader.update_feeds(scheduled=False)
        times = []
        for _ in range(rounds):
            began = time.process_time()
            reader.update_feeds(scheduled=False)
            times.append((time.process_time() - began) * 1000 / feeds)
        return median(times)


def main() -> None:
    root, feeds, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    slow = max(feeds // 20, 1)
    print(
        json.dumps(
            {
                "same": cost(root, "same", feeds, rounds),
                "full": cost(root, "full", slow, rounds),
                "grow": cost(root, "grow", slow, rounds),
            }
        )
    )


if __name__ == "__main__":
    main()
