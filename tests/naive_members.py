"""Who is compared with whom: members of peers, by what rules can see of them (`sim.diff.peers`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from naive_worlds import World, outer, vrf_name

from compiler.policy.ir import Cidr, InVrf, OwnNode, Policy
from compiler.policy.selectors import selects
from fabric.values.inventory import Endpoint


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
        guests = hosted(world)
        peers += (
            (guests[alias], alias)
            for alias in e.aliases
            if "/@node/" not in e.name or moved(guests[alias], world, other)
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


def moved(workload: str, world: World, other: World) -> bool:
    """Whether two worlds have a workload on the network of other nodes."""
    here, there = (
        {a: e.name for e in w.network.endpoints for a in e.aliases if hosted(w)[a] == workload}
        for w in (world, other)
    )
    swapped = any(here[pod] != there[pod] for pod in here.keys() & there.keys())
    return swapped or sorted(here.values()) != sorted(there.values())


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
