"""Why an alert can be late before it came to us."""

from __future__ import annotations

from enum import StrEnum


class Delay(StrEnum):
    """Why an alert comes later than its document's date would let one expect, and whether by a line of a list.

    The documents of one poll, or of one release, that are told in a list share one message (`bot.core.lateness`).
    """

    NONE = ""
    POSTED = "posted late"  # by its source: an official document, dated long before it was first seen
    POSTED_TOGETHER = "posted late with others"  # several such in one poll: told in a list
    HELD = "held"  # by the flood guard, and released: told in a list
    MISSED = "missed"  # it came out while the source was not read: told in a list

    @property
    def is_listed(self) -> bool:
        return self in {Delay.POSTED_TOGETHER, Delay.HELD, Delay.MISSED}
