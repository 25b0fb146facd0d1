"""Services of a fabric that lead somebody to pods which he does not reach: random small worlds are
decided packet by packet, one after the other, and by whoever checks certificates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from door_fabrics import SHARED, block, certified, fabric, pod, policy, service, written

from cloison.views.world import World
from compiler.policy.semantics import owner
from compiler.sources.doors import doors
from fabric.values.inventory import Endpoint
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.prove import prove

BLOCKS = ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.128/25", "10.7.0.0/16", "172.31.0.0/24", "::/0"]
LOW, FROM = 1000, "8080/tcp from 1024-65535"
AT, ON = ("30090/tcp", "30000-31000/tcp", "30091/udp", "80/tcp"), (30090, 30091, None)


def drawn(root: Path, seed: int) -> Path:
    """A world in which about half of the doors are detours."""
    r = random.Random(seed)

    def objects() -> Iterator[Any]:
        for ns, name in (("a", "x"), ("b", "y"), ("b", "z")):
            own = name != "z" or r.random() < 0.7
            yield pod(ns, name, own_network=own)
        for number, app in enumerate(r.sample("xyz", 2)):
            spec: dict[str, Any] = {"port": {"nodePort": r.choice(ON) if number else 30090}}
            if spec["port"]["nodePort"] == 30091:
                spec["port"] |= {"protocol": "UDP", "targetPort": 53}
            if r.random() < 0.3:
                spec |= {"type": "ClusterIP", "externalIPs": [r.choice(["172.31.7.1", "9.9.9.9"])]}
                spec["port"] |= {"nodePort": None}
            elif r.random() < 0.3:
                spec["externalTrafficPolicy"] = "Local"
            yield service(f"s{number}", "a" if app == "x" else "b", app, **spec)
        for ns in r.sample("ab", r.randint(0, 2)):
            if r.random() < 0.6:
                sides = [block(r.choice(BLOCKS)) for _ in range(r.randint(1, 2))]
                ports = [{"port": 8080}] if r.random() < 0.5 else []
                yield policy(ns, ingress=[{"from": sides, **({"ports": ports} if ports else {})}])
            else:
                to = [{"to": [block(r.choice(BLOCKS))]}]
                yield policy(ns, policyTypes=["Egress"], egress=to)

    places = ["red/@node/*", "red/@node/host1", "red/a/*", "red/b/y", "blue/*", "red/*", "red/b/z"]
    senders = ["zone2/inet", "zone2/office", "zone2/*"]
    rules = [
        {
            "name": f"r{n}",
            "from": r.choice(senders),
            "to": r.choice(places),
            "ports": [r.choice([*AT, "8080/tcp", FROM, "any", "53/udp"])],
        }
        for n in range(r.randint(1, 3))
    ]
    more: dict[str, Any] = {}
    if r.random() < 0.6:
        ports = [r.choice([*AT, "8080/tcp", "any"])]
        more["peerings"] = [{"name": "p", "between": ["red/main", "blue/main"], "ports": ports}]
    expect = [{"deny": "zone2/inet -> red/a/x"}]
    spec = fabric(rules, expect, r.randint(1, 2), **more)
    red, blue = list(objects()), list(objects())
    if r.random() < 0.3:
        spec["tenants"]["blue"]["hosts"] = ["host[2-4]"]
        spec["zones"]["zone2"]["rules"].append(SHARED | {"to": f"blue/@node/host{r.choice('23')}"})
    return written(root, spec, red, blue)


def addresses(world: World, end: Endpoint, version: int) -> list[int]:
    """Every own address of an endpoint that anything may tell from others."""
    out: set[int] = set()
    named = [p for e in world.network.endpoints for p in e.prefixes] + [*map(ip_network, BLOCKS)]
    named += [ip_network("192.0.2.0/25")]
    for prefix in end.prefixes:
        if prefix.version == version:
            first, last = int(prefix.network_address), int(prefix.broadcast_address)
            out.add(first)
            for other in named if first != last else ():
                if other.version == version:
                    a, b = int(other.network_address), int(other.broadcast_address)
                    out |= {x for x in (a - 1, a, b, b + 1) if first <= x <= last}
    network = world.network
    return [x for x in sorted(out) if owner(network, end.vrf, version, x) is end]


def delivered(
    world: World, version: int, src: Endpoint, a: int, dst: Endpoint, b: int, l4: tuple[int, int]
) -> list[bool]:
    """Whether a packet gets to an endpoint, one answer per source port and choice of ECMP."""
    network = world.network
    route = network.fib.lookup(src.vtep, src.vrf, version, b)
    protocol, port = l4
    found = [
        trace(world, Flow(src.vrf, version, a, b, protocol, sport, port, src.index), n)
        for sport in (40000, LOW)
        for n in range(len(route.nexthops) if route else 0)
    ]
    return [t.reason is Reason.DELIVERED and t.target == dst.index for t in found]


def by_hand(world: World) -> set[tuple[str, str, str, str]]:
    """Detours, one packet after the other."""
    network, out = world.network, set()
    for tenant, manifests in network.manifests.items():
        mine = [e for e in network.endpoints if e.tenant == tenant]
        nodes = [e for e in mine if e.kind == "node"]
        hosts = {e.host for e in nodes}
        machines = [e for e in network.endpoints if e.kind == "node" and e.host in hosts]
        for s in manifests.services:
            (p,) = s.ports
            takes = [
                (n, x)
                for n in machines
                for x in ([p.node_port] if p.node_port else [30000, 30090, 32767])
            ]
            if s.kind == "ClusterIP":
                takes = [
                    (n, p.port)
                    for n in machines
                    if any(str(x.network_address) in s.external for x in n.prefixes)
                ]
            (app,) = (s.selector or {}).values()
            end = next(e for e in mine if f"{tenant}/{s.namespace}/{app}" in (e.name, *e.aliases))
            number = 8080 if p.target == "web" else int(p.target)
            for version in (4, 6) if s.kind != "ClusterIP" else (4,):
                for x in network.endpoints:
                    if x is end or x in nodes:
                        continue
                    for a in addresses(world, x, version):
                        enters = x.tenant != tenant and any(x is n for n, _ in takes)
                        enters |= any(
                            any(delivered(world, version, x, a, n, b, (p.protocol, at)))
                            for n, at in takes
                            for b in addresses(world, n, version)
                        )
                        ways = [
                            w
                            for b in addresses(world, end, version)
                            for w in delivered(world, version, x, a, end, b, (p.protocol, number))
                            or [False]
                        ]
                        if enters and not all(ways):
                            out.add((tenant, s.namespace, s.name, end.workload or ""))
    return out


@pytest.mark.slices(9)
@pytest.mark.parametrize("seed", range(36))
def test_detours_are_those_of_all_packets_one_by_one(tmp_path: Path, seed: int) -> None:
    path = drawn(tmp_path, seed)
    world = World.of(path)
    told = {
        (r.tenant, r.namespace, r.name, r.workload)
        for r in world.network.not_evaluated
        if r.category == "detour"
    }
    known = {
        (r.tenant, r.namespace, r.name, r.workload) for r in doors(world.network, world.policy_read)
    }
    assert told == by_hand(world) - known
    proof = prove(world)
    assert proof.verdict != "holds" or not told
    certified(proof, world.network)


def test_the_random_worlds_have_detours_and_others(tmp_path: Path) -> None:
    found = []
    for seed in range(36):
        (tmp_path / str(seed)).mkdir()
        world = World.of(drawn(tmp_path / str(seed), seed))
        found.append(sum(r.category == "detour" for r in world.network.not_evaluated))
    assert min(found) == 0
    assert sum(map(bool, found)) >= 8


@pytest.mark.parametrize("asks", [False, True])
def test_who_gets_to_a_pod_if_something_else_is_so_is_led_on_for_sure(
    tmp_path: Path, asks: bool
) -> None:
    """A neighbour's pod gets to the pod himself, where Cilium asks for authentication only if that
    succeeds; what a node leads on is asked for nothing."""
    rule: dict[str, Any] = {"fromEntities": ["all"]}
    spec: dict[str, Any] = {"endpointSelector": {}, "ingress": [rule]}
    if asks:
        rule["authentication"] = {"mode": "required"}
    about = {"name": "asked", "namespace": "a"}
    asked = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": about}
    peering = {"name": "p", "between": ["red/main", "blue/main"], "ports": ["any"]}
    spec_of = fabric([], [], peerings=[peering])
    spec_of["tenants"]["red"]["dialect"] = "cilium-1.20"
    red = [pod("a", "x"), service("s", "a", "x"), asked | {"spec": spec}]
    world = World.of(written(tmp_path, spec_of, red, [pod("a", "x")]))
    told = [r for r in world.network.not_evaluated if r.category == "detour"]
    assert [r.name for r in told] == (["s"] if asks else [])
