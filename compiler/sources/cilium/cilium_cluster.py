"""NetworkPolicies and cluster-wide policies as Cilium reads them.

Rules that hold here:

1. A NetworkPolicy's rules count in both directions, whatever `policyTypes` says; with a rule, or
   with the type, it isolates. Blocks mean addresses outside of the cluster alone.
2. Of ClusterNetworkPolicies the lowest priority comes first, rules of one priority by their index;
   of two with both in common a denial, then what accepts, then what passes on. What NetworkPolicies
   isolate goes on to the baseline all the same where no rule of them says anything of a packet.
3. A peer of an unknown kind is nobody where it accepts, and everybody, denied, where it does not.
4. `networks` mean addresses outside of the cluster alone; `domainNames` those that the tenant's
   file of names says, `*.` any names below; and they let the cluster's DNS be asked for them.
5. Policies with `nodes` are refused unless Cilium is told to read labels of nodes, so they say
   nothing here, which is told. AdminNetworkPolicies and their baseline it does not read at all.

Source: Cilium 1.20 `pkg/k8s/network_policy.go` and `cluster_network_policy.go`, its engine.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.policy.ir import L4, Action, Condition, Matcher, Origin, Stage
from compiler.policy.labels import LabelSelector
from compiler.policy.origin_kinds import NETWORK_POLICY, kind_of
from compiler.sources import admin_policy_objects, network_policy_v1
from compiler.sources.admin_policy_objects import (
    AdminPeer,
    AdminPolicy,
    AdminRule,
    Tier,
)
from compiler.sources.admin_policy_objects import (
    admin_policy as read_admin_policy,
)
from compiler.sources.cilium.cilium_ports import PortRule
from compiler.sources.cilium.cilium_selectors import (
    K8S,
    NAMESPACE,
    LabelTerm,
    LabelTerms,
    of_cluster,
    pods,
)
from compiler.sources.cilium.cilium_selectors import of_namespaces as namespace_terms
from compiler.sources.cilium.cilium_things import resolved
from compiler.sources.cilium.cilium_union import EVERYBODY, CiliumUnion
from compiler.sources.network_policy_v1 import AllowRule, NetworkPolicy, PolicyPeer
from fabric.diagnostics import Diagnostics, Span
from fabric.kubernetes.manifests import Manifests
from fabric.values.ports import ANY

READ = tuple(claim for claim in admin_policy_objects.CLAIMS if claim.kind == "ClusterNetworkPolicy")
PLACES = {Tier.ADMIN: Stage.ADMIN, Tier.BASELINE: Stage.BASELINE}
FIRST = (Action.DENY, Action.PERMIT_FINAL, Action.PERMIT)
DNS = (L4(ANY, name="dns"), L4(ANY, name="dns-tcp"))
SOMEWHERE = LabelTerm(K8S, NAMESPACE, "Exists", frozenset(), None)


def of_namespaces(union: CiliumUnion, problems: Diagnostics) -> None:
    """Rule 1."""
    for source in union.manifests.claimed(network_policy_v1.CLAIMS):
        item = network_policy_v1.network_policy(source, problems, every=True)
        name = f"{union.tenant}/{item.namespace}/{item.name}"
        own = pods(union.tenant, (*of_cluster(item.selector), inside(item.namespace)))
        local: tuple[Matcher, ...] = () if own is None else (own,)
        for direction, span in sorted(item.isolates.items()):
            union.close(direction, local, Origin(NETWORK_POLICY, name, span=span))
        for rule in item.rules:
            for remote, span in sides(union, item, rule):
                origin = Origin(NETWORK_POLICY, name, rule.index, span)
                union.allow(rule.direction, local, remote, PortRule(rule.l4 or (L4(),)), origin)


def sides(
    union: CiliumUnion, item: NetworkPolicy, rule: AllowRule
) -> Iterator[tuple[tuple[Matcher, ...], Span]]:
    """Whom a rule of a NetworkPolicy means, peer by peer."""
    if rule.peers is None:
        yield EVERYBODY, rule.span
    for peer in rule.peers or ():
        yield tuple(meant(union, item.namespace, peer)), peer.span


def meant(union: CiliumUnion, namespace: str, peer: PolicyPeer) -> Iterator[Matcher]:
    """Whom one of its peers means."""
    if peer.block is not None:
        yield union.identities.block(*peer.block)
    elif peer.namespaces is None:
        yield from union.identities.endpoints((*of_cluster(peer.labels), inside(namespace)))
    else:
        yield from union.identities.endpoints(everywhere(peer.namespaces, peer.labels))


def everywhere(namespaces: LabelSelector, labels: LabelSelector) -> LabelTerms:
    """Pods by labels of their namespaces and their own."""
    return (*namespace_terms(namespaces), SOMEWHERE, *of_cluster(labels))


def inside(namespace: str) -> LabelTerm:
    """Pods of one namespace."""
    return LabelTerm(K8S, NAMESPACE, "In", frozenset((namespace,)), None)


def of_administrators(union: CiliumUnion, problems: Diagnostics) -> None:
    """Rule 2."""
    found = [
        (item, rule, one)
        for item in wide_policies(union.manifests, problems)
        for rule in item.rules
        if readable(item)
        for one in said(union, rule)
    ]
    for item, rule, (action, remote, l4, conditions, span) in sorted(found, key=rank):
        own = pods(union.tenant, everywhere(*item.subject))
        local: tuple[Matcher, ...] = () if own is None else (own,)
        origin = Origin(kind_of(item.kind), f"{union.tenant}/{item.name}", rule.index, span)
        about = rule.direction, local, remote, l4 or (L4(),), origin
        union.add(PLACES[item.tier], action, *about, conditions)


def rank(found: tuple[AdminPolicy, AdminRule, Said]) -> tuple[bool, float, int, str]:
    """By what Cilium asks what cluster-wide policies say, peer by peer."""
    item, rule, (action, *_) = found
    order = item.priority + rule.index / 100
    return item.tier is Tier.BASELINE, order, FIRST.index(action), item.name


def wide_policies(manifests: Manifests, problems: Diagnostics) -> list[AdminPolicy]:
    """The cluster-wide policies that Cilium reads."""
    return [read_admin_policy(source, problems, cilium=True) for source in manifests.claimed(READ)]


def readable(item: AdminPolicy) -> bool:
    """Rule 5."""
    return all(peer.nodes is None for rule in item.rules for peer in rule.peers)


Said = tuple[Action, tuple[Matcher, ...], tuple[L4, ...], tuple[Condition, ...], Span]


def said(union: CiliumUnion, rule: AdminRule) -> Iterator[Said]:
    """What a rule does to whom, peer by peer; rules 3 and 4."""
    for peer in rule.peers:
        if peer.closed:
            if rule.action is not Action.PERMIT_FINAL:
                yield Action.DENY, EVERYBODY, rule.l4, (), peer.span
        elif peer.pods is not None:
            found = tuple(union.identities.endpoints(everywhere(*peer.pods)))
            yield rule.action, found, rule.l4, (), peer.span
        for prefix, span in peer.networks:
            yield rule.action, (union.identities.block(prefix),), rule.l4, (), span
        if peer.names:
            yield from named(union, rule, peer)


def named(union: CiliumUnion, rule: AdminRule, peer: AdminPeer) -> Iterator[Said]:
    """Rule 4, of names."""
    resolver = LabelTerm("any", "k8s-app", "In", frozenset(("kube-dns",)), None)
    asked = f"the name asked for is {' or '.join(peer.names)}"
    to_dns = tuple(union.identities.endpoints((resolver,)))
    yield rule.action, to_dns, DNS, (asked,), peer.span
    for name in peer.names:
        plain = name.lower().rstrip(".")
        below = f"*{plain}" if plain.startswith("*") else ""
        found = resolved("" if below else plain, below, union.identities.names) or ()
        for prefix in found:
            yield rule.action, (union.identities.block(prefix),), rule.l4, (), peer.span
