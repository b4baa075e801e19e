"""Which cases a court's docket is read for: those that a source names itself, else those of `dockets.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from config.shipped import shipped

_COURT = re.compile(r"ecf\.([a-z0-9]+)\.uscourts\.gov")


def cases_of(url: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """Return the cases as number and name; none where the court is not known and the source names none."""
    found = _COURT.fullmatch((urlsplit(url).hostname or "").lower())
    return own or (_listed().get(found[1], {}) if found else {})


@lru_cache(maxsize=1)
def _listed() -> Mapping[str, Mapping[str, str]]:
    courts: dict[str, dict[str, str]] = {}
    for case in shipped("dockets"):
        courts.setdefault(case["court"], {})[case["number"]] = case["name"]
    return courts
