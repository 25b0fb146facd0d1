"""Whether two worlds decide alike about every packet, by what blocks and proofs are made of.

This errs on one side: worlds that decide alike may be told apart, where they number what they have
otherwise. Lines and names of files say nothing about packets and do not count.
"""

from __future__ import annotations

import numpy as np

from compiler.policy.domain import Domain
from compiler.program.program import Program
from fabric.building.network import Network
from fabric.values.inventory import wherever_written
from sim.blocks.field_classes import FieldClasses


def decide_alike(a: Program, b: Program) -> bool:
    """Whether two programs say the same about the same endpoints, in networks that are alike."""
    return (
        (a.stages, a.policy.enforced) == (b.stages, b.policy.enforced)
        and np.array_equal(a.bindings, b.bindings)
        and a.groups == b.groups
        and [(o.kind, o.name) for o in a.origins] == [(o.kind, o.name) for o in b.origins]
        and FieldClasses.of_policy(a.policy) == FieldClasses.of_policy(b.policy)
        and alike(a.domain, b.domain)
    )


def alike(a: Domain, b: Domain) -> bool:
    """Whether nothing differs between two networks that programs, blocks or proofs read: then a
    policy that was compiled for one holds in the other, whatever else their files say. Likewise of
    domains without routes; one with routes is like none without."""
    if a is b:
        return True
    if not _same_things(a, b) or a.nodes != b.nodes:
        return False
    if not (isinstance(a, Network) and isinstance(b, Network)):
        return not (isinstance(a, Network) or isinstance(b, Network))
    return (
        a.fabric.links == b.fabric.links
        and a.fabric.failed == b.fabric.failed
        and a.plan.loopback == b.plan.loopback
        and a.rewrites == b.rewrites
        and (a.fib.instances, a.fib.nexthop_sets) == (b.fib.instances, b.fib.nexthop_sets)
        and [r.prefixes for r in a.fib.vrf_routes] == [r.prefixes for r in b.fib.vrf_routes]
        and all(map(np.array_equal, a.fib.chosen, b.fib.chosen))
        and a.underlay.speeds == b.underlay.speeds
        and a.underlay.same_next_hops(b.underlay)
        and a.routes == b.routes
    )


def _same_things(a: Domain, b: Domain) -> bool:
    """Whether two domains have the same VRFs and endpoints, wherever they are written."""
    here, there = ([wherever_written(e) for e in n.endpoints] for n in (a, b))
    vrfs, others = ([wherever_written(vrf) for vrf in n.vrfs] for n in (a, b))
    return (here, vrfs) == (there, others)
