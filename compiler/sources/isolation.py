"""Tenant isolation and its exceptions: the ISOLATION stage.

Rules that hold here:

1. The default is to deny, in both directions and for every endpoint. A route permits nothing.
2. Inside its own VRF an endpoint may talk to everyone. Two VRFs of one tenant are as far apart as
   two tenants; with one VRF per namespace that overrides what Kubernetes policies allow across
   namespaces (`lints` says so).
3. Peerings, leaks and what follows from transit permit what `fabric.intent.intents` says: towards
   the prefixes that the other side offers, from the prefixes that this side offers, on their ports.
   An endpoint is one side or none; but of its two IP versions one may be offered alone, and then
   the permit is for that one: what the other sends would be answered elsewhere or not at all.
4. Zone crossings with a declared intent pass here; the zones' own stages decide about them.

A permit is written for both enforcement points: OUT at the side that opens the connection, IN at
the side that accepts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count, groupby

from compiler.policy import origin_kinds
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    InVrf,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.source import Source, all_read, no_mistakes, ordered
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic
from fabric.intent.offers import Intent
from fabric.plan.per_namespace import NODES
from fabric.plan.pools import bounds
from fabric.values.inventory import Prefix
from fabric.values.ports import PortRange

Sides = tuple[InVrf, ...]
Spans = tuple[tuple[int, int, int], ...]
"""IP version, first and last address of prefixes."""
Dual = defaultdict[str, list[Spans]]
UNASKED = Origin(origin_kinds.DEFAULT, "tenant isolation")


def policy(network: Network) -> Policy:
    """The isolation stage of a network (rules 1 to 4)."""
    orders = count()
    rules = [*own_vrfs(network, orders), *crossings(network, orders)]
    selections = tuple(
        Selection(Stage.ISOLATION, direction, (Everyone(),), Action.DENY, UNASKED)
        for direction in Direction
    )
    return Policy(tuple(rules), selections)


def own_vrfs(network: Network, orders: Iterator[int]) -> Iterator[Rule]:
    """Rule 2."""
    for vrf in network.vrfs:
        here = (InVrf(frozenset((vrf.name,))),)
        origin = Origin(origin_kinds.TENANT, vrf.name, span=vrf.span)
        yield from permits(next(orders), here, here, (), origin)


def crossings(network: Network, orders: Iterator[int]) -> Iterator[Rule]:
    """Rules 3 and 4: one pair of rules per intent, server VRF and way to open connections."""
    dual = with_both(network)
    for _, group in groupby(network.intents, key=cause):
        members = list(group)
        origin = origin_of(members[0])
        for opens_a in (True, False):
            both = [i for i in members if (i.a if opens_a else i.b) in i.opens]
            near = sides((i, i.a if opens_a else i.b) for i in both)
            far = sides((i, i.b if opens_a else i.a) for i in both)
            for here, there in by_version(dual, near, far):
                yield from permits(next(orders), here, there, l4(both[0].ports), origin)


def cause(intent: Intent) -> tuple[str, str, str, tuple[PortRange, ...]]:
    """Intents that differ in the `a` side alone become one rule: one leak to many clients."""
    distinct = intent.b if intent.kind != "peering" else f"{intent.a} {intent.b}"
    return intent.kind, intent.name, distinct, intent.ports


def origin_of(intent: Intent) -> Origin:
    """The line that a person would call the cause of a crossing."""
    return Origin(origin_kinds.kind_of(intent.kind), intent.name, span=intent.span)


def sides(members: Iterable[tuple[Intent, str]]) -> Sides:
    """What one side of each intent offers, as matchers; a side that offers nothing is left out."""
    out = dict.fromkeys(
        InVrf(frozenset((vrf,)), intent.offered(vrf))
        for intent, vrf in members
        if intent.offered(vrf)
    )
    return tuple(out)


def by_version(dual: Dual, near: Sides, far: Sides) -> Iterator[tuple[Sides, Sides]]:
    """Both sides of a crossing; each IP version for itself if some endpoint of either side offers
    one and has the other too. A crossing of which a side offers nothing is left out."""
    whole = [(near, far)]
    if any(halved(dual, side) for side in (*near, *far)):
        whole = [(of_version(near, version), of_version(far, version)) for version in (4, 6)]
    yield from ((here, there) for here, there in whole if here and there)


def halved(dual: Dual, side: InVrf) -> bool:
    """Whether this side offers one IP version of an endpoint that has two."""
    offered = spans(side.prefixes or ())
    for vrf in side.vrfs:
        for own in dual[vrf]:
            versions = {
                version
                for version, low, high in own
                for other, first, last in offered
                if version == other and low <= last and first <= high
            }
            if len(versions) == 1:
                return True
    return False


def spans(prefixes: Iterable[Prefix]) -> Spans:
    """Where prefixes begin and end."""
    return tuple((prefix.version, *bounds(prefix)) for prefix in prefixes)


def with_both(network: Network) -> Dual:
    """The prefixes of each endpoint that has both IP versions, by its VRF's name."""
    found: Dual = defaultdict(list)
    for endpoint in network.endpoints:
        if len({prefix.version for prefix in endpoint.prefixes}) > 1:
            found[network.vrfs[endpoint.vrf].name].append(spans(endpoint.prefixes))
    return found


def of_version(sides: Sides, version: int) -> Sides:
    """What sides offer of one IP version."""
    offers = ((s, tuple(p for p in s.prefixes or () if p.version == version)) for s in sides)
    return tuple(replace(side, prefixes=prefixes) for side, prefixes in offers if prefixes)


def permits(
    order: int,
    near: Sides,
    far: Sides,
    ports: tuple[L4, ...],
    origin: Origin,
) -> Iterator[Rule]:
    """A connection from `near` to `far`, at both enforcement points."""
    out, into = Direction.OUT, Direction.IN
    yield Rule(Stage.ISOLATION, out, order, near, far, ports, Action.PERMIT, origin)
    yield Rule(Stage.ISOLATION, into, order, far, near, ports, Action.PERMIT, origin)


def l4(ports: tuple[PortRange, ...]) -> tuple[L4, ...]:
    """Port ranges in the words of the IR."""
    return tuple(
        L4(p.protocol, p.first, p.last, None, p.source_first, p.source_last) for p in ports
    )


def lints(network: Network, policy: Policy | None = None) -> tuple[Diagnostic, ...]:
    """Doubtful, not wrong: Kubernetes policies that one VRF per namespace silently overrides."""
    out = []
    for name, tenant in sorted(network.spec.tenants.items()):
        vrfs = [v for v in network.vrfs if v.tenant == name and v.name != f"{name}/{NODES}"]
        if tenant.vrf_per == "namespace" and len(vrfs) > 1:
            out.append(
                Diagnostic(
                    "C690",
                    f'tenant "{name}" has one VRF per namespace: namespaces cannot reach each '
                    "other, whatever its NetworkPolicies allow",
                    network.spec.at("tenants", name, "vrf_per"),
                    "declare a peering between the VRFs that must talk, or use vrf_per: tenant",
                    "warning",
                )
            )
    return tuple(out)


SOURCE = Source("tenant isolation", policy, lints, no_mistakes, (), all_read, ordered)
