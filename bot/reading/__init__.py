"""Reading what strangers wrote, in a process that can be killed.

feedparser takes minutes over some small inputs, gigabytes over others, and raises at many places. So nothing of a
source is parsed in the daemon's own process:

    daemon ── ReadingRoom ──socket pair──► zygote  (python -m bot.reading: parsers imported once; no secrets, no net)
                                             └── fork ──► job  (one source, one answer; limits on time, memory, files)

The zygote never looks at what it passes on; each job begins with clean memory and ends with its answer or a signal.
Limits of processor time add up within a process, which is why every answer gets a process of its own.
"""

from bot.reading.room import ReadingRoom
from bot.reading.wire import ReadLimits

__all__ = ["ReadLimits", "ReadingRoom"]
