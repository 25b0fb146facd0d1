"""Clusters in which Cilium enforces policies (`dialect: cilium-1.20`): one union of all of them.

Rules that hold here:

1. Cilium's own policies and NetworkPolicies are one union: what any rule denies is denied; else
   what any allows is allowed, and nobody else is asked; the rest goes on behind the baseline.
2. What is left there is denied for the pods that some policy of that union is about, in the
   directions in which it is, unless each says otherwise (`enableDefaultDeny`). The node that a pod
   runs on may open connections to it all the same, unless a rule denies that. Of a policy that
   leaves what is left alone, what it asks of requests and queries lets all of them pass.
3. Peers are identities (`compiler.sources.cilium.cilium_identities`); what rules ask of them is in
   `compiler.sources.cilium.cilium_union`.
4. Policies about hosts are not about pods: the host firewall enforces them, which is not evaluated.

Source: Cilium 1.20 documentation (Policy Enforcement Modes, Deny Policies, Layer 7) and its engine
(`l4.go`: `ensureWildcard`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from compiler.policy.ir import Matcher, Origin, Policy
from compiler.policy.source import Source, dialect_of, no_mistakes, ordered
from compiler.sources.cilium import cilium_selectors
from compiler.sources.cilium.cilium_cluster import of_administrators, of_namespaces
from compiler.sources.cilium.cilium_kinds import CLAIMS, KINDS
from compiler.sources.cilium.cilium_objects import (
    CiliumPolicy,
    CiliumRule,
    CiliumSpec,
    cilium_policy,
)
from compiler.sources.cilium.cilium_port_names import unresolved
from compiler.sources.cilium.cilium_ports import widened
from compiler.sources.cilium.cilium_union import EVERYBODY, CiliumUnion, orders
from compiler.sources.cilium.cilium_unread import clusters, lints, unread
from fabric.building.network import Network
from fabric.diagnostics import Diagnostics
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.dialects import CILIUM


def policy(network: Network) -> Policy:
    """Every such tenant's policies; raises one `InputError` with every mistake."""
    problems, out, numbers = Diagnostics(), Policy(), orders()
    for tenant in sorted(network.manifests):
        if dialect_of(network, tenant) != CILIUM:
            continue
        out += union_of(network, tenant, problems, numbers)
    problems.check()
    return out


def union_of(
    network: Network, tenant: str, problems: Diagnostics, numbers: Iterator[int] | None = None
) -> Policy:
    """What the policies of one tenant's cluster say."""
    union = CiliumUnion(network, tenant, problems, numbers or orders())
    for source in union.manifests.claimed(KINDS):
        of_cilium(union, cilium_policy(source, problems))
    of_namespaces(union, problems)
    of_administrators(union, problems)
    return union.policy()


def unknown(network: Network) -> Iterator[Unevaluated]:
    """What is not evaluated: things that nobody knows, and names of ports of identities."""
    yield from unread(network)
    for tenant, _ in clusters(network):
        said = partial(union_of, network, tenant, Diagnostics())
        yield from unresolved(network, tenant, said)


def of_cilium(union: CiliumUnion, item: CiliumPolicy) -> None:
    """Rules 1 and 2, of one policy."""
    name = f"{union.tenant}/{item.title}"
    for found in item.specs:
        local = subject(union, item, found)
        for direction, (closed, span) in sorted(found.closes.items()):
            if closed:
                union.close(direction, local, Origin(item.kind, name, span=span))
        for rule in found.rules:
            closed, _ = found.closes[rule.direction]
            of_rule(union, item, rule if closed else anything(rule), local, name)


def subject(union: CiliumUnion, item: CiliumPolicy, found: CiliumSpec) -> tuple[Matcher, ...]:
    """The pods that a policy is about; none of one about hosts (rule 4)."""
    if found.hosts:
        return ()
    terms = cilium_selectors.subject(found.subject, item.namespace)
    pods = cilium_selectors.pods(union.tenant, terms)
    return () if pods is None else (pods,)


def of_rule(
    union: CiliumUnion, item: CiliumPolicy, rule: CiliumRule, local: tuple[Matcher, ...], name: str
) -> None:
    """One item of a list, peer by peer."""
    remotes = (
        [(EVERYBODY, rule.span)]
        if rule.peers is None
        else [(union.meant(peer, item.namespace), peer.span) for peer in rule.peers]
    )
    for remote, span in remotes:
        origin = Origin(item.kind, name, rule.index, span)
        for ports in rule.ports:
            if rule.deny:
                union.deny(rule.direction, local, remote, ports, origin)
            else:
                union.allow(rule.direction, local, remote, ports, origin, rule.mode)


def anything(rule: CiliumRule) -> CiliumRule:
    """A rule whose proxies look at requests and names as it says, and let all pass (rule 2)."""
    ports = (replace(one, conditions=tuple(map(widened, one.conditions))) for one in rule.ports)
    return replace(rule, ports=tuple(ports))


SOURCE = Source("Cilium's policies", policy, lints, no_mistakes, CLAIMS, unknown, ordered)
