"""A packet's way through the policies of its clusters, one line per end.

    [admin] pass (AdminNetworkPolicy acme/ask rule 0) → [workload] deny (NetworkPolicy acme/web/db)

Stages of the fabric file are left out, and those of which nobody says anything; so are ends at
which nothing is left.

The definition is asked, not the tables: these leave out stages that let everything pass. Cost: as
often as there are stages over all rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.policy.ir import Packet, Policy
from compiler.policy.semantics import NO_POLICY, concerns, decide, evaluate
from compiler.policy.stages import Owner
from fabric.building.network import Network
from sim.pipeline.trace import Trace
from sim.why.nearest import title

ARROW = " → "


def walkthrough(network: Network, policy: Policy, trace: Trace) -> dict[str, tuple[str, ...]]:
    """The steps at each end that asks policies of a cluster, in order: `egress` at the source,
    `ingress` at the destination."""
    ends = {"egress": trace.out, "ingress": trace.into}
    found = {
        side: tuple(_steps(network, policy, end.packet))
        for side, end in ends.items()
        if end is not None
    }
    return {side: steps for side, steps in found.items() if steps}


def _steps(network: Network, policy: Policy, packet: Packet) -> Iterator[str]:
    local = network.endpoints[packet.local]
    for stage in decide(policy, network, packet).matched:
        if stage.owner is not Owner.CLUSTER:
            continue
        rules = [r for r in policy.rules if concerns(r, stage, packet, local, network)]
        chosen = [s for s in policy.selections if concerns(s, stage, packet, local, network)]
        action, (origin, *_), _ = evaluate(stage, rules, chosen, packet, local, network)
        if origin is not NO_POLICY:
            because = origin.name if origin.kind.bare else title(origin)
            yield f"[{stage.label}] {stage.doing(action).said} ({because})"
