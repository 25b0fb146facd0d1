"""Peers: whom a comparison of two worlds compares with whom.

Rules that hold here:

1. Pods of one workload are one *peer*; so are the nodes of a tenant on hosts that both worlds have,
   and all nodes of a cluster without a fabric, where nodes come and go. A host that one world lacks
   is a peer of its own: it is a machine that joins or leaves a tenant. A workload on the network of
   its nodes fares as they do; it is a peer unless both worlds have it there, on the same nodes.
   Zone endpoints are no peers: see `sim.diff.outside`.
2. A *class* is what no rule of either world can tell apart within a peer: addresses (*units*) that
   the same matchers select, in the same blocks, with the same named ports, in the same VRF. Whether
   a node is the pod's own is about pairs, and so not part of it. Where members of a class fare
   differently all the same, because routes differ between their hosts (`uneven` peers), the host
   counts too.
3. Units of the same name are compared with each other: nobody may swap roles unnoticed. One without
   a namesake is compared with the class of its peer in the other world that it has most in common
   with; a new replica of an unchanged workload is so compared with its fellows.

So addresses, restarts, hosts and numbers of replicas do not count, unless a rule looks at them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from compiler.policy.ir import Matcher, Policy
from compiler.policy.selectors import selects
from fabric.building.cluster import is_cluster
from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Prefix, wherever_written
from sim.why.pod_classes import workload

NODE = "/@node/"
ELSEWHERE = frozenset(("vrf", "prefixes"))
"""What matchers look at that a class has in another way."""
_ByLooks = dict[tuple[str, ...], dict[str | None, list[tuple[int, Matcher]]]]
"""Matchers, numbered, by the fields of endpoints that they look at, and then by the namespace that
they are about, None for any."""


class Peer(NamedTuple):
    """`name` is a workload's full name or `tenant/@node/*`; `only` tells hosts of one world from
    those of both."""

    name: str
    only: str = ""


class Unit(NamedTuple):
    """One address of an endpoint, as a member of a peer; `number` counts its addresses of a
    family."""

    endpoint: int
    version: int
    address: int
    name: str
    number: int


class Key(NamedTuple):
    """What rules can see of a unit: see rule 2. `blocks` hold the address, `around` any address of
    the endpoint."""

    vrf: str
    kind: str
    selected: frozenset[int]
    blocks: frozenset[int]
    around: frozenset[int]
    ports: frozenset[tuple[str, int, int]]
    host: str | None = None

    def distance(self, other: Key) -> int:
        """How many answers differ."""
        own = (self.vrf != other.vrf) + (self.kind != other.kind) + (self.host != other.host)
        return own + sum(len(a ^ b) for a, b in zip(self._sets, other._sets, strict=True))

    @property
    def _sets(self) -> tuple[frozenset[Any], ...]:
        return self.selected, self.blocks, self.around, self.ports


@dataclass(frozen=True, slots=True)
class Class:
    """Units of one peer, family and key in one world."""

    peer: Peer
    version: int
    key: Key
    units: tuple[Unit, ...]


class Joint(NamedTuple):
    """Two classes of one peer that are compared, by number in either world; -1 where the peer has
    nothing of the family."""

    peer: Peer
    version: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Peers:
    """All classes of either world, and what is compared."""

    old: tuple[Class, ...]
    new: tuple[Class, ...]
    joints: tuple[Joint, ...]


def peers(
    old: Network, new: Network, policies: tuple[Policy, Policy], uneven: frozenset[Peer]
) -> Peers:
    """Match the peers of two worlds under these policies."""
    keys = _ClassKeys(policies, uneven)
    here = _classes(old, new, keys, "old")
    sides = [here, here if _alike(old, new) else _classes(new, old, keys, "new")]
    found: list[dict[tuple[Peer, int], list[int]]] = []
    for classes in sides:
        at: dict[tuple[Peer, int], list[int]] = defaultdict(list)
        for number, one in enumerate(classes):
            at[one.peer, one.version].append(number)
        found.append(at)
    joints = (
        Joint(peer, version, a, b)
        for peer, version in sorted({*found[0], *found[1]})
        for a, b in _matched(
            {n: sides[0][n] for n in found[0].get((peer, version), ())},
            {n: sides[1][n] for n in found[1].get((peer, version), ())},
        )
    )
    return Peers(sides[0], sides[1], tuple(joints))


def _alike(old: Network, new: Network) -> bool:
    """Whether two worlds have the same endpoints with the same numbers, wherever they are written:
    their classes are the same then."""
    ends = zip(old.endpoints, new.endpoints, strict=False)
    return (
        len(old.endpoints) == len(new.endpoints)
        and [vrf.name for vrf in old.vrfs] == [vrf.name for vrf in new.vrfs]
        and is_cluster(old) == is_cluster(new)
        and all(wherever_written(a) == wherever_written(b) for a, b in ends)
        and _guests(old) == _guests(new)
    )


def members(network: Network, other: Network, only: str) -> Iterator[tuple[Endpoint, Peer, str]]:
    """Endpoints with the peers that they belong to, and their names there (rule 1)."""
    hosts = {e.name for e in other.endpoints if e.kind == "node"}
    alone = is_cluster(network)
    guests, stay = _guests(network), _staying(network, other)
    for e in network.endpoints:
        if e.kind == "pod":
            yield e, Peer(workload(e)), e.name
        elif e.kind == "node":
            if NODE in e.name:
                apart = "" if alone or e.name in hosts else only
                tenant, _, host = e.name.partition(NODE)
                vrf = "".join(host.rpartition("@")[1:]) if "@" in host else ""
                yield e, Peer(f"{tenant}{NODE}*{vrf}", apart), e.name
            for alias in e.aliases:
                if NODE not in e.name or guests.get(alias, alias) not in stay:
                    yield e, Peer(guests.get(alias, alias)), alias


def _staying(network: Network, other: Network) -> set[str]:
    """Workloads that two worlds have on the network of the same nodes, pod by pod of one name."""
    here, there = _nodes_of(network), _nodes_of(other)
    return {
        name
        for name in here.keys() & there.keys()
        if sorted(here[name].values()) == sorted(there[name].values())
        and all(there[name].get(pod, node) == node for pod, node in here[name].items())
    }


def _nodes_of(network: Network) -> dict[str, dict[str, str]]:
    """Nodes by the workloads, and their pods, that are on their network."""
    guests, found = _guests(network), defaultdict[str, dict[str, str]](dict)
    for e in network.endpoints:
        for alias in e.aliases:
            found[guests.get(alias, alias)][alias] = e.name
    return found


def _guests(network: Network) -> dict[str, str]:
    """Full names of workloads by the full names of their pods on the network of a node."""
    aliases = {alias: e.host for e in network.endpoints for alias in e.aliases}
    out: dict[str, str] = {}
    for tenant, manifests in network.manifests.items() if aliases else ():
        for pod in manifests.pods:
            if pod.host_network:
                name = f"{tenant}/{pod.namespace}/{pod.name}"
                full = f"{tenant}/{pod.namespace}/{pod.workload}"
                if name in aliases:
                    out[name] = full
                if pod.per_host:
                    out.update((a, full) for a, h in aliases.items() if a == f"{name}-{h}")
    return out


def _classes(network: Network, other: Network, keys: _ClassKeys, only: str) -> tuple[Class, ...]:
    found: dict[tuple[Peer, int, Key], list[Unit]] = defaultdict(list)
    for e, peer, name in members(network, other, only):
        count, selected = {4: 0, 6: 0}, keys.selected(network, e)
        for prefix in sorted(e.prefixes, key=lambda p: (p.version, p)):
            first = int(prefix.network_address)
            unit = Unit(e.index, prefix.version, first, name, count[prefix.version])
            count[prefix.version] += 1
            found[peer, prefix.version, keys.key(network, e, prefix, peer, selected)].append(unit)
    made = [Class(*key, tuple(sorted(units, key=_named))) for key, units in found.items()]
    return tuple(sorted(made, key=lambda c: (c.peer, c.version, _named(c.units[0]))))


def _named(unit: Unit) -> tuple[str, int]:
    return unit.name, unit.number


def _matched(old: dict[int, Class], new: dict[int, Class]) -> list[tuple[int, int]]:
    """Pairs of class numbers to compare (rule 3)."""
    if not old or not new:
        return [(n, -1) for n in old] + [(-1, n) for n in new]
    if len(old) == len(new) == 1:
        return [(next(iter(old)), next(iter(new)))]
    here, there = ({_named(u): n for n, c in side.items() for u in c.units} for side in (old, new))
    out = {(here[name], there[name]) for name in here.keys() & there.keys()}
    out |= {(here[name], _nearest(old[here[name]], new)) for name in here.keys() - there.keys()}
    out |= {(_nearest(new[there[name]], old), there[name]) for name in there.keys() - here.keys()}
    return sorted(out)


def _nearest(wanted: Class, among: dict[int, Class]) -> int:
    """The class that has most in common with another, the first of several."""
    return min(among, key=lambda n: (wanted.key.distance(among[n].key), n))


class _ClassKeys:
    """What the rules of both worlds can tell apart."""

    def __init__(self, policies: tuple[Policy, Policy], uneven: frozenset[Peer]) -> None:
        self.uneven = uneven
        matchers: dict[Matcher, None] = {}
        names: set[str] = set()
        for policy in policies:
            for rule in policy.rules:
                matchers.update(dict.fromkeys((*rule.local, *rule.remote)))
                names |= {l4.name for l4 in rule.l4 if l4.name is not None}
            for selection in policy.selections:
                matchers.update(dict.fromkeys(selection.local))
        self.names = frozenset(names)
        self.pods: dict[str, _ByLooks] = defaultdict(_by_looks)
        self.named = _by_looks()
        prefixes: dict[Prefix, None] = {}
        for number, matcher in enumerate(matchers):
            prefixes.update(dict.fromkeys(matcher.cuts()))
            looks = tuple(sorted(matcher.looks() - ELSEWHERE))
            if looks:
                match matcher.inside():
                    case "tenant", tenants:
                        for tenant in tenants:
                            asked = self.pods[tenant][looks]
                            asked[matcher.in_namespace()].append((number, matcher))
                    case _:
                        self.named[looks][None].append((number, matcher))
        self.blocks = {version: _PrefixesOfFamily(prefixes, version) for version in (4, 6)}
        self.known: dict[object, frozenset[int]] = {}
        self.told: dict[int, tuple[Mapping[str, str], frozenset[tuple[str, str]]]] = {}

    def key(
        self,
        network: Network,
        endpoint: Endpoint,
        prefix: Prefix,
        peer: Peer,
        selected: frozenset[int],
    ) -> Key:
        """The key of one address of a member, which these matchers select."""
        here = self.at(prefix)
        around = [self.at(p) for p in endpoint.prefixes if p is not prefix]
        ports = (p for p in endpoint.ports if p.name in self.names)
        return Key(
            network.vrfs[endpoint.vrf].name,
            endpoint.kind + (" on host" if endpoint.host_network else ""),
            selected,
            here,
            here.union(*around) if around else here,
            frozenset((p.name, p.protocol, p.number) for p in ports),
            endpoint.host if peer in self.uneven else None,
        )

    def at(self, prefix: Prefix) -> frozenset[int]:
        """The blocks that hold an address."""
        return self.blocks[prefix.version].holding(int(prefix.network_address))

    def selected(self, network: Network, endpoint: Endpoint) -> frozenset[int]:
        """The matchers by label or name that select an endpoint; those that look at the same are
        asked once about what is the same there."""
        found: list[frozenset[int]] = []
        for tenant, by_looks in (
            (endpoint.tenant, self.pods.get(endpoint.tenant, {})),
            ("", self.named),
        ):
            for looks, asked in by_looks.items():
                values = [getattr(endpoint, name) for name in looks]
                seen = [self.items(v) if isinstance(v, Mapping) else v for v in values]
                key = tenant, looks, *seen
                known = self.known.get(key)
                if known is None:
                    here = {None, endpoint.namespace}
                    pairs = (pair for space in here for pair in asked.get(space, ()))
                    alike = (n for n, m in pairs if selects(m, endpoint, network))
                    known = self.known[key] = frozenset(alike)
                found.append(known)
        return frozenset[int]().union(*found)

    def items(self, labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
        """Labels as a value, once of each mapping: replicas share theirs."""
        if id(labels) not in self.told:
            self.told[id(labels)] = labels, frozenset(labels.items())
        return self.told[id(labels)][1]


def _by_looks() -> _ByLooks:
    return defaultdict(lambda: defaultdict(list))


class _PrefixesOfFamily:
    """The prefixes of a family, and which of them hold an address."""

    def __init__(self, prefixes: dict[Prefix, None], version: int) -> None:
        self.ranges = [
            (number, int(p.network_address), int(p.broadcast_address))
            for number, p in enumerate(prefixes)
            if p.version == version
        ]
        self.cuts = sorted({x for _, low, high in self.ranges for x in (low, high + 1)})
        self.known: dict[int, frozenset[int]] = {}

    def holding(self, address: int) -> frozenset[int]:
        """Numbers of the prefixes that hold the address."""
        place = bisect_right(self.cuts, address)
        if place not in self.known:
            held = (n for n, low, high in self.ranges if low <= address <= high)
            self.known[place] = frozenset(held)
        return self.known[place]
