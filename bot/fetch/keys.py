"""Keys of interfaces: shown in a header, to the interface's own host over https, and to nobody else.

A key is never part of an address: addresses are stored, logged, and told to where redirects lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from bot.core.intake import SourceSpec

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class _Interface:
    host: str
    header: str
    before: str = ""


# api.data.gov takes the header for all interfaces behind it (its developer manual, "Ways to pass your API key").
_INTERFACES = {
    "courtlistener": _Interface("www.courtlistener.com", "Authorization", "Token "),
    "regulations": _Interface("api.regulations.gov", "X-Api-Key"),
    "congress": _Interface("api.congress.gov", "X-Api-Key"),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that there are, by kind of source. `on_loopback`: also shown to a stand-in on this machine."""

    by_kind: Mapping[str, str] = field(default_factory=dict, repr=False)
    on_loopback: bool = False

    def headers(self, source: SourceSpec, url: URL) -> dict[str, str]:
        """What a request of this source carries to this address besides what all carry."""
        key, interface = self.by_kind.get(source.kind, ""), _INTERFACES.get(source.kind)
        if not key or interface is None or not self._is_own(interface, source, url):
            return {}
        return {interface.header: f"{interface.before}{key}"}

    def _is_own(self, interface: _Interface, source: SourceSpec, url: URL) -> bool:
        if self.on_loopback and url.host in _LOOPBACK:
            return url.origin() == URL(source.url).origin()
        return url.origin() == URL.build(scheme="https", host=interface.host)
