"""Test networks with a real underlay: VTEPs below two spines."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from made_underlay import MadeUnderlay
from routed import box

from fabric.building.network import Network

N_SPINES = 2


class TwoTier(MadeUnderlay):
    """An underlay of VTEPs below two spines; `cut` pairs of VTEPs have no way."""

    def __init__(self, vtep_count: int, cut: Any) -> None:
        self.n = vtep_count + N_SPINES
        self.cut = set(cut)
        self.vteps = vtep_count

    def reachable(self, a: int, b: int) -> bool:
        return a == b or bool(self.ecmp(a, b))

    def ecmp(self, a: int, b: int) -> tuple[tuple[int, int], ...]:
        if a == b or b >= self.vteps or (a, b) in self.cut:
            return ()
        if a >= self.vteps:
            return ((b, b * N_SPINES + a - self.vteps),)
        return tuple((self.vteps + s, a * N_SPINES + s) for s in range(N_SPINES))


def wired(network: Network) -> Network:
    """The network over two spines."""
    cut = network.underlay.cut  # type: ignore[attr-defined]
    n = len(network.fabric.nodes)
    names = [
        *(node.name for node in network.fabric.nodes),
        *(f"spine{s + 1}" for s in range(N_SPINES)),
    ]
    nodes = tuple(box(i, name) for i, name in enumerate(names))
    links = tuple(
        SimpleNamespace(index=a * N_SPINES + s, a=a, b=n + s)
        for a in range(n)
        for s in range(N_SPINES)
    )
    fabric: Any = SimpleNamespace(
        nodes=nodes, links=links, down_nodes=(), down_links=(), down_sessions=(), down=(), failed=()
    )
    underlay: Any = TwoTier(n, cut)
    return replace(network, fabric=fabric, underlay=underlay)
