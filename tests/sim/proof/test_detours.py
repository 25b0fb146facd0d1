"""Services of a fabric that lead somebody to pods which he does not reach: random small worlds are
decided packet by packet, one after the other, and by whoever checks certificates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import cloison
from cloison.cli import main
from cloison.views.world import World
from compiler.policy.semantics import owner
from compiler.sources.doors import doors
from fabric.inventory import Endpoint
from sim.checker.consistency import inconsistencies
from sim.checker.validity import validity
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.certificate import certificate
from sim.proof.prove import prove

BLOCKS = ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.128/25", "10.7.0.0/16", "172.31.0.0/24", "::/0"]
AT, ON = ("30090/tcp", "30000-31000/tcp", "30091/udp", "80/tcp"), (30090, 30091, None)


def pod(namespace: str, name: str, *, host: str | None = None, own_network: bool = True) -> Any:
    port = {"name": "web", "containerPort": 8080}
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i", "ports": [port]}]}
    spec |= {"nodeName": host} if host else {}
    spec |= {} if own_network else {"hostNetwork": True}
    about = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def service(name: str, namespace: str, app: str, **spec: Any) -> Any:
    port = {"port": 80, "targetPort": "web", "nodePort": 30090} | spec.pop("port", {})
    port = {k: v for k, v in port.items() if v is not None}
    body = {"type": "NodePort", "selector": {"app": app}, "ports": [port]} | spec
    about = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": body}


def policy(namespace: str, **spec: Any) -> Any:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"p-{namespace}", "namespace": namespace},
        "spec": {"podSelector": {}, **spec},
    }


def block(cidr: str) -> Any:
    wider = cidr == "0.0.0.0/0"
    return {"ipBlock": {"cidr": cidr, **({"except": ["192.0.2.0/25"]} if wider else {})}}


def fabric(rules: list[Any], expect: list[Any], families: int = 2, **more: Any) -> dict[str, Any]:
    def tenant(name: str, number: int, hosts: str) -> dict[str, Any]:
        prefixes = [
            f"10.{number}.0.0/24",
            f"fd00:{number}::/64",
            {"cidr": f"172.31.{number}.0/24", "use": "nodes"},
            {"cidr": f"fd31:{number}::/64", "use": "nodes"},
        ]
        ways = {"default_route": "zone2", "advertise": ["nodes", *prefixes[:families]]}
        return {
            "hosts": [hosts],
            "manifests": [f"m/{name}"],
            "vrfs": {"main": {"prefixes": prefixes, **ways}},
        }

    ends = {
        "inet": {"addresses": ["0.0.0.0/0", "::/0"]},
        "office": {"addresses": ["192.0.2.64/26"]},
    }
    return {
        "cloison": 1,
        "name": "w",
        "sites": {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}},
        "tenants": {"red": tenant("red", 7, "host[1-2]"), "blue": tenant("blue", 8, "host[3-4]")},
        "zones": {"zone2": {"endpoints": ends, "rules": rules}},
        "expect": expect,
        **more,
    }


def written(root: Path, spec: dict[str, Any], red: list[Any], blue: list[Any]) -> Path:
    for name, objects in {"red": red, "blue": blue}.items():
        folder = root / "m" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "all.yaml").write_text(yaml.safe_dump_all(objects))
    path = root / "w.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


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
            "ports": [r.choice([*AT, "8080/tcp", "any", "53/udp"])],
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
    world: World, src: Endpoint, a: int, dst: Endpoint, b: int, protocol: int, port: int
) -> list[bool]:
    """Whether a packet gets to an endpoint, one answer per choice of ECMP."""
    version = dst.prefixes[0].version if ":" not in str(ip_address(b)) else 6
    version = 6 if b > 2**32 else version
    network = world.network
    route = network.fib.lookup(src.vtep, src.vrf, version, b)
    flow = Flow(src.vrf, version, a, b, protocol, 40000, port, src.index)
    found = [trace(world, flow, n) for n in range(len(route.nexthops) if route else 0)]
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
                            any(delivered(world, x, a, n, b, p.protocol, at))
                            for n, at in takes
                            for b in addresses(world, n, version)
                        )
                        ways = [
                            w
                            for b in addresses(world, end, version)
                            for w in delivered(world, x, a, end, b, p.protocol, number) or [False]
                        ]
                        if enters and not all(ways):
                            out.add((tenant, s.namespace, s.name, end.workload or ""))
    return out


@pytest.mark.parametrize("seed", range(24))
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
    body = certificate(proof, ())
    assert not inconsistencies(body)
    assert not validity(body, world.network, ()).problems


def test_the_random_worlds_have_detours_and_others(tmp_path: Path) -> None:
    found = []
    for seed in range(24):
        (tmp_path / str(seed)).mkdir()
        world = World.of(drawn(tmp_path / str(seed), seed))
        found.append(sum(r.category == "detour" for r in world.network.not_evaluated))
    assert min(found) == 0
    assert sum(map(bool, found)) >= 8


SHARED = {"name": "shared", "from": "zone2/office", "ports": ["30090/tcp"]}
OPEN = {"name": "in", "from": "zone2/inet", "to": "red/@node/*", "ports": ["30090/tcp"]}
DENY = {"deny": "zone2/inet -> red/a/x"}


def front(tmp_path: Path, *objects: Any, rules: list[Any], **more: Any) -> Path:
    spec = fabric(rules, [DENY, {"allow": "red/a/x -> red/a/y:80/tcp"}], **more)
    red = [pod("a", "x", host="host1"), pod("a", "y", host="host2"), *objects]
    return written(tmp_path, spec, red, [pod("a", "x")])


def status(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("door", "rules", "code"),
    [
        (service("s", "a", "x"), [OPEN], 4),
        (service("s", "a", "x", externalTrafficPolicy="Local"), [OPEN], 4),
        (service("s", "a", "x", type="LoadBalancer", port={"nodePort": None}), [OPEN], 4),
        (service("s", "a", "x", port={"nodePort": 30091}), [OPEN], 0),
        (service("s", "a", "z"), [OPEN], 0),
        (service("s", "a", "x", type="ClusterIP"), [OPEN], 0),
        (service("s", "a", "x"), [], 0),
    ],
)
def test_a_door_of_nodes_that_a_zone_opens(
    tmp_path: Path, door: Any, rules: list[Any], code: int
) -> None:
    path = front(tmp_path, door, rules=rules)
    for words in (
        ["verify", path, "-q"],
        ["simulate", path],
        ["check", path],
        ["diff", path, path],
    ):
        found, said = status(*words)
        assert found == code, (words, said)
        assert ("leads zone2/inet from 30090/tcp" in said or "30000-32767" in said) is (code == 4)
    found, said = status("verify", path, "-q", "--accept-unevaluated", "Service")
    assert found == 0
    assert status("explain", path, "zone2/inet", "red/a/x:8080")[0] == code


def test_an_allow_is_not_in_doubt_and_a_deny_is(tmp_path: Path) -> None:
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN])
    assert prove(World.of(path)).standing() == ["unknown", "holds"]


def test_whoever_gets_in_anyway_makes_no_detour(tmp_path: Path) -> None:
    through = {"name": "on", "from": "zone2/inet", "to": "red/a/x", "ports": ["8080/tcp"]}
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN, through])
    assert not [*cloison.build(path).not_evaluated]
    part = policy("a", ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
    path = front(tmp_path, service("s", "a", "x"), part, rules=[OPEN, through])
    assert [r["category"] for r in cloison.build(path).not_evaluated] == ["detour"]


@pytest.mark.parametrize("hosts", [["host1", "host3"], ["host3", "host4"]])
def test_a_host_that_tenants_share_opens_at_the_addresses_of_both(
    tmp_path: Path, hosts: list[str]
) -> None:
    """Whoever gets to the other tenant's node gets to the port of the same machine."""
    rules = [{"name": "in", "from": "zone2/office", "to": "blue/@node/*", "ports": ["30090/tcp"]}]
    spec = fabric(rules, [{"deny": "zone2/* -> red/*"}, {"deny": "blue/@node/* <-> red/a/x"}])
    spec["tenants"]["blue"]["hosts"] = hosts
    red = [pod("a", "x", host="host1"), service("s", "a", "x")]
    world = World.of(written(tmp_path, spec, red, [pod("a", "x", host=hosts[1])]))
    shared = hosts[0] == "host1"
    assert [r.category for r in world.network.not_evaluated] == ["detour"] * shared
    proof = prove(world)
    assert proof.verdicts() == ["unknown" if shared else "holds"] * 2
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, world.network, ()).problems


def test_a_host_that_tenants_share_is_at_its_own_doors(tmp_path: Path) -> None:
    """Also where nobody else of the other tenant is there."""
    spec = fabric([], [{"deny": "blue/@node/host1 -> red/a/x"}])
    spec["tenants"]["blue"]["hosts"] = ["host1"]
    red = [pod("a", "x", host="host1"), service("s", "a", "x")]
    world = World.of(written(tmp_path, spec, red, [pod("a", "x", host="host1", own_network=False)]))
    (found,) = world.network.not_evaluated
    assert "leads blue/@node/host1 from 30090/tcp" in found.what
    proof = prove(world)
    assert proof.verdicts() == ["unknown"]
    assert not validity(certificate(proof), world.network, ()).problems


def test_a_peering_to_nodes_is_a_way_to_pods_too(tmp_path: Path) -> None:
    peering = {"name": "p", "between": ["red/main", "blue/main"], "ports": ["30090/tcp"]}
    path = front(tmp_path, service("s", "a", "x"), rules=[], peerings=[peering])
    (found,) = cloison.build(path).not_evaluated
    assert "leads blue/" in found["what"]


OUTSIDE = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["172.31.0.0/16", "10.0.0.0/8"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"]}},
]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("red/@node/host2 -> red/a/x", "unknown"),
        ("red/a/x <-> red/@node/host2:8080/tcp", "unknown"),
        ("red/@node/host1 -> red/b/z", "holds"),
        ("red/b/* -> red/a/x", "holds"),
        ("red/a/x -> red/@node/host2", "holds"),
        ("zone2/* -> red/*", "holds"),
        ("red/@node/host1 -> red/a/x", "fails"),
    ],
)
def test_nodes_are_led_to_the_pods_of_others(tmp_path: Path, ends: str, said: str) -> None:
    """A policy that lets everybody in but the cluster lets the pod's own node in, and no other; the
    node port of that one does. Who asks about others is told nothing."""
    ways = {"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": OUTSIDE}]}
    closed = [policy(ns, **ways) for ns in "ab"]
    red = [pod("a", "x", host="host1"), pod("b", "z", host="host2"), *closed]
    spec = fabric([], [{"deny": ends}])
    before = prove(World.of(written(tmp_path, spec, red, [pod("a", "x")])))
    assert before.verdicts() == ["holds" if said == "unknown" else said]
    world = World.of(written(tmp_path, spec, [*red, service("s", "a", "x")], [pod("a", "x")]))
    assert not world.network.not_evaluated
    proof = prove(world)
    assert (proof.verdicts(), proof.standing(), proof.verdict) == ([said], [said], said)
    told = [(r.category, r.workload, r.under) for r in proof.not_evaluated]
    assert told == ([("detour", "x", "")] if said == "unknown" else [])
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, world.network, ()).problems
    accepted = prove(World.of(world, accept_unevaluated=["Service"]))
    assert accepted.verdict == ("holds" if said == "unknown" else said)


def test_a_failure_is_looked_at_anew_and_what_was_accepted_stays(tmp_path: Path) -> None:
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN])
    world = cloison.build(path)
    assert not [*cloison.build(world, down=["border1"]).not_evaluated]
    accepted = cloison.build(world, accept_unevaluated=["Service"])
    for again in (accepted, cloison.build(accepted, down=["leaf2"])):
        (row,) = again.not_evaluated
        assert (row["category"], row["accepted"]) == ("detour", True)


def test_a_certificate_that_hides_a_detour_is_not_valid(tmp_path: Path) -> None:
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN])
    world = World.of(path)

    blind = replace(world.network, not_evaluated=())
    body = certificate(prove(world.over(blind)), ())
    assert body["verdict"] == "holds"
    assert validity(body, world.network, ()).problems
    assert validity(body, blind, ()).problems


def test_a_door_of_another_kind_does_not_hide_a_detour(tmp_path: Path) -> None:
    """A pod with a host port and a Service of one name are two doors; who accepts one of them has
    not accepted the other, and whoever checks the certificate agrees."""
    rules = [{"name": "in", "from": "zone2/office", "to": "red/@node/*", "ports": ["30090/tcp"]}]
    x = pod("a", "x")
    x["spec"]["containers"][0]["ports"][0]["hostPort"] = 8081
    expect = [{"deny": "zone2/office -> red/a/x"}]
    path = written(tmp_path, fabric(rules, expect), [x, service("x", "a", "x")], [pod("c", "q")])
    world = World.of(path, accept_unevaluated=["Pod"])
    kinds = {r.kind for r in world.network.not_evaluated if not r.accepted}
    assert kinds == {"Service"}
    proof = prove(world)
    assert proof.verdicts() == ["unknown"]
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, world.network, ()).problems


def test_an_axis_and_the_option_of_its_name_make_one_world(tmp_path: Path) -> None:
    """Also of what leads around policies there, forth and back, and of what is accepted."""
    ways = {"red/@node/*": "30090/tcp", "red/a/x": "8080/tcp"}
    rules = [
        {"name": f"r{port[:4]}", "from": "zone2/office", "to": to, "ports": [port]}
        for to, port in ways.items()
    ]
    red = [pod("a", "x", host="host2"), service("x", "a", "x"), pod("b", "y", host="host1")]
    expect = [{"deny": "blue/c/q -> red/a/x"}]
    path = written(tmp_path, fabric(rules, expect), red, [pod("c", "q", host="host3")])
    here = World.of(path)
    down = World.of(path, down=["dpu2"])
    for made in (World.of(path, at={"down": ["dpu2"]}), World.of(here, at={"down": ["dpu2"]})):
        assert made.network.not_evaluated == down.network.not_evaluated
    assert down.network.not_evaluated != here.network.not_evaluated
    back = World.of(down, at={"down": []})
    assert back.network.not_evaluated == here.network.not_evaluated
    accepted = World.of(here, at={"down": ["dpu2"]}, accept_unevaluated=["Service"])
    assert all(r.accepted for r in accepted.network.not_evaluated)
