"""Cluster-wide policies (AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy): the
ADMIN stage before the policies of namespaces, the BASELINE stage behind them.

Rules that hold here:

1. Of the policies of a tier that select a pod the lowest priority is asked first, of its rules the
   first in its list; the first that matches decides. Nobody decides what no rule matches. Who comes
   first of two with one priority is not defined: here the first by name (C676 tells). Nor is it of
   the two versions of the API, which may stand side by side: here their priorities count as one.
2. Accept (Allow) and Deny are final. Pass leaves the tier for the next one.
3. A NetworkPolicy that isolates a pod in a direction has the last word there: then the baseline is
   not asked in this direction.
4. `networks` hold addresses of pods too, `nodes` the addresses that Node objects report.
5. A rule that lets through and has a peer of an unknown kind lets nothing through, whatever its
   other peers are; one that denies or passes on denies everything (C675 tells).
6. Nobody knows which addresses a domain name has, nor the labels of nodes without an object, nor in
   a cluster without a fabric the addresses of all nodes, unless their objects say them: such a peer
   matches nothing here, and what the policy is about is unknown.
7. Version v1alpha1 takes an empty list of ports and does not say what it is: here every port, and
   what the policy is about is unknown.
8. Where only addresses are unknown that no endpoint is known to have, it is packets to the outside
   that are unknown; all of them, where nodes have doors to pods.
9. Clusters in which Cilium enforces policies are left to `compiler.sources.cilium.cilium_policy`.

Source: network-policy-api `apis/v1alpha2/clusternetworkpolicy_types.go`, for rule 3 its blog
"Getting started with ANP", which speaks of each direction; the reading of objects is in
`compiler.sources.admin_policy_objects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network
from itertools import count

from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    Matcher,
    Named,
    Origin,
    Pods,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.labels import LabelSelector, labels_match
from compiler.policy.origin_kinds import LAST_WORD, kind_of
from compiler.policy.source import Otherwise, Source, dialect_of
from compiler.policy.stages import TIERED
from compiler.sources import network_policy_v1
from compiler.sources.admin_policy_objects import CLAIMS as CLAIMS
from compiler.sources.admin_policy_objects import (
    AdminPeer,
    AdminPolicy,
    AdminRule,
    Tier,
    admin_policy,
)
from fabric.building.cluster import is_cluster, nodes_are_placed
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Diagnostics, Span
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.address_sets import address_in
from fabric.values.dialects import KUBERNETES
from fabric.values.names import NODE

OUTSIDE = "0.0.0.0", "::"
"""Addresses that nobody has but whoever has all others."""
STAGE = {Tier.ADMIN: Stage.ADMIN, Tier.BASELINE: Stage.BASELINE}


def policy(network: Network) -> Policy:
    """Every tenant's policies; raises one `InputError` with every mistake."""
    problems = Diagnostics()
    found = {t: read(m, problems) for t, m in clusters(network)}
    problems.check()
    orders, out = count(), Policy()
    for tenant, policies in found.items():
        if policies:
            rules = tuple(cluster(network, tenant, policies, orders))
            out += Policy(rules, stages=TIERED)
    return out


def clusters(network: Network) -> Iterator[tuple[str, Manifests]]:
    """The tenants of which this source reads policies, by name, with their manifests (rule 9)."""
    for tenant, manifests in sorted(network.manifests.items()):
        if dialect_of(network, tenant) == KUBERNETES:
            yield tenant, manifests


def read(manifests: Manifests, problems: Diagnostics) -> tuple[AdminPolicy, ...]:
    """The policies of a cluster, in the order in which they are asked (rule 1)."""
    found = (admin_policy(source, problems) for source in manifests.claimed(CLAIMS))
    return tuple(sorted(found, key=lambda p: (*rank(p), p.name)))


def cluster(
    network: Network, tenant: str, policies: Sequence[AdminPolicy], orders: Iterator[int]
) -> Iterator[Rule]:
    """The policies of one tenant, and before its baseline who is not asked (rule 3)."""
    if any(p.tier is Tier.BASELINE for p in policies):
        yield from decided_before(network, tenant, orders)
    for item in policies:
        local = (subject(tenant, item.subject),)
        for rule in item.rules:
            place = STAGE[item.tier], rule.direction
            for action, remote, l4, span in meant(network, tenant, rule):
                origin = Origin(kind_of(item.kind), f"{tenant}/{item.name}", rule.index, span)
                yield Rule(*place, next(orders), local, (remote,), l4, action, origin)


def decided_before(network: Network, tenant: str, orders: Iterator[int]) -> Iterator[Rule]:
    """Rule 3."""
    for source in network.manifests[tenant].claimed(network_policy_v1.CLAIMS):
        item = network_policy_v1.network_policy(source, Diagnostics())
        local = (Pods(tenant, item.selector, item.namespace),)
        for direction, span in sorted(item.isolates.items()):
            name = f"NetworkPolicy {item.namespace}/{item.name} has the last word"
            origin = Origin(LAST_WORD, name, span=span)
            place = Stage.BASELINE, direction, next(orders)
            yield Rule(*place, local, (Everyone(),), (), Action.PERMIT_FINAL, origin)


def subject(tenant: str, selectors: tuple[LabelSelector, LabelSelector]) -> Pods:
    """Pods by labels of their namespaces and their own."""
    namespaces, labels = selectors
    return Pods(tenant, labels, None, namespaces)


def meant(
    network: Network, tenant: str, rule: AdminRule
) -> Iterator[tuple[Action, Matcher, tuple[L4, ...], Span]]:
    """What a rule does to whom on which ports, peer by peer; rules 4 and 5."""
    closed = next((p for p in rule.peers if p.closed), None)
    if closed is not None:
        if rule.action is not Action.PERMIT_FINAL:
            yield Action.DENY, Everyone(), (), closed.span
        return
    for peer in rule.peers:
        if peer.pods is not None:
            yield rule.action, subject(tenant, peer.pods), rule.l4, peer.span
        for prefix, span in peer.networks:
            yield rule.action, Cidr(prefix, (), True, tenant), rule.l4, span
        if peer.nodes is not None:
            for matcher in nodes(network, tenant, peer.nodes):
                yield rule.action, matcher, rule.l4, peer.span


def nodes(network: Network, tenant: str, labels: LabelSelector) -> Iterator[Matcher]:
    """The nodes with these labels: every address that their objects report; without any label
    those too that have no object."""
    if not labels:
        yield Named((f"{tenant}/{NODE}/*",))
    for node in network.manifests[tenant].nodes:
        if labels_match(labels, node.labels):
            for text in node.everywhere:
                yield Cidr(ip_network(text), (), True, tenant)


def unread(network: Network) -> Iterator[Unevaluated]:
    """Rules 6 to 8."""
    for tenant, manifests in clusters(network):
        for source in manifests.claimed(CLAIMS):
            item = admin_policy(source, Diagnostics())
            for what, span, outside in _unknown(network, tenant, item):
                yield Unevaluated(
                    source.value["apiVersion"], item.kind, "", item.name, span, "policy", what,
                    "addresses" if outside else "cluster", tenant,
                    addresses=OUTSIDE if outside else (),
                )  # fmt: skip


def _unknown(network: Network, tenant: str, item: AdminPolicy) -> Iterator[tuple[str, Span, bool]]:
    """What of a policy cannot be evaluated, each thing once, and whether it is all outside."""
    peers = [p for rule in item.rules for p in rule.peers]
    named = next((p for p in peers if p.names), None)
    if named is not None:
        yield "nobody knows the addresses of its domain names", named.span, False
    emptied = next((rule.emptied for rule in item.rules if rule.emptied), None)
    if emptied is not None:
        yield "nobody defines whether an empty list of ports is all of them or none", emptied, False
    labelled = next((p for p in peers if p.nodes), None)
    if labelled is not None and (node := _without_object(network, tenant)):
        yield f"nobody knows the labels of nodes such as {node}", labelled.span, False
    placed = next((p for p in peers if p.nodes is not None), None)
    if placed is not None and is_cluster(network) and not nodes_are_placed(network):
        outside = not _has_doors(network, tenant)
        yield "nobody knows the addresses of all nodes", placed.span, outside


def _has_doors(network: Network, tenant: str) -> bool:
    """Whether anything opens on nodes or at addresses outside."""
    ports = (port for endpoint in network.endpoints for port in endpoint.ports)
    services = network.manifests[tenant].services
    return any(service.opened for service in services) or any(port.host for port in ports)


def _without_object(network: Network, tenant: str) -> str | None:
    """A node of a tenant whose address no Node object reports."""
    told = {
        address
        for node in network.manifests[tenant].nodes
        for address in map(address_in, node.everywhere)
    }
    for endpoint in network.endpoints:
        own = {prefix.network_address for prefix in endpoint.prefixes}
        if (endpoint.kind, endpoint.tenant) == ("node", tenant) and not own <= told:
            return endpoint.name
    return None


def otherwise(network: Network, policy: Policy) -> Iterator[Otherwise]:
    """Rule 1: what would be in force if others of one priority or version came first, each once."""
    found = {t: read(m, Diagnostics()) for t, m in clusters(network)}
    others = tuple(rule for rule in policy.rules if rule.stage not in STAGE.values())
    for tenant, policies in found.items():
        for first, item, why, moved in (*_alike(policies), *_of_two_versions(policies)):
            orders, rules = count(), list(others)
            for owner in found:
                rules += cluster(network, owner, moved if owner == tenant else found[owner], orders)
            what = f"{first.kind} {first.name} and {item.kind} {item.name} {why}, and no order"
            yield Otherwise(what, item.span, replace(policy, rules=tuple(rules)))


Order = tuple[AdminPolicy, AdminPolicy, str, Sequence[AdminPolicy]]
"""Two policies without an order, why they have none, and another order of all."""


def _alike(policies: Sequence[AdminPolicy]) -> Iterator[Order]:
    """Each that is not the first of its priority, before all of these. What passes on so leaves the
    packet to the baseline, whose orders are tried behind it."""
    for first, item, moved in _moved(policies, *Tier):
        why = f"have one priority, {item.priority}"
        yield first, item, why, moved
        if item.tier is Tier.ADMIN and any(r.action is Action.PERMIT for r in item.rules):
            yield from ((first, item, why, again) for *_, again in _moved(moved, Tier.BASELINE))


def _moved(
    policies: Sequence[AdminPolicy], *tiers: Tier
) -> Iterator[tuple[AdminPolicy, AdminPolicy, Sequence[AdminPolicy]]]:
    """Of each that is not the first of its priority: who is, the policy, and all with it first."""
    for item in policies:
        alike = [p for p in policies if rank(p) == rank(item) and newer(p) == newer(item)]
        if item.tier in tiers and item is not alike[0]:
            place = {id(p): number for number, p in enumerate(policies)}
            moved = sorted(policies, key=lambda p: (rank(p), p is not item, place[id(p)]))
            yield alike[0], item, moved


def _of_two_versions(policies: Sequence[AdminPolicy]) -> Iterator[Order]:
    """In each tier all of one version before all of the other: whoever may be first in its own may
    be first of all, and what one tier passes on the next one may decide otherwise."""
    orders = [policies, *(moved for *_, moved in _alike(policies))]
    for tier in Tier:
        mine = [p for p in policies if p.tier is tier]
        heads = [next((p for p in mine if newer(p) is side), None) for side in (True, False)]
        if heads[0] is None or heads[1] is None:
            continue
        found = [_first(order, tier, side) for side in (True, False) for order in orders]
        for order in found:
            yield heads[0], heads[1], "are of two versions", order
        orders += found


def _first(policies: Sequence[AdminPolicy], tier: Tier, side: bool) -> Sequence[AdminPolicy]:
    """Policies in an order in which those of one version come first in a tier."""
    return sorted(policies, key=lambda p: p.tier is tier and newer(p) is not side)


def newer(item: AdminPolicy) -> bool:
    """Whether a policy is of the version of the API that has one kind for both tiers."""
    return item.kind == "ClusterNetworkPolicy"


def rank(item: AdminPolicy) -> tuple[bool, int]:
    """By what policies are asked."""
    return item.tier is Tier.BASELINE, item.priority


def mistakes(manifests: Manifests, problems: Diagnostics) -> None:
    """What is wrong with the policies of manifests, whatever else there is."""
    read(manifests, problems)


def lints(network: Network, policy: Policy | None) -> Iterator[Diagnostic]:
    """Rule 5: what only looks as if it said something."""
    for _, manifests in clusters(network):
        for item in read(manifests, Diagnostics()):
            for rule in item.rules:
                yield from (_closed(item, rule, p) for p in rule.peers if p.closed)


def _closed(item: AdminPolicy, rule: AdminRule, peer: AdminPeer) -> Diagnostic:
    does = "lets nothing through" if rule.action is Action.PERMIT_FINAL else "denies everything"
    side = "ingress" if rule.direction is Direction.IN else "egress"
    what = f"{item.kind} {item.name}, {side} rule {rule.index}: nobody knows this kind of peer, so"
    return Diagnostic("C675", f"{what} it {does}", peer.span, None, "warning")


SOURCE = Source("cluster-wide policies", policy, lints, mistakes, CLAIMS, unread, otherwise)
