"""The daemon's collector of cycles: seldom, and not over what was loaded at the start."""

from __future__ import annotations

import gc
import weakref

from bot.garbage import collect_seldom


class _Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_loaded_is_kept_out_and_what_comes_later_is_still_found() -> None:
    thresholds = gc.get_threshold()
    try:
        collect_seldom()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() > thresholds
        lost = weakref.ref(_Ring())
        gc.collect()
        assert lost() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
