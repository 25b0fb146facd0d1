"""The twin of `sim.diff.diff`: two worlds compared packet by packet, member by member.

Knows the rules of comparison (`sim.diff.peers`, `sim.diff.outside`) as text only, and asks the
definition (`compiler.policy.semantics`, by way of `naive`) about every packet. A fact is (kind,
source, target, relation, version, number of the probe); source and target are a member's name, or
an address with the name of who owns it where the packets pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import product
from typing import Any

from naive_members import Unit, joints, related, units
from naive_passes import across, between, imagined, kinds, way
from naive_worlds import L4, World, leads, outer, vrf_name

from compiler.policy.semantics import owner

Fact = tuple[Any, ...]


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
        was, now = (
            {vrf_name(w, u.endpoint) for u in members}
            for w, members in zip(self.sides, (a, b), strict=True)
        )
        (old,), (new,) = was or now, now or was
        key = old, new, version, x
        if key not in self.known:
            self.known[key] = self._taken((old, new), version, x)
        return self.known[key]

    def _taken(self, vrfs: tuple[str, str], version: int, x: int) -> bool:
        led, owned, outward = [], False, False
        for w, vrf in zip(self.sides, vrfs, strict=True):
            if not any(v.name == vrf for v in w.network.vrfs):
                continue
            found = {
                w.network.vrfs[u].name: owner(w.network, u, version, x)
                for u in leads(w, vrf, version, x)
            }
            inside = {name: e for name, e in found.items() if e is None or not outer(e)}
            out = any(name != vrf and name not in inside for name in found)
            if vrf in inside:
                owned |= inside.pop(vrf) is not None or self.declared(vrfs, version, x)
            else:
                outward = out and w is self.sides[1]
            led.append({*inside})
        return not outward and (owned or bool(set.intersection(*led)))

    def declared(self, vrfs: tuple[str, str], version: int, x: int) -> bool:
        """Whether prefixes of the VRFs hold it in either world."""
        address = ip_address(x.to_bytes(4 if version == 4 else 16, "big"))
        return any(
            address in p
            for w in self.sides
            for v in w.network.vrfs
            if v.name in vrfs
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
