"""Every benchmark, a line per figure: `name value unit (baseline, ratio)`. Baselines are measured in the same run.

CPU figures are of this process alone: the servers that it talks to are processes of their own.
These machines are shared; medians of alternating rounds and ratios within one run are what can be trusted.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import outbox, polling, processes, scheduling, splicing
from bot.garbage import collect_seldom


async def main() -> None:
    collect_seldom()  # as the daemon does; the baselines have the good of it, too
    for figures in (splicing.figures(), polling.figures(), scheduling.figures(), outbox.figures(), processes.figures()):
        async for figure in figures:
            print(figure, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
