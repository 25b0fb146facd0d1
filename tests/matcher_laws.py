"""What every matcher owes to those who class endpoints: it reads what it says that it reads."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from compiler.policy.matcher import Matcher
from fabric.building.network import Network
from fabric.values.inventory import Endpoint

FIELDS = frozenset(f.name for f in fields(Endpoint))


class Watched:
    """An endpoint that remembers which of its fields were read."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.read = endpoint, set[str]()

    def __getattr__(self, name: str) -> Any:
        if name in FIELDS:
            self.read.add(name)
        return getattr(self.endpoint, name)


def reads_no_more_than_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where `selects` reads a field that is not among `looks`."""
    for endpoint in network.endpoints:
        seen: Any = Watched(endpoint)
        matcher.selects(seen, network)
        assert seen.read <= matcher.looks(), (matcher, seen.read - matcher.looks())
