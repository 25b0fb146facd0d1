"""Who reaches whom, on which ports, and because of what: the rows of `reach`.

Pods of one workload that fare alike share a row. Causes are the rules that permit (defaults left
out), at the source's and at the destination's enforcement point: NetworkPolicies, leaks, peerings,
zone rules, the tenant's own VRF.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler.ir import Origin
from fabric.inventory import Endpoint
from fabric.network import Network
from fabric.ports import PortRange
from sim.blame import Cause, crossings
from sim.expect import selected
from sim.l4 import rows as port_rows
from sim.matrix import SILENT
from sim.reachability import Bits, Reach, decisions
from sim.resolve import endpoint, split_port
from sim.witness import on_leg

ANYTHING = (PortRange(),)


@dataclass(frozen=True, slots=True)
class Access:
    """What `source` may open to `target`: `ports` is a set of L4 atoms, `pairs` counts endpoints'
    (source, destination, family). Between VRFs `routes` says of the first pair what brings the
    routes there and back across."""

    source: str
    target: str
    families: tuple[int, ...]
    ports: Bits
    out: tuple[Origin, ...]
    into: tuple[Origin, ...]
    pairs: int
    routes: tuple[Cause, ...] = ()

    def row(self, reach: Reach) -> dict[str, Any]:
        """As JSON, with ports both structured and as text."""
        return {
            "source": self.source,
            "destination": self.target,
            "ports": reach.space.text(self.ports),
            "ports_list": port_rows(reach.space, self.ports),
            "families": [f"IPv{version}" for version in self.families],
            "pairs": self.pairs,
            "by": [
                {
                    "direction": direction,
                    "kind": origin.kind,
                    "name": origin.name,
                    "rule": origin.rule,
                    "line": None if origin.span is None else str(origin.span),
                }
                for direction, origins in (("egress", self.out), ("ingress", self.into))
                for origin in origins
            ],
            "routes": [
                {
                    "what": cause.title,
                    "part": cause.part,
                    "line": None if cause.span is None else str(cause.span),
                }
                for cause in self.routes
            ],
        }


def workload(endpoint: Endpoint) -> str:
    """The workload that a pod belongs to, else the endpoint itself, by full name."""
    if endpoint.workload is None:
        return endpoint.name
    return f"{endpoint.name.rpartition('/')[0]}/{endpoint.workload}"


def ends(network: Network, text: str | None) -> tuple[Bits, Sequence[PortRange]]:
    """The endpoints and ports that `NAME[:PORT]` stands for: a pattern, a name, or an address;
    everything when there is no text. `InputError` when it is nothing."""
    if text is None:
        return np.ones(len(network.endpoints), np.bool_), ANYTHING
    name, port = split_port(text)
    chosen = selected(name, network)
    if not chosen.any():
        chosen = np.zeros(len(network.endpoints), np.bool_)
        chosen[endpoint(network, name).index] = True
    return chosen, ANYTHING if port is None else (port,)


def access(
    reach: Reach, src: Bits, dst: Bits, ports: Sequence[PortRange] = ANYTHING
) -> list[Access]:
    """Everything that passes from `src` to `dst` (bool per endpoint) on `ports`, sorted."""
    mask = reach.space.touching(ports)
    pairs = reach.pairs
    open_ = np.asarray((reach.sets & mask).any(axis=1))
    row = np.flatnonzero(src[pairs.src] & dst[pairs.dst] & open_[pairs.some])
    names = [workload(e) for e in reach.network.endpoints]
    groups: dict[tuple[str, str, int], list[int]] = {}
    for i in row.tolist():
        key = names[int(pairs.src[i])], names[int(pairs.dst[i])], int(pairs.some[i])
        groups.setdefault(key, []).append(i)
    causes = _Causes(reach, mask)
    return [
        Access(
            source,
            target,
            tuple(sorted(set(pairs.version[members].tolist()))),
            reach.sets[chosen] & mask,
            *causes.of(members),
            len(members),
            _routes(reach, members[0], mask),
        )
        for (source, target, chosen), members in sorted(groups.items())
    ]


def _routes(reach: Reach, pair: int, mask: Bits) -> tuple[Cause, ...]:
    """What brings the routes of a pair across VRFs, on the first leg that is open."""
    first, last = int(reach.pairs.first[pair]), int(reach.pairs.last[pair])
    leg = next(i for i in range(first, last) if (reach.sets[reach.leg_set[i]] & mask).any())
    ends = (reach.network.endpoints[int(side[leg])] for side in (reach.legs.src, reach.legs.dst))
    if len({e.vrf for e in ends}) == 1:
        return ()
    l4 = reach.space.pick(reach.sets[reach.leg_set[leg]] & mask)
    assert l4 is not None, "an open leg without a packet"
    trace = on_leg(reach, leg, l4).trace(reach)
    return tuple(cause for _, cause in crossings(reach.network, trace))


class _Causes:
    """Origins behind legs, worked out once per pair of block rows."""

    def __init__(self, reach: Reach, mask: Bits) -> None:
        self.reach = reach
        self.mask = mask
        self.origin: dict[int, int] = {
            entry.id: entry.origin
            for group in reach.program.groups
            for entry in (*group.entries, group.default_entry)
        }
        self.known: dict[tuple[int, int], tuple[frozenset[int], frozenset[int]]] = {}

    def of(self, pairs: Sequence[int]) -> tuple[tuple[Origin, ...], tuple[Origin, ...]]:
        """What permits on the legs of these pairs, at the source and at the destination."""
        out: set[int] = set()
        into: set[int] = set()
        for pair in pairs:
            first, last = int(self.reach.pairs.first[pair]), int(self.reach.pairs.last[pair])
            keys = zip(
                self.reach.legs.out_key[first:last].tolist(),
                self.reach.legs.in_key[first:last].tolist(),
                strict=True,
            )
            for key in set(keys):
                if key not in self.known:
                    self.known[key] = self._origins(*key)
                out |= self.known[key][0]
                into |= self.known[key][1]
        return self._named(out), self._named(into)

    def _origins(self, out_key: int, in_key: int) -> tuple[frozenset[int], frozenset[int]]:
        blocks = self.reach.blocks
        found = decisions(blocks, np.array([out_key, in_key]))
        both = blocks.dec_permit[found].all(axis=0) & self.mask
        out, into = (self._entries(np.unique(side[both])) for side in found)
        return out, into

    def _entries(self, found: Any) -> frozenset[int]:
        entries = np.unique(self.reach.blocks.dec_entries[found])
        return frozenset(self.origin[e] for e in entries.tolist() if e >= 0)

    def _named(self, origins: Iterable[int]) -> tuple[Origin, ...]:
        named = (self.reach.program.origins[o] for o in origins)
        spoken = (o for o in named if o.kind not in SILENT)
        return tuple(sorted(spoken, key=lambda o: (o.kind, o.name, o.rule or 0)))
