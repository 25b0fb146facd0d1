"""THE definition: what a policy says about one packet at one enforcement point.

No sets, no tables, no atoms, no caches: rules are read from the policy one by one, in the words of
`compiler.policy.ir`. Everything faster in cloison is tested against this file, so keep it short and
obviously right.

What happens between two enforcement points (routes, tunnels) is not policy: a flow passes when the
source's OUT and the destination's IN both permit it (Kubernetes NetworkPolicy API; DASH pipeline).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Matcher,
    Origin,
    Packet,
    Policy,
    Rule,
    Selection,
    Stage,
    Verdict,
)
from compiler.policy.kinds import DEFAULT
from compiler.policy.selectors import selects
from fabric.inventory import Endpoint
from fabric.network import Network
from fabric.ports import ANY

NO_POLICY = Origin(DEFAULT, "no rule matches")


def decide(policy: Policy, network: Network, packet: Packet) -> Verdict:
    """Evaluate the stages in order; `matched` says which origin decided each stage that exists."""
    local = network.endpoints[packet.local]
    matched: dict[Stage, Origin] = {}
    for stage in Stage:
        rules = [r for r in policy.rules if concerns(r, stage, packet, local, network)]
        selections = [s for s in policy.selections if concerns(s, stage, packet, local, network)]
        if not rules and not selections:
            continue
        action, matched[stage] = evaluate(rules, selections, packet, local, network)
        if action is Action.DENY:
            return Verdict(False, stage, matched)
        if action is Action.PERMIT_FINAL:
            break
    return Verdict(True, None, matched)


def concerns(
    item: Rule | Selection, stage: Stage, packet: Packet, local: Endpoint, network: Network
) -> bool:
    """Whether a rule or selection speaks about this stage, direction and local endpoint."""
    return (
        item.stage is stage
        and item.direction is packet.direction
        and any(selects(matcher, local, network) for matcher in item.local)
    )


def evaluate(
    rules: Sequence[Rule],
    selections: Sequence[Selection],
    packet: Packet,
    local: Endpoint,
    network: Network,
) -> tuple[Action, Origin]:
    """One stage: the first matching rule by order, else the default."""
    remote = owner(network, packet.remote_vrf, packet.version, packet.remote_ip)
    for rule in sorted(rules, key=lambda r: r.order):
        if any(
            remote_matches(matcher, packet, local, remote, network) for matcher in rule.remote
        ) and (not rule.l4 or any(l4_matches(l4, packet, local, remote) for l4 in rule.l4)):
            return rule.action, rule.origin
    for selection in selections:
        if selection.default is Action.DENY:
            return Action.DENY, selection.origin
    return Action.PERMIT, selections[0].origin if selections else NO_POLICY


def remote_matches(
    matcher: Matcher, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Network
) -> bool:
    """Whether the packet's remote side (address, VRF, and the endpoint that owns it) matches."""
    return matcher.means(packet, local, remote, network)


def l4_matches(l4: L4, packet: Packet, local: Endpoint, remote: Endpoint | None) -> bool:
    """Protocol and ports; a named port means what the destination's containers call so."""
    if l4.protocol not in (ANY, packet.protocol):
        return False
    if not l4.source_first <= packet.sport <= l4.source_last:
        return False
    if l4.name is None:
        return l4.first <= packet.dport <= l4.last
    destination = remote if packet.direction is Direction.OUT else local
    return destination is not None and any(
        (port.name, port.protocol, port.number) == (l4.name, packet.protocol, packet.dport)
        for port in destination.ports
    )


def owner(network: Network, vrf: int, version: int, ip: int) -> Endpoint | None:
    """The endpoint that owns an address behind a VRF: the most specific prefix, then the first."""
    address = (IPv4Address if version == 4 else IPv6Address)(ip)
    best: tuple[int, int] | None = None
    for endpoint in network.endpoints:
        for prefix in endpoint.prefixes:
            if endpoint.vrf == vrf and prefix.version == version and address in prefix:
                best = min(best or (1, 0), (-prefix.prefixlen, endpoint.index))
    return None if best is None else network.endpoints[best[1]]
