"""What was told already. Slack repeats what it thinks was not heard, and we must not act on it twice.

An event keeps its `event_id` however often it is told, a command or press its `trigger_id`; over a socket the envelope
may keep its id too. What was told is not kept across a restart, and need not be: everything is acknowledged before
it is worked on, so what Slack repeats after a restart was, as a rule, never begun. Where an acknowledgement was lost
on its way just before, the repeat meets a command that changes nothing the second time: following what is followed,
dropping what is dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

REMEMBERED = 10_000  # Slack repeats for about an hour and tells at most 30,000 events in one


@dataclass(slots=True)
class Told:
    """What was told lately, by the ids that Slack gives it."""

    _keys: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def before(self, payload: Mapping[str, object], envelope_id: str = "") -> bool:
        """Say whether this was told before, and note it."""
        known = [envelope_id, payload.get("event_id"), payload.get("trigger_id")]
        keys = [key for key in known if isinstance(key, str) and key]
        before = any(key in self._keys for key in keys)
        self._keys.update(dict.fromkeys(keys))
        while len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return before
