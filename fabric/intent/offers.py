"""The words for what VRFs give each other: an `Offer` of prefixes, an `Intent` between two VRFs.

An offer covers the exporter's own routes that lie inside its prefixes, never imported ones. All
offers with one `key` share one route target: there is one per (intent, side), and per client of a
leak that is marked `transit`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fabric.diagnostics import Span
from fabric.values.inventory import Prefix
from fabric.values.ports import PortRange


@dataclass(frozen=True, slots=True)
class Offer:
    """`exporter` announces `prefixes` to `importer` under the route target of `key`."""

    key: str
    exporter: str
    importer: str
    prefixes: tuple[Prefix, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """VRFs `a` and `b` exchange `offers`; those in `opens` may open connections on `ports`.

    `kind` is peering, leak or zone. `via` names the intents that a transit one was derived from.
    """

    kind: str
    name: str
    a: str
    b: str
    offers: tuple[Offer, ...]
    opens: frozenset[str]
    ports: tuple[PortRange, ...]
    span: Span | None = None
    transit: bool = False
    via: tuple[str, ...] = ()

    def offered(self, exporter: str) -> tuple[Prefix, ...]:
        """What `exporter` offers to the other side."""
        return tuple(
            p for offer in self.offers if offer.exporter == exporter for p in offer.prefixes
        )

    def other(self, vrf: str) -> str:
        """The VRF at the other end."""
        return self.b if vrf == self.a else self.a
