"""networking.k8s.io/v1 NetworkPolicy: the WORKLOAD stage.

Rules that hold here:

1. A policy isolates the pods it selects, in its directions: what no rule of any such policy allows
   is denied. There is no order and no deny among them.
2. An absent or empty list of peers means everybody, an absent or empty list of ports everything.
3. The node that a pod runs on may always open connections to it.
4. Every peer becomes a rule of its own, so that what matched has a line: an ipBlock's is that of
   its CIDR. The index is that of the rule in the user's list.
5. A tenant's manifests are one cluster; its policies speak of its own pods only.
6. Clusters in which Cilium enforces policies are left to `compiler.sources.cilium.cilium_policy`.

Source: kubernetes/api `networking/v1/types.go`; the reading of objects is in
`compiler.sources.network_policy_v1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    Origin,
    OwnNode,
    Pods,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.origin_kinds import DEFAULT, NETWORK_POLICY
from compiler.policy.source import Source, all_read, dialect_of, no_lints, ordered
from compiler.sources.network_policy_v1 import CLAIMS, AllowRule, NetworkPolicy, network_policy
from fabric.building.network import Network
from fabric.diagnostics import Diagnostics
from fabric.kubernetes.manifests import Manifests
from fabric.values.dialects import KUBERNETES

OWN_NODE = Origin(DEFAULT, "from the pod's own node")


def policy(network: Network) -> Policy:
    """Every tenant's policies, in file order; raises one `InputError` with every mistake."""
    problems = Diagnostics()
    known: dict[int, tuple[NetworkPolicy, ...]] = {}
    out = Policy()
    orders = count()
    for tenant, manifests in sorted(network.manifests.items()):
        if dialect_of(network, tenant) != KUBERNETES:
            continue
        if id(manifests) not in known:
            known[id(manifests)] = tuple(
                network_policy(source, problems) for source in manifests.claimed(CLAIMS)
            )
        pods_in_blocks = network.spec.tenants[tenant].ipblock == "pods"
        out += cluster(tenant, known[id(manifests)], pods_in_blocks, orders)
    problems.check()
    return out


def cluster(
    tenant: str, policies: Sequence[NetworkPolicy], pods_in_blocks: bool, orders: Iterator[int]
) -> Policy:
    """The policies of one tenant."""
    if not policies:
        return Policy()
    rules = [own_node(tenant, next(orders))]
    selections: list[Selection] = []
    for item in policies:
        selections += isolation(tenant, item)
        for rule in item.rules:
            rules += allowances(tenant, item, rule, pods_in_blocks, orders)
    return Policy(tuple(rules), tuple(selections))


def own_node(tenant: str, order: int) -> Rule:
    """Rule 3."""
    everybody = (Pods(tenant),)
    return Rule(
        Stage.WORKLOAD, Direction.IN, order, everybody, (OwnNode(),), (), Action.PERMIT, OWN_NODE
    )


def isolation(tenant: str, item: NetworkPolicy) -> Iterator[Selection]:
    """Rule 1."""
    for direction, span in sorted(item.isolates.items()):
        origin = Origin(NETWORK_POLICY, f"{tenant}/{item.namespace}/{item.name}", span=span)
        local = (Pods(tenant, item.selector, item.namespace),)
        yield Selection(Stage.WORKLOAD, direction, local, Action.DENY, origin)


def allowances(
    tenant: str,
    item: NetworkPolicy,
    rule: AllowRule,
    pods_in_blocks: bool,
    orders: Iterator[int],
) -> Iterator[Rule]:
    """Rules 2 and 4."""
    name = f"{tenant}/{item.namespace}/{item.name}"
    local = (Pods(tenant, item.selector, item.namespace),)
    remotes = (
        [(Everyone(), rule.span)]
        if rule.peers is None
        else [(p.matcher(tenant, item.namespace, pods_in_blocks), p.span) for p in rule.peers]
    )
    for remote, span in remotes:
        origin = Origin(NETWORK_POLICY, name, rule.index, span)
        yield Rule(
            Stage.WORKLOAD, rule.direction, next(orders), local, (remote,), rule.l4, Action.PERMIT,
            origin,
        )  # fmt: skip


def mistakes(manifests: Manifests, problems: Diagnostics) -> None:
    """What is wrong with the policies of manifests, whatever else there is."""
    for source in manifests.claimed(CLAIMS):
        network_policy(source, problems)


SOURCE = Source("NetworkPolicy", policy, no_lints, mistakes, CLAIMS, all_read, ordered)
