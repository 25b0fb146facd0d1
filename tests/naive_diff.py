"""The twin of `sim.diff`: two worlds compared packet by packet, member by member.

Knows the rules of comparison (`sim.peers`, `sim.outside`) as text only, and asks the definition
(`compiler.semantics`, by way of `naive`) about every packet. A fact is (kind, source, target,
relation, version, number of the probe); source and target are a member's name, or an address with
the name of who owns it where the packets pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import product
from typing import Any

import naive
from naive import Header

from compiler.ir import Cidr, Direction, InVrf, OwnNode, Packet, Policy, Verdict
from compiler.selectors import selects
from compiler.semantics import decide, owner
from fabric.inventory import Endpoint
from fabric.network import Network
from sim.reasons import Reason

L4 = tuple[int, int, int]
Fact = tuple[Any, ...]


@dataclass
class World:
    """One world; answers are remembered."""

    network: Network
    policy: Policy
    alone: bool = False
    known: dict[Any, Any] = field(default_factory=dict)

    def delivered(self, e: Endpoint, version: int, src: int, dst: int, l4: L4) -> list[int]:
        """To whom each choice of ECMP delivers a packet, -1 when it is dropped."""
        key = e.index, version, src, dst, l4
        if key not in self.known:
            header = Header(version, src, dst, *l4)
            found = naive.outcomes(self.policy, self.network, e.index, header, self.judge)
            self.known[key] = [o.dst if o.reason is Reason.DELIVERED else -1 for o in found]
        return self.known[key]

    def judge(self, policy: Policy, network: Network, packet: Packet) -> Verdict:
        """`decide`, of the rules alone that are about this endpoint and direction."""
        key = "about", packet.direction, packet.local
        if key not in self.known:
            e, n = network.endpoints[packet.local], network
            rules, selections = (
                tuple(
                    item
                    for item in items
                    if item.direction is packet.direction
                    and any(selects(m, e, n) for m in item.local)
                )
                for items in (policy.rules, policy.selections)
            )
            self.known[key] = Policy(rules, selections)  # type: ignore[arg-type]
        return decide(self.known[key], network, packet)

    def at(self, vrf: str, version: int, ip: int) -> Endpoint | None:
        """Who owns an address behind a VRF."""
        key = "owner", vrf, version, ip
        if key not in self.known:
            number = next((v.index for v in self.network.vrfs if v.name == vrf), None)
            self.known[key] = None if number is None else owner(self.network, number, version, ip)
        return self.known[key]


def outer(e: Endpoint) -> bool:
    """Whether an endpoint is compared by address."""
    return e.kind == "zone" or any(p.num_addresses > 1 for p in e.prefixes)


@dataclass(frozen=True)
class Unit:
    """An address of an endpoint, as a member of a peer."""

    peer: str
    name: str
    number: int
    version: int
    address: int
    endpoint: Endpoint
    answers: tuple[Any, ...]


def vrf_name(world: World, e: Endpoint) -> str:
    return world.network.vrfs[e.vrf].name


def units(
    world: World, other: World, only: str, policies: Sequence[Policy], uneven: set[str]
) -> list[Unit]:
    """Every unit, with what rules can see of it, and its host if it matters."""
    matchers = list(
        dict.fromkeys(
            m
            for policy in policies
            for m in (
                *(m for r in policy.rules for m in (*r.local, *r.remote)),
                *(m for s in policy.selections for m in s.local),
            )
            if not isinstance(m, OwnNode)
        )
    )
    prefixes: dict[Any, None] = {}
    for m in matchers:
        if isinstance(m, Cidr):
            prefixes.update(dict.fromkeys((m.prefix, *m.excepts)))
        if isinstance(m, InVrf):
            prefixes.update(dict.fromkeys(m.prefixes or ()))
    by_name = [m for m in matchers if not isinstance(m, (Cidr, InVrf))]
    names = {l4.name for p in policies for r in p.rules for l4 in r.l4 if l4.name}
    theirs = {e.name for e in other.network.endpoints if e.kind == "node"}
    out = []
    for e in world.network.endpoints:
        if outer(e):
            continue
        peers = []
        if e.kind == "pod":
            peers.append(
                (f"{e.name.rpartition('/')[0]}/{e.workload or e.name.split('/')[-1]}", e.name)
            )
        elif "/@node/" in e.name:
            tenant, _, host = e.name.partition("/@node/")
            suffix = host[host.index("@") :] if "@" in host else ""
            lone = "" if world.alone or e.name in theirs else f" {only}"
            peers.append((f"{tenant}/@node/*{suffix}{lone}", e.name))
        guests, others = hosted(world), set(hosted(other).values())
        peers += (
            (guests[alias], alias)
            for alias in e.aliases
            if "/@node/" not in e.name or guests[alias] not in others
        )
        numbers: dict[int, int] = defaultdict(int)
        for prefix in sorted(e.prefixes, key=lambda p: (p.version, int(p.network_address))):
            here = prefix.network_address
            around = [p.network_address for p in e.prefixes]
            seen = (
                *(selects(m, e, world.network) for m in by_name),
                *(here in p for p in prefixes),
                *(any(a in p for a in around) for p in prefixes),
                *sorted({(p.name, p.protocol, p.number) for p in e.ports if p.name in names}),
            )  # fmt: skip
            for peer, name in peers:
                number = numbers[prefix.version]
                host = e.host if peer in uneven else None
                answers = (vrf_name(world, e), (e.kind, e.host_network), host, *seen)
                out.append(Unit(peer, name, number, prefix.version, int(here), e, answers))
            numbers[prefix.version] += 1
    return out


def hosted(world: World) -> dict[str, str]:
    """Workloads of pods on the network of their nodes."""
    if "hosted" not in world.known:
        found = {}
        aliases = {a for e in world.network.endpoints for a in e.aliases}
        for tenant, manifests in world.network.manifests.items():
            for pod in manifests.pods:
                for alias in aliases:
                    name = f"{tenant}/{pod.namespace}/{pod.name}"
                    if pod.host_network and (
                        alias == name or (pod.per_host and alias.startswith(f"{name}-"))
                    ):
                        found[alias] = f"{tenant}/{pod.namespace}/{pod.workload}"
        world.known["hosted"] = found
    return world.known["hosted"]


def distance(a: Unit, b: Unit) -> int:
    """How many answers differ; a named port that one lacks is one."""
    n = min(i for i, x in enumerate((*a.answers[2:], ("end",))) if isinstance(x, tuple)) + 2
    plain = sum(x != y for x, y in zip(a.answers[:n], b.answers[:n], strict=True))
    return plain + len(set(a.answers[n:]) ^ set(b.answers[n:]))


def joints(old: list[Unit], new: list[Unit]) -> Iterator[tuple[str, int, list[Unit], list[Unit]]]:
    """Classes that are compared: peer, family, members in either world."""
    for peer, version in sorted({(u.peer, u.version) for u in (*old, *new)}):
        sides = []
        for every in (old, new):
            classes: dict[Any, list[Unit]] = defaultdict(list)
            for u in sorted(every, key=lambda u: (u.name, u.number)):
                if (u.peer, u.version) == (peer, version):
                    classes[u.answers].append(u)
            sides.append(classes)
        here, there = sides
        if not here or not there:
            yield from ((peer, version, c, []) for c in here.values())
            yield from ((peer, version, [], c) for c in there.values())
            continue
        pairs = set()
        for mine, theirs, turn in ((here, there, False), (there, here, True)):
            named = {(u.name, u.number): u for c in theirs.values() for u in c}
            for u in (u for c in mine.values() for u in c):
                twin = named.get((u.name, u.number)) or min(
                    (c[0] for c in theirs.values()),
                    key=lambda c: (distance(u, c), c.name, c.number),
                )
                pair = (u.answers, twin.answers)
                pairs.add(pair[::-1] if turn else pair)
        for a, b in sorted(pairs, key=repr):
            yield peer, version, here[a], there[b]


def related(a: Unit, b: Unit) -> bool:
    """Whether one is the node that the other runs on."""
    nodes = (a.endpoint.kind == "node") + (b.endpoint.kind == "node")
    return (
        nodes == 1
        and a.endpoint.host is not None
        and (a.endpoint.tenant, a.endpoint.host) == (b.endpoint.tenant, b.endpoint.host)
    )


def between(
    world: World, src: list[Unit], dst: list[Unit], own: bool, l4: L4
) -> tuple[bool, bool] | None:
    """May and must; None when there are no two of them."""
    if not src or not dst:
        return False, False
    found = [
        [
            got == b.endpoint.index
            for got in world.delivered(a.endpoint, a.version, a.address, b.address, l4)
        ]
        for a in src
        for b in dst
        if a.endpoint is not b.endpoint and related(a, b) == own
    ]
    if not found:
        return None
    return any(map(any, found)), all(x and all(x) for x in found)


def imagined(world: World, src: list[Unit], dst: list[Unit], l4: L4) -> tuple[bool, bool]:
    """One more of either: as with oneself, and nodes without the exemption of their own pods."""
    a, b = src[0], dst[0]
    rules = tuple(
        r for r in world.policy.rules if not any(isinstance(m, OwnNode) for m in r.remote)
    )
    policy = replace(world.policy, rules=rules)
    if a.endpoint is not b.endpoint:
        free = World(world.network, Policy())
        if not any(
            got == y.endpoint.index
            for x in src
            for y in dst
            if x.endpoint is not y.endpoint
            for got in free.delivered(x.endpoint, x.version, x.address, y.address, l4)
        ):
            return False, False
    out = Packet(Direction.OUT, a.endpoint.index, a.version, b.address, b.endpoint.vrf, *l4)
    into = Packet(Direction.IN, b.endpoint.index, b.version, a.address, a.endpoint.vrf, *l4)
    passes = all(decide(policy, world.network, p).permit for p in (out, into))
    return passes, passes


def kinds(was: tuple[bool, bool], now: tuple[bool, bool]) -> Iterator[str]:
    if now[0] and not was[0]:
        yield "gained"
    if was[0] and not now[0]:
        yield "lost"
    if now[0] and was[1] and not now[1]:
        yield "unsteady"
    if was[0] and now[1] and not was[1]:
        yield "steady"


@dataclass
class Twin:
    """Both worlds; `axis` has an address of every range that anything begins or ends."""

    old: World
    new: World
    axis: dict[int, list[int]]
    probes: list[L4]

    def __post_init__(self) -> None:
        self.sides = (self.old, self.new)
        policies = (self.old.policy, self.new.policy)
        self.known: dict[Any, Any] = {}
        self.moved = dict(self.moves())
        uneven: set[str] = set()
        for _ in range(2):
            self.units = (
                units(self.old, self.new, "old", policies, uneven),
                units(self.new, self.old, "new", policies, uneven),
            )
            uneven = {
                p for w, u in zip(self.sides, self.units, strict=True) for p in self.odd(w, u)
            }
            if not uneven:
                break
        self.joints = list(joints(*self.units))

    def odd(self, world: World, members: list[Unit]) -> Iterator[str]:
        """Peers with a class whose members fare differently."""
        classes: dict[Any, list[Unit]] = defaultdict(list)
        for u in members:
            classes[u.peer, u.version, u.answers].append(u)
        for a, b in product(classes.values(), repeat=2):
            for own in (False, True) if a[0].version == b[0].version else ():
                for _, l4 in self.numbered(a[0].version):
                    found = {
                        between(world, [x], [y], own, l4)
                        for x in a
                        for y in b
                        if x.endpoint is not y.endpoint and related(x, y) == own
                    }
                    if len(found) > 1:
                        yield from (a[0].peer, b[0].peer)
        for mine, vrf, inward in product(classes.values(), self.zone_vrfs(), (False, True)):
            version = mine[0].version
            for x in self.axis[version]:
                e = world.at(vrf, version, x)
                for _, l4 in self.numbered(version):
                    if len({way(world, [u], x, version, e, l4, inward) for u in mine}) > 1:
                        yield mine[0].peer

    def facts(self) -> set[Fact]:
        """Everything that fares differently."""
        return {*self.inside(), *self.ways(), *self.through()}

    def numbered(self, version: int) -> list[tuple[int, L4]]:
        """Probes that hosts send inside an IP version."""
        never = {4: 58, 6: 1}[version]
        return [(n, l4) for n, l4 in enumerate(self.probes) if l4[0] != never]

    def names(self, kind: str, a: list[Unit], b: list[Unit]) -> list[str]:
        """Members as they are where the packets pass, if they are there."""
        first, second = (b, a) if kind in ("gained", "steady") else (a, b)
        return [u.name for u in first or second]

    def inside(self) -> Iterator[Fact]:
        for (_, v1, a, a2), (_, v2, b, b2) in product(self.joints, repeat=2):
            for own in (False, True) if v1 == v2 else ():
                for number, l4 in self.numbered(v1):
                    was = between(self.old, a, b, own, l4)
                    now = between(self.new, a2, b2, own, l4)
                    lacking = not (a and b and a2 and b2)
                    if None in (was, now) and (own or lacking or was is now):
                        continue
                    was = was if was is not None else imagined(self.old, a, b, l4)
                    now = now if now is not None else imagined(self.new, a2, b2, l4)
                    for kind in kinds(was, now):
                        for s, t in product(self.names(kind, a, a2), self.names(kind, b, b2)):
                            yield kind, s, t, own, v1, number

    def zone_vrfs(self) -> list[str]:
        return sorted({vrf_name(w, e) for w in self.sides for e in w.network.endpoints if outer(e)})

    def before(self, vrf: str, version: int, ip: int) -> int | None:
        """The old world's address that is now `ip`; None when it moved away."""
        if (vrf, version, ip) in self.moved:
            return None
        return next(
            (a for (z, v, a), b in self.moved.items() if (z, v, b) == (vrf, version, ip)), ip
        )

    def ways(self) -> Iterator[Fact]:
        for (_, version, a, b), vrf in product(self.joints, self.zone_vrfs()):
            for x in self.axis[version]:
                if self.taken(a, b, version, x):
                    continue
                then = self.before(vrf, version, x)
                owners = [
                    None if ip is None else w.at(vrf, version, ip)
                    for w, ip in zip(self.sides, (then, x), strict=True)
                ]
                names = [e.name if e is not None and outer(e) else None for e in owners]
                for number, l4 in self.numbered(version):
                    for inward in (False, True):
                        was, now = (
                            way(w, members, ip, version, e, l4, inward)
                            for w, members, ip, e in zip(
                                self.sides, (a, b), (then, x), owners, strict=True
                            )
                        )
                        for kind in kinds(was, now):
                            name = names[kind in ("gained", "steady")]
                            for member in self.names(kind, a, b):
                                ends = ((name, x), member)
                                yield (
                                    kind,
                                    *(ends if inward else ends[::-1]),
                                    False,
                                    version,
                                    number,
                                )

    def through(self) -> Iterator[Fact]:
        for src, dst in product(self.zone_vrfs(), repeat=2):
            for version in (4, 6):
                for x, y in product(self.axis[version], repeat=2):
                    ips = (
                        (self.before(src, version, x), self.before(dst, version, y)),
                        (x, y),
                    )
                    owners = []
                    for w, (s, d) in zip(self.sides, ips, strict=True):
                        mine = None if s is None else w.at(src, version, s)
                        theirs = None if d is None else w.at(dst, version, d)
                        owners.append((mine, theirs))
                    for number, l4 in self.numbered(version):
                        was, now = (
                            across(w, s, d, *ends, version, l4)
                            for w, (s, d), ends in zip(self.sides, ips, owners, strict=True)
                        )
                        for kind in kinds(was, now):
                            one, two = owners[kind in ("gained", "steady")]
                            assert one is not None
                            assert two is not None
                            yield kind, (one.name, x), (two.name, y), False, version, number

    def taken(self, a: list[Unit], b: list[Unit], version: int, x: int) -> bool:
        """Whether an address is not outside for a class."""
        vrfs = {
            vrf_name(w, u.endpoint)
            for w, members in zip(self.sides, (a, b), strict=True)
            for u in members
        }
        return any(self.taken_from(vrf, version, x) for vrf in vrfs)

    def taken_from(self, vrf: str, version: int, x: int) -> bool:
        key = vrf, version, x
        if key not in self.known:
            self.known[key] = self._taken(vrf, version, x)
        return self.known[key]

    def _taken(self, vrf: str, version: int, x: int) -> bool:
        free = False
        for w in self.sides:
            for tenant_vrf in leads(w, vrf, version, x):
                found = owner(w.network, tenant_vrf, version, x)
                if found is not None and not outer(found):
                    return True
                free |= found is None
        return free and self.declared(vrf, version, x)

    def declared(self, vrf: str, version: int, x: int) -> bool:
        """Whether prefixes of the VRF, or of those that it leads to in both worlds, hold it."""
        seen = []
        for w in self.sides:
            if any(v.name == vrf for v in w.network.vrfs):
                found = {vrf}
                for v, ips in self.axis.items():
                    for ip in ips:
                        found |= {w.network.vrfs[u].name for u in leads(w, vrf, v, ip)}
                seen.append(found)
        both = set.intersection(*seen)
        address = ip_address(x.to_bytes(4 if version == 4 else 16, "big"))
        return any(
            address in p
            for w in self.sides
            for v in w.network.vrfs
            if v.name in both
            for p in v.prefixes
        )

    def moves(self) -> Iterator[tuple[tuple[str, int, int], int]]:
        """Where zone endpoints with single addresses went, if nobody else of the zones is there."""
        for e in self.old.network.endpoints:
            for f in self.new.network.endpoints:
                alike = e.name == f.name and outer(e) and outer(f)
                if not alike or any(p.num_addresses > 1 for p in (*e.prefixes, *f.prefixes)):
                    continue
                vrf = vrf_name(self.old, e)
                for version in (4, 6):
                    was, now = (
                        sorted(int(p.network_address) for p in x.prefixes if p.version == version)
                        for x in (e, f)
                    )
                    if len(was) == len(now) and vrf == vrf_name(self.new, f):
                        for x, y in zip(was, now, strict=True):
                            others = self.new.at(vrf, version, x), self.old.at(vrf, version, y)
                            if x != y and not any(o is not None and outer(o) for o in others):
                                yield (vrf, version, x), y


def leads(world: World, vrf: str, version: int, ip: int) -> set[int]:
    """Tenants' VRFs to which a VRF routes an address, at any VTEP."""
    key = "leads", vrf, version, ip
    if key not in world.known:
        found = set()
        for vtep, number in world.network.fib.instances:
            if world.network.vrfs[number].name == vrf:
                route = world.network.fib.lookup(vtep, number, version, ip)
                found |= {hop.vrf for hop in route.nexthops} if route else set()
        world.known[key] = {u for u in found if world.network.vrfs[u].zone == 1}
    return world.known[key]


def way(
    world: World, members: list[Unit], ip: int | None, version: int, e: Endpoint | None, l4: L4,
    inward: bool,
) -> tuple[bool, bool]:  # fmt: skip
    """May and must between a class and an outside address that `e` owns."""
    if not members or ip is None or e is None or not outer(e):
        return False, False
    found = []
    for u in members:
        if inward:
            got = world.delivered(e, version, ip, u.address, l4)
            found.append([x == u.endpoint.index for x in got])
        else:
            got = world.delivered(u.endpoint, version, u.address, ip, l4)
            found.append([x == e.index for x in got])
    return any(map(any, found)), all(x and all(x) for x in found)


def across(
    world: World, src: int | None, dst: int | None, one: Endpoint | None, two: Endpoint | None,
    version: int, l4: L4,
) -> tuple[bool, bool]:  # fmt: skip
    """May and must between two outside addresses."""
    if src is None or dst is None or one is None or two is None or one is two:
        return False, False
    if not outer(one) or not outer(two):
        return False, False
    got = [x == two.index for x in world.delivered(one, version, src, dst, l4)]
    return any(got), bool(got) and all(got)
