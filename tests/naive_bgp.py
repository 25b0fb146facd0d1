"""BGP by hand: every node tells its neighbours its best path until nothing moves."""

from __future__ import annotations

import re

from fabric.control.underlay import Underlay
from fabric.wiring.topology import Fabric, Role

Path_ = tuple[int, ...]
Best = dict[tuple[int, int], tuple[bool, Path_, list[tuple[int, int]]]]


def numbered(port: str) -> list[tuple[int, int, str]]:
    """Ports in the order in which people count them: swp9 before swp10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", port)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def naive(
    fabric: Fabric, asn: tuple[int, ...], router_id: tuple[int, ...], sessions: Underlay
) -> Best:
    """By node and origin: whether the best path is tagged, its nodes, and next hops."""
    ends = [s for s in sessions.sessions if s.up]
    ends.sort(key=lambda s: (s.node, router_id[s.peer], numbered(s.port)))
    speakers = [
        v.index
        for v in fabric.nodes
        if v.role is not Role.HOST and v.index not in fabric.down_nodes
    ]
    best: Best = {(v, v): (v in fabric.drained, (v,), []) for v in speakers}
    while True:
        now = {key: known for key, known in best.items() if key[0] == key[1]}
        for node in speakers:
            for origin in speakers:
                if node == origin:
                    continue
                found = []
                for s in (s for s in ends if s.node == node):
                    if (s.peer, origin) not in best:
                        continue
                    if fabric.nodes[s.peer].role is Role.DPU and s.peer != origin:
                        continue
                    tag, path, _ = best[s.peer, origin]
                    if asn[node] in {asn[v] for v in path}:
                        continue
                    found.append((tag or node in fabric.drained, len(path), path, s))
                if found:
                    first = min(found, key=lambda f: f[:2])
                    alike = [f for f in found if f[:2] == first[:2]]
                    hops = [(f[3].peer, f[3].link) for f in alike]
                    now[node, origin] = first[0], (node, *first[2]), hops
        if now == best:
            return best
        best = now
