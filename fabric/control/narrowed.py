"""Warnings about equal paths that are not used: nodes install `ECMP_WIDTH` of them (C527)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabric.control.fib import Fib
from fabric.control.path_tables import ECMP_WIDTH
from fabric.control.underlay import Underlay
from fabric.diagnostics import Diagnostic
from fabric.values.inventory import Vrf
from fabric.wiring.topology import Fabric


def narrowed(fabric: Fabric, underlay: Underlay, fib: Fib, vrfs: Sequence[Vrf]) -> list[Diagnostic]:
    """One for the underlay, one for the VRFs."""
    return [*_between_nodes(fabric, underlay), *_in_vrfs(fib, vrfs, fabric)]


def _between_nodes(fabric: Fabric, underlay: Underlay) -> Iterator[Diagnostic]:
    """A warning where nodes know more equal paths than they install."""
    widest = underlay.widest
    for node, known in widest.items():
        name = fabric.nodes[node].name
        others = len(widest) - 1
        more = f"; so do {others:,} other node{'s' * (others > 1)}" if others else ""
        yield Diagnostic(
            "C527",
            f"{name} knows {known:,} equal paths to one node and installs {ECMP_WIDTH}{more}",
            None,
            "`maximum-paths`: the rest carries nothing until one of these fails",
            "warning",
        )
        return


def _in_vrfs(fib: Fib, vrfs: Sequence[Vrf], fabric: Fabric) -> Iterator[Diagnostic]:
    """A warning where a VRF knows more equal origins of a prefix than it installs."""
    for (vtep, vrf, prefix), known in sorted(fib.wide.items(), key=lambda found: found[0][:2]):
        others = len(fib.wide) - 1
        more = f"; so do {others:,} other routes" if others else ""
        yield Diagnostic(
            "C527",
            f"{fabric.nodes[vtep].name} knows {known:,} equal paths to {prefix} in "
            f"{vrfs[vrf].name} and installs {ECMP_WIDTH}{more}",
            None,
            "`maximum-paths`: the rest carries nothing until one of these fails",
            "warning",
        )
        return
