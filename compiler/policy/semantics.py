"""THE definition: what a policy says about one packet on its way out of, or into, an endpoint.

No sets, no tables, no atoms, no caches: rules are read from the policy one by one, in the words of
`compiler.policy.ir`. Everything faster in cloison is tested against this file, so keep it short and
obviously right.

Stages stand in the order in which the packet meets the points that enforce them; what ends the
evaluation at one point says nothing to the next (`compiler.policy.points`).

What happens between two enforcement points (routes, tunnels) is not policy: a flow passes when the
source's OUT and the destination's IN both permit it (Kubernetes NetworkPolicy API; DASH pipeline).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network

from compiler.policy.domain import Domain
from compiler.policy.fields import hold
from compiler.policy.ir import (
    L4,
    Action,
    Condition,
    Direction,
    Matcher,
    Origin,
    Packet,
    Point,
    Policy,
    Rule,
    Selection,
    Stage,
    Verdict,
)
from compiler.policy.origin_kinds import DEFAULT
from compiler.policy.points import at_border
from compiler.policy.selectors import selects
from compiler.policy.stages import Combine, To, met
from compiler.requests.asked_requests import any_of
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY

NO_POLICY = Origin(DEFAULT, "no rule matches")
NO_BORDER = Origin(DEFAULT, "passes no border")
Found = tuple[Action, tuple[Origin, ...], tuple[Condition, ...]]
"""What a stage does, because of whom, and what must hold besides."""


def decide(policy: Policy, network: Domain, packet: Packet) -> Verdict:
    """Evaluate the stages in order; `matched` says which origins decided those that were asked."""
    local = network.endpoints[packet.local]
    matched: dict[Stage, tuple[Origin, ...]] = {}
    conditions: set[Condition] = set()
    skip_to: str | None = None
    ended: Point | None = None
    for stage, directions in zip(policy.stages, met(policy.stages), strict=True):
        if packet.direction not in directions or stage.at is ended:
            continue
        if skip_to not in (None, stage.name):
            continue
        skip_to = None
        rules = [r for r in policy.rules if concerns(r, stage, packet, local, network)]
        selections = [s for s in policy.selections if concerns(s, stage, packet, local, network)]
        if not rules and not selections and stage.silent:
            continue
        action, matched[stage], besides = evaluate(stage, rules, selections, packet, local, network)
        conditions.update(besides)
        to = stage.doing(action).to
        if to is To.DROP:
            return Verdict(False, stage, matched, tuple(sorted(conditions)))
        if to is To.END:
            ended = stage.at
        skip_to = to if isinstance(to, str) else None
    return Verdict(True, None, matched, tuple(sorted(conditions)))


def concerns(
    item: Rule | Selection, stage: Stage, packet: Packet, local: Endpoint, network: Domain
) -> bool:
    """Whether a rule or selection speaks about this stage, direction and local endpoint."""
    return (
        item.stage == stage
        and item.direction is packet.direction
        and any(selects(matcher, local, network) for matcher in item.local)
    )


def evaluate(
    stage: Stage,
    rules: Sequence[Rule],
    selections: Sequence[Selection],
    packet: Packet,
    local: Endpoint,
    network: Domain,
) -> Found:
    """One stage: what the rules that match say, else the default."""
    remotes = owners(network, packet.remote_vrf, packet.version, packet.remote_ip) or (None,)
    if all(passes_by(stage, local, remote, network) for remote in remotes):
        return Action.PERMIT, (NO_BORDER,), ()
    matching = (
        rule
        for rule in sorted(rules, key=lambda r: r.order)
        if any(rule_matches(rule, packet, local, remote, network) for remote in remotes)
    )
    first = next(matching, None)
    if first is not None:
        if stage.combine is Combine.FIRST_MATCH:
            return first.action, (first.origin,), first.conditions
        return strongest((first, *matching))
    for selection in selections:
        if selection.default is Action.DENY:
            return Action.DENY, (selection.origin,), ()
    if selections:
        return selections[0].default, (selections[0].origin,), ()
    return stage.default, (NO_POLICY,), ()


def passes_by(stage: Stage, local: Endpoint, remote: Endpoint | None, network: Domain) -> bool:
    """Whether a packet between these ends does not come to the point that enforces a stage."""
    ends = (local, remote)
    return stage.at is Point.BORDER and not any(at_border(end, network) for end in ends)


def strongest(matching: Sequence[Rule]) -> Found:
    """What rules that match say together where a deny wins, whatever their order; of permits those
    are named first that ask for nothing."""
    wins = (Action.DENY, Action.PERMIT_FINAL, Action.PERMIT)
    action = next(action for action in wins if any(r.action is action for r in matching))
    alike = [rule for rule in matching if rule.action is action]
    alike.sort(key=lambda rule: bool(rule.conditions))
    return action, tuple(dict.fromkeys(r.origin for r in alike)), required(action, alike)


def required(action: Action, rules: Sequence[Rule]) -> tuple[Condition, ...]:
    """What must hold where several rules say the same: nothing if one asks for nothing. Of permits
    that are the last word any is enough; where others are asked behind them, all conditions hold.
    """
    if not all(rule.conditions for rule in rules):
        return ()
    if action is Action.PERMIT_FINAL:
        return any_of([rule.conditions for rule in rules])
    return tuple(sorted({c for rule in rules for c in rule.conditions}))


def rule_matches(
    rule: Rule, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
) -> bool:
    """Whether a rule holds a packet whose remote address one endpoint owns, or nobody."""
    return any(remote_matches(m, packet, local, remote, network) for m in rule.remote) and (
        not rule.l4 or any(l4_matches(l4, packet, local, remote) for l4 in rule.l4)
    )


def remote_matches(
    matcher: Matcher, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
) -> bool:
    """Whether the packet's remote side (address, VRF, and the endpoint that owns it) matches."""
    return matcher.means(packet, local, remote, network)


def l4_matches(l4: L4, packet: Packet, local: Endpoint, remote: Endpoint | None) -> bool:
    """Protocol, ports and further fields; a named port means what the destination's containers call
    so."""
    if l4.protocol not in (ANY, packet.protocol) or not hold(l4.fields, packet.fields):
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


def owners(network: Domain, vrf: int, version: int, ip: int) -> tuple[Endpoint, ...]:
    """The endpoints that own an address behind a VRF: the most specific prefix, then the first; and
    where that is anycast, all whose it is as well."""
    first = owner(network, vrf, version, ip)
    one = ip_network((ip, 32 if version == 4 else 128))
    if first is None or one not in first.anycast:
        return () if first is None else (first,)
    return tuple(e for e in network.endpoints if e.vrf == vrf and one in e.anycast)


def owner(network: Domain, vrf: int, version: int, ip: int) -> Endpoint | None:
    """The first endpoint that owns an address behind a VRF, of those with the most specific
    prefix: who is meant where one has to be."""
    address = (IPv4Address if version == 4 else IPv6Address)(ip)
    best: tuple[int, int] | None = None
    for endpoint in (e for e in network.endpoints if e.vrf == vrf):
        for prefix in endpoint.prefixes:
            if prefix.version == version and address in prefix:
                best = min(best or (1, 0), (-prefix.prefixlen, endpoint.index))
    return None if best is None else network.endpoints[best[1]]
