"""What one cluster with Cilium says, in the making: its identities, its groups, its rules.

Rules that hold here:

1. Every peer becomes a rule of its own, so that what matched has a line. The index is that of the
   item in the user's list.
2. What a proxy looks at, and authentication, are conditions. Of several rules that allow, one that
   looks at no request lets every request pass; but where one asks for authentication, it is asked
   for, unless one that says `disabled` is narrower in ports than all that ask. One that always
   fails says so: what passes the policy does not get through.
3. A denial of some types of ICMP leaves the others: that is a condition of what is allowed.
4. Of what the node that a pod runs on sends it a proxy lets every request pass, where a rule means
   that node too.

Source: Cilium 1.20, its engine (`mapstate.go`, `l4.go`: `createL4IngressFilter`; it is told to
allow localhost always, as it is by default).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count

from compiler.policy.ir import (
    L4,
    Action,
    Condition,
    Direction,
    Everyone,
    Matcher,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.origin_kinds import DEFAULT
from compiler.policy.stages import WIDEST
from compiler.sources.cilium import cilium_selectors
from compiler.sources.cilium.cilium_identities import Identities
from compiler.sources.cilium.cilium_peers import (
    BlockPeer,
    CiliumPeer,
    DomainPeer,
    EndpointPeer,
    EntityPeer,
    GroupPeer,
    ServicePeer,
)
from compiler.sources.cilium.cilium_ports import PortRule, widened
from compiler.sources.cilium.cilium_things import (
    addresses_behind,
    chosen_groups,
    chosen_services,
    cidr_groups,
    pods_behind,
    resolved,
)
from fabric.building.network import Network
from fabric.diagnostics import Diagnostics
from fabric.values.ports import ANY

ALLOW, SILENT = Action.PERMIT_FINAL, Action.PERMIT
OWN_NODE = Origin(DEFAULT, "from the pod's own node")
FAILS = "mutual authentication succeeds, which test-always-fail never lets it"
AUTHENTICATED = {"required": "mutual authentication succeeds", "test-always-fail": FAILS}


class CiliumUnion:
    """The rules and selections of one tenant."""

    def __init__(
        self, network: Network, tenant: str, problems: Diagnostics, orders: Iterator[int]
    ) -> None:
        self.tenant, self.orders = tenant, orders
        self.manifests = network.manifests[tenant]
        self.identities = Identities(network, tenant, problems)
        self.groups = cidr_groups(self.manifests, problems)
        self.rules: list[Rule] = []
        self.selections: list[Selection] = []
        self._released: list[Rule] = []

    def policy(self) -> Policy:
        """Everything that was added; the pods' own nodes may open connections to what is left."""
        if not self.rules and not self.selections:
            return Policy()
        own = self._own
        everybody = (self._pods(),)
        place = Stage.CILIUM_DEFAULT, Direction.IN, next(self.orders)
        host = Rule(*place, everybody, own, (), SILENT, OWN_NODE)
        asking = [r for r in self.rules if r.stage is Stage.CONDITION and r.conditions]
        released = [r for r in self._released if narrower(r, asking)]
        return Policy((*self.rules, *released, host), tuple(self.selections), WIDEST)

    @cached_property
    def _own(self) -> tuple[Matcher, ...]:
        return tuple(self.identities.entity("host"))

    def _pods(self) -> Matcher:
        found = cilium_selectors.pods(self.tenant, ())
        assert found is not None
        return found

    def meant(self, peer: CiliumPeer, namespace: str | None) -> tuple[Matcher, ...]:
        """Whom a peer means, of a policy of a namespace or of none."""
        match peer:
            case EndpointPeer():
                terms = cilium_selectors.peer(peer.terms, namespace)
                return tuple(self.identities.endpoints(terms))
            case EntityPeer():
                return tuple(self.identities.entity(peer.name))
            case BlockPeer():
                return (self.identities.block(peer.prefix, peer.excepts),)
            case GroupPeer():
                found = (p for g in chosen_groups(peer, self.groups) for p in g.prefixes)
                return tuple(self.identities.block(prefix, peer.excepts) for prefix in found)
            case ServicePeer():
                return tuple(self._behind(peer))
            case DomainPeer():
                addresses = resolved(peer.name, peer.pattern, self.identities.names) or ()
                return tuple(map(self.identities.block, addresses))
            case _:
                return ()

    def _behind(self, peer: ServicePeer) -> Iterator[Matcher]:
        for service in chosen_services(peer, self.manifests):
            terms = pods_behind(service)
            if terms is not None:
                yield from self.identities.endpoints(terms)
            else:
                addresses = addresses_behind(service, self.manifests)
                yield from map(self.identities.block, addresses)

    def allow(
        self,
        direction: Direction,
        local: tuple[Matcher, ...],
        remote: tuple[Matcher, ...],
        ports: PortRule,
        origin: Origin,
        mode: str = "",
    ) -> None:
        """Rules 2 and 4."""
        about = direction, local, remote, ports.l4, origin
        self.add(Stage.CILIUM, ALLOW, *about, ports.conditions)
        if direction is Direction.IN and ports.conditions and not ports.unless:
            own = [one for one in self._own if one in remote or Everyone() in remote]
            unseen = direction, local, tuple(own), ports.l4, OWN_NODE
            self.add(Stage.CILIUM, ALLOW, *unseen, tuple(map(widened, ports.conditions)))
        if mode in AUTHENTICATED:
            self.add(Stage.CONDITION, SILENT, *about, (AUTHENTICATED[mode],))
        elif mode and remote:
            place = Stage.CONDITION, direction, next(self.orders)
            self._released.append(Rule(*place, local, remote, ports.l4, SILENT, origin))

    def deny(
        self,
        direction: Direction,
        local: tuple[Matcher, ...],
        remote: tuple[Matcher, ...],
        ports: PortRule,
        origin: Origin,
    ) -> None:
        """Rule 3."""
        about = direction, local, remote, ports.l4, origin
        if ports.unless:
            self.add(Stage.CONDITION, SILENT, *about, ports.unless)
        else:
            self.add(Stage.CILIUM, Action.DENY, *about)

    def add(
        self,
        stage: Stage,
        action: Action,
        direction: Direction,
        local: tuple[Matcher, ...],
        remote: tuple[Matcher, ...],
        l4: Sequence[L4],
        origin: Origin,
        conditions: tuple[Condition, ...] = (),
    ) -> None:
        """One rule; none where nobody is meant."""
        if local and remote:
            found = () if any(one == L4(ANY) for one in l4) else tuple(l4)
            self.rules.append(
                Rule(stage, direction, next(self.orders), local, remote, found, action, origin,
                     conditions)
            )  # fmt: skip

    def close(self, direction: Direction, local: tuple[Matcher, ...], origin: Origin) -> None:
        """Deny what is left to or from these pods."""
        if local:
            self.selections.append(
                Selection(Stage.CILIUM_DEFAULT, direction, local, Action.DENY, origin)
            )


def narrower(rule: Rule, asking: Sequence[Rule]) -> bool:
    """Whether the ports of a rule lie inside those of all others that it meets, and are fewer."""
    against = [other for other in asking if other.direction is rule.direction]
    return all(
        not _meet(mine, theirs) or (_inside(mine, theirs) and not _inside(theirs, mine))
        for other in against
        for mine in rule.l4 or (L4(),)
        for theirs in other.l4 or (L4(),)
    )


def _meet(one: L4, other: L4) -> bool:
    alike = ANY in (one.protocol, other.protocol) or one.protocol == other.protocol
    if None not in (one.name, other.name) or (one.name or other.name):
        return alike
    return alike and one.first <= other.last and other.first <= one.last


def _inside(one: L4, other: L4) -> bool:
    if other.protocol not in (ANY, one.protocol):
        return False
    if one.name or other.name:
        return other.name in (None, one.name) and (other.name is not None or _whole(other))
    return other.first <= one.first and one.last <= other.last


def _whole(l4: L4) -> bool:
    return (l4.first, l4.last) == (L4().first, L4().last)


EVERYBODY: tuple[Matcher, ...] = (Everyone(),)


def orders() -> Iterator[int]:
    """Numbers for rules of all tenants."""
    return count()
