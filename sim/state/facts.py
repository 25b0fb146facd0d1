"""Facts about a node as FRR and the kernel say them, and the words in which they do.

A next hop is an address (a VTEP's), the name of a VRF beside, a device, or `nowhere`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from compiler.imports.nft.rule_set import NftRuleSet
from fabric.diagnostics import Diagnostic, InputError

UNDERLAY = "default"
"""What FRR calls the VRF of the underlay."""
Vrf = tuple[str, int]
"""A VRF by name, and 4 or 6."""
Routes = dict[str, frozenset[str]]
"""Next hops by prefix."""
AUTOMATIC = ("connected", "local", "kernel", "ra")
"""Protocols of routes that come with addresses. What FRR calls `kernel` somebody put there."""
DEFAULTS = ("0.0.0.0/0", "::/0")
NOWHERE = "nowhere"
"""Where a route leads that names no next hop, such as a blackhole."""
UNREADABLE = "it has a prefix that cannot be read"
"""Why a file is passed over of which a part was no address."""


class EvpnRoute(NamedTuple):
    """What an EVPN Type-5 route says."""

    rts: tuple[str, ...]
    next_hop: str
    router_mac: str


@dataclass(slots=True)
class HeardNode:
    """Facts about a node, None where no file says any: EVPN routes by RD and prefix, routes by VRF
    as FRR and as the kernel has them, `by_itself` those of both that came with addresses (by
    `rib` or `kernel` and VRF), `widths` of the underlay by loopback, `rules` of nft, which
    ask for VRFs where `below_vrfs`. `files` says where each was heard first, of routes also by VRF;
    of families in `whole` one file says all VRFs: what it lacks is not there."""

    evpn: dict[tuple[str, str], EvpnRoute] | None = None
    routes: dict[Vrf, Routes] = field(default_factory=dict)
    kernel: dict[Vrf, Routes] = field(default_factory=dict)
    by_itself: dict[tuple[str, Vrf], Routes] = field(default_factory=dict)
    widths: dict[str, int] | None = None
    files: dict[tuple[str, ...] | tuple[str, str, int], Path] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    rules: NftRuleSet | None = None
    below_vrfs: bool = False

    def came(self, source: str, vrf: Vrf, prefix: str, to: frozenset[str]) -> None:
        """A route that came with an address."""
        routes = self.by_itself.setdefault((source, vrf), {})
        routes[prefix] = routes.get(prefix, frozenset()) | to

    def said(self, what: tuple[str, ...] | tuple[str, str, int], path: Path) -> None:
        """A file says this. Raises `InputError` when another one did: of two states, such as those
        of two days, nobody knows which is so, and one of both hides what is missing."""
        first = self.files.setdefault(what, path)
        if first != path:
            raise InputError(
                Diagnostic(
                    "C880",
                    f"{first} and {path} both say {' '.join(map(str, what))} of one node",
                    hint="keep the files of one moment",
                )
            )


def version(prefix: str) -> int:
    """The family of a prefix, or of what is in a list of them."""
    return 6 if ":" in prefix else 4


def marked(hop: str, used: bool) -> set[str]:
    """A next hop, and beside it that it stands there without being used."""
    return {hop} if used or hop == NOWHERE else {hop, f"unused:{hop}"}


def is_end(prefix: str, to: frozenset[str]) -> bool:
    """Whether a route is where a VRF ends: the default of last resort, to nowhere."""
    return prefix in DEFAULTS and to <= {NOWHERE}


@lru_cache(maxsize=1 << 18)
def canonical(text: str) -> str | None:
    """A prefix as it is written, None for what is none."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        return None


@lru_cache(maxsize=1 << 18)
def plain(address: str) -> str:
    """An IPv4-mapped IPv6 next hop as IPv4; what is no address as it is."""
    try:
        return str(getattr(ip_address(address), "ipv4_mapped", None) or ip_address(address))
    except ValueError:
        return address
