"""Lines about what pods may not send to their own nodes.

Egress policies are held against connections of a pod to its own node, as `networking/v1/types.go`
has it. The page on NetworkPolicy allows traffic to that node whatever policies say, and plug-ins
differ: what these lines say rests on one that holds pods to their policies there. Tenants with
Cilium are left out: it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import numpy as np

from compiler.policy.points import Direction
from compiler.policy.stages import Owner
from compiler.program.program import Program
from fabric.building.network import Network
from fabric.values.dialects import KUBERNETES
from sim.proof.expectations.expect import speaking
from sim.proof.expectations.judged_claims import Claim, Outcome
from sim.proof.pairs.reachability import Bits
from sim.proof.routes.paths import Column


def own_node_lines(program: Program, outcomes: Sequence[Outcome]) -> list[Claim]:
    """Lines that hold and deny something between a pod that egress policies hold, and its own
    node."""
    network = program.network
    node = np.array([e.kind == "node" for e in network.endpoints], np.bool_)
    pod = _held(program) & ~node
    denying = [o.claim for o in outcomes if o.holds and o.claim.kind in ("deny", "only")]
    if not (pod.any() and node.any() and denying):
        return []
    places = {(e.tenant, e.host): e.index for e in network.endpoints if e.kind == "node"}
    place = np.array([places.get((e.tenant, e.host), -1) for e in network.endpoints], np.int64)
    ends = cache(lambda end: speaking(network, end))

    def own(source: str, target: str) -> bool:
        return _may_share(source, target) and any(
            _shared(place, src & pod, dst & node)
            for src, dst in zip(ends(source).T, ends(target).T, strict=True)
        )

    return [claim for claim in denying if any(own(*ways) for ways in _ways(claim))]


def _held(program: Program) -> Bits:
    """Endpoints of which a policy of a cluster that is not Cilium's says what they may send."""
    network: Network = program.network
    ours = [at for at, stage in enumerate(program.stages) if stage.owner is Owner.CLUSTER]
    held = np.asarray((program.bindings[Direction.OUT][:, ours] >= 0).any(axis=1))
    spec = network.spec
    others = {name for name, t in spec.tenants.items() if t.dialect != KUBERNETES} if spec else ()
    return held & np.array([e.tenant not in others for e in network.endpoints], np.bool_)


def _ways(claim: Claim) -> Iterator[tuple[str, str]]:
    for part in claim.each:
        if part.pods is None:
            yield part.source, part.target
            if part.both_ways:
                yield part.target, part.source


def _may_share(source: str, target: str) -> bool:
    """Whether two ends may have members of one tenant, by their first parts."""
    first, second = (end.partition("/")[0] for end in (source, target))
    literal = all(part and not set(part) & set("*?[,.:") for part in (first, second))
    return first == second or not literal


def _shared(place: Column, src: Bits, dst: Bits) -> bool:
    here: Iterable[int] = set(place[src].tolist()) - {-1}
    return not set(here).isdisjoint(place[dst].tolist())
