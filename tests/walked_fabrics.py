"""Random small fabrics for the walker (`walker`), as files: overlapping space, dual stack, leaks
and peerings with and without transit, raw route targets, ways out at several borders, zone 0, VTEPs
on DPUs or on leaves; NetworkPolicies; expectations of every kind under every failure."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import yaml

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.wiring.topology import Role
from sim.proof.expectations.expect import read_claims

Document = dict[str, Any]
TENANTS = ("a", "b", "c")
OVERLAPPING = ("10.0.0.0/24", "fd00:a::/64")
PORTS = ("80/tcp", "81/tcp", "80-81/tcp", "53/udp", "any")
OUTSIDE = (
    ["0.0.0.0/0", "::/0"], ["0.0.0.0/0"], ["0.0.0.0/1", "2000::/3"], ["203.0.113.0/24"],
    ["100.64.0.0/10"], ["2001:db8::/32"], ["fd64::/32", "192.0.2.7"],
)  # fmt: skip
"""What zone 2 has; some of it lies around tenants' own prefixes."""
KINDS = {"any-1-link": 50, "any-1-node": 60, "any-1-risk-group": 50, "any-2-links": 10}
"""What lines must hold under, and how many of 100 do."""


def chance(rng: Random, percent: int) -> bool:
    return rng.randrange(100) < percent


def random_world(rng: Random, folder: Path) -> tuple[Path, Network]:
    """A fabric file that is right, and its network: drawn until one is."""
    while True:
        path = written(document(rng), folder)
        try:
            network = build(load_fabric(path), lock=False)
            read_claims(network.spec, network)
        except InputError:
            continue
        return path, network


def written(found: Document, folder: Path) -> Path:
    """The fabric file, and a file of manifests per tenant."""
    for name, tenant in found["tenants"].items():
        objects = tenant.pop("objects")
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects))
        tenant["manifests"] = [f"{name}.yaml"]
    path = folder / "fabric.yaml"
    path.write_text(yaml.safe_dump(found, sort_keys=False))
    return path


def document(rng: Random) -> Document:
    names = list(TENANTS[: rng.choice((2, 2, 3, 3))])
    borders = rng.choice((1, 2, 2, 3))
    site = {
        "spines": rng.choice((1, 2, 2)),
        "leaves": rng.choice((2, 2, 4)),
        "hosts_per_pair": 3,
        "borders": borders,
    }
    made: Document = {
        "cloison": 1,
        "name": "walked",
        "vtep": rng.choice(("dpu", "dpu", "leaf")),
        "sites": {"s": site},
        "pools": {"blocks": {"v4": 28, "v6": 112}},
        "tenants": {name: tenant(rng, number, site["leaves"]) for number, name in enumerate(names)},
        "zones": zones(rng, names, borders),
        "expect": [],
    }
    made |= between(rng, names)
    permit_hairpins(rng, made)
    made["risk_groups"] = risk_groups(rng, made["vtep"], borders)
    made["expect"] = [line(rng, made) for _ in range(8)]
    if chance(rng, 35):
        made["sites"] = {"s": by_hand(rng, site, made["vtep"])}
    return made


def by_hand(rng: Random, site: Document, vtep: str) -> Document:
    """Nodes of the same names, cabled as it happens: leaves with few or many uplinks, some to each
    other, DPUs with one leaf to three, borders below leaves, racks across all of it. What the risk
    groups of these files name is there."""
    spines, leaves, borders = (
        [f"{stem}{n + 1}" for n in range(site[key])]
        for stem, key in (("spine", "spines"), ("leaf", "leaves"), ("border", "borders"))
    )
    nodes: Document = {name: {"role": "spine"} for name in spines}
    nodes |= {name: {"role": "leaf"} for name in leaves}
    nodes |= {name: {"role": "border"} for name in borders}
    cables = [("leaf1", "spine1"), ("leaf2", "spine1")]
    cables += [(a, b) for a in leaves for b in spines if chance(rng, 60)]
    cables += [(a, b) for a, b in pairwise(leaves) if chance(rng, 40)]
    cables += [(name, rng.choice([*spines, *spines, *leaves])) for name in borders]
    cables += [(name, rng.choice(spines)) for name in borders if chance(rng, 60)]
    for n in range(1, 3 * len(leaves) // 2 + 1):
        if vtep == "leaf":
            nodes[f"host{n}"] = {"role": "host"}
            cables.append((f"host{n}", rng.choice(leaves)))
            continue
        nodes[f"dpu{n}"] = {"role": "dpu", "host": f"host{n}"}
        below = rng.sample(leaves, rng.randint(1, min(3, len(leaves))))
        cables += [(f"dpu{n}", leaf) for leaf in sorted({*below, *(["leaf1"] * (n == 2))})]
    for node in nodes.values():
        if node["role"] != "host" and chance(rng, 50):
            node["rack"] = rng.choice(("r1", "r2"))
    single = cables if chance(rng, 30) else [*dict.fromkeys(cables)]
    return {"clos": "none", "nodes": nodes, "cables": [f"{a} -- {b}" for a, b in single]}


def tenant(rng: Random, number: int, leaves: int) -> Document:
    """A tenant on two hosts, with space that others have too and space of its own."""
    hosts = sorted(f"host{n}" for n in rng.sample(range(1, 3 * leaves // 2 + 1), 2))
    prefixes: list[Any] = [*rng.choice((OVERLAPPING, OVERLAPPING, OVERLAPPING[:1]))]
    own = [f"100.64.{number}.0/24", f"fd64:{number}::/64"][: rng.choice((1, 2, 2))]
    prefixes += [{"cidr": cidr, "namespaces": ["x"]} for cidr in own]
    nodes = chance(rng, 60)
    if nodes:
        prefixes.append({"cidr": f"100.68.{number}.0/24", "use": "nodes"})
    main: Document = {"prefixes": prefixes, "vni": 10700 + number}
    if chance(rng, 70):
        main["default_route"] = "zone2"
        main["advertise"] = [*own, *(["nodes"] if nodes else [])]
    if chance(rng, 35):
        others = [f"65000:{10700 + n}" for n in range(len(TENANTS)) if n != number]
        main["import_rts"] = rng.sample(others, rng.choice((1, 2, 2)))
    return {"hosts": hosts, "objects": objects(rng, hosts), "vrfs": {"main": main}}


def objects(rng: Random, hosts: list[str]) -> list[Document]:
    """Two or three pods and policies that select some of them."""
    out: list[Document] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"p{n}",
                "namespace": "x" if n == 0 else rng.choice("xy"),
                "labels": {"app": "ab"[n % 2]},
            },
            "spec": {
                "nodeName": rng.choice(hosts),
                "containers": [{"name": "c", "image": "i"}],
            },
        }
        for n in range(rng.choice((2, 2, 3)))
    ]
    return out + [policy(rng, f"np{n}") for n in range(rng.choice((0, 0, 1, 2)))]


def policy(rng: Random, name: str) -> Document:
    way = rng.choice(("ingress", "egress"))
    rules = [
        {("from" if way == "ingress" else "to"): [peer(rng)], "ports": ports(rng)}
        for _ in range(rng.randrange(3))
    ]
    spec = {
        "podSelector": rng.choice(({}, {"matchLabels": {"app": "a"}})),
        "policyTypes": [way.capitalize()],
        way: rules,
    }
    about = {"name": name, "namespace": rng.choice("xxy")}
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": about, "spec": spec,
    }  # fmt: skip


def peer(rng: Random) -> Document:
    blocks = ("0.0.0.0/0", "::/0", "100.64.0.0/16", "203.0.113.0/25", "fd64::/32")
    found: Document = rng.choice(
        (
            {"podSelector": {"matchLabels": {"app": rng.choice("ab")}}},
            {"namespaceSelector": {}},
            {"ipBlock": {"cidr": rng.choice(blocks)}},
        )
    )
    return found


def ports(rng: Random) -> list[Document]:
    known = ({"port": 80}, {"port": 80, "endPort": 81}, {"port": 53, "protocol": "UDP"})
    return rng.sample(known, rng.randrange(3))


def zones(rng: Random, names: list[str], borders: int) -> Document:
    """Ways out at one border or several, and perhaps a service of zone 0."""
    drawn = rng.sample(OUTSIDE[1:], rng.randint(0, 2))
    shares = [rng.choice(OUTSIDE[:1] * 6 + OUTSIDE[1:]), *drawn]
    outside: Document = {}
    seen: set[str] = set()
    for number, addresses in enumerate(shares):
        left = [a for a in addresses if a not in seen]
        seen |= {*left}
        if left:
            nodes = [f"border{n}" for n in range(1, borders + 1)]
            border = rng.sample(nodes, rng.choice((1, 1, len(nodes))))
            backup = border[1:] if chance(rng, 50) else []
            first = border[: len(border) - len(backup)]
            outside[f"out{number}"] = {"addresses": left, "border": first, "backup": backup}
    found: Document = {
        "zone2": {
            "endpoints": outside,
            "rules": [rule(rng, f"r{n}", names, sorted(outside)) for n in range(rng.randint(1, 4))],
        }
    }
    if chance(rng, 40):
        service = {"name": "dns", "from": "*/@node/*", "to": "zone0/dns", "ports": ["53/udp"]}
        found["zone0"] = {
            "prefixes": ["198.18.0.0/24"],
            "endpoints": {"dns": {"addresses": ["198.18.0.53"], "border": f"border{borders}"}},
            "services": [service],
        }
    return found


def rule(rng: Random, name: str, names: list[str], outside: list[str]) -> Document:
    inside = f"{rng.choice([*names, '*', '*'])}/{rng.choice(('*', '*', 'x/*', '@node/*'))}"
    ends = [inside, f"zone2/{rng.choice([*outside, '*'])}"]
    if chance(rng, 40):
        ends.reverse()
    action = {"action": "deny"} if chance(rng, 15) else {}
    ports = [rng.choice((*PORTS, "any"))]
    return {"name": name, "from": ends[0], "to": ends[1], "ports": ports, **action}


def between(rng: Random, names: list[str]) -> Document:
    """Leaks and peerings along a chain of tenants, sometimes passed on."""
    found: Document = {"leaks": [], "peerings": []}
    transit = chance(rng, 70)
    for number, (one, other) in enumerate(pairwise(names)):
        if chance(rng, 40):
            found["leaks"].append(
                {
                    "name": f"leak{number}",
                    "from": f"{one}/main",
                    "prefixes": [f"100.64.{number}.0/24"],
                    "to": [f"{other}/main"],
                    "clients": [f"100.64.{number + 1}.0/24"],
                    "ports": [rng.choice(PORTS)],
                    "transit": transit,
                }
            )
        elif chance(rng, 80):
            found["peerings"].append(
                {
                    "name": f"peer{number}",
                    "between": [f"{one}/main", f"{other}/main"],
                    "prefixes": {
                        f"{t}/main": [f"100.64.{TENANTS.index(t)}.0/24"] for t in (one, other)
                    },
                    "ports": [rng.choice(PORTS)],
                    "transit": transit,
                }
            )
    return {key: value for key, value in found.items() if value}


def permit_hairpins(rng: Random, made: Document) -> None:
    """In some worlds at the borders, or in some VRFs of any kind."""
    often = rng.choice((0, 0, 0, 40, 80))
    zones, tenants = made["zones"], made["tenants"]
    for vrf in (*zones.values(), *(t["vrfs"]["main"] for t in tenants.values())):
        if chance(rng, often):
            vrf["hairpin"] = "permit"


def risk_groups(rng: Random, vtep: str, borders: int) -> Document:
    """What fails together, by the names of nodes and cables alone."""
    some = ["leaf1", "leaf2", "spine1", f"border{borders}", "leaf1--spine1", "leaf2--spine1"]
    some += ["dpu1", "dpu3", "dpu2--leaf1"] if vtep == "dpu" else []
    return {f"g{n}": sorted(rng.sample(some, rng.randint(2, 3))) for n in range(2)}


def line(rng: Random, made: Document) -> Document:
    """An expectation: what a rule or a leak permits, the inside of a tenant, or anything."""
    outside = [f"zone2/{name}" for name in made["zones"]["zone2"]["endpoints"]]
    everybody = [f"{name}/*" for name in made["tenants"]]
    one = [f"{name}/x/p0" for name in made["tenants"]]
    kinds: tuple[str, ...] = ("allow", "allow", "only", "deny")
    asked = rng.choice(("", ":80/tcp", ":53/udp", ":80-81/tcp"))
    permits = [(r["from"], r["to"], r["ports"][0]) for r in made["zones"]["zone2"]["rules"]]
    for leak in made.get("leaks", ()):
        ends = leak["to"][0].replace("main", "x/p0"), leak["from"].replace("main", "x/p0")
        permits.append((*ends, leak["ports"][0]))
    match rng.choice(("permitted", "permitted", "inside", "inside", "anything")):
        case "permitted":
            source, target, ports = rng.choice(permits)
            source, target = (
                rng.choice([*made["tenants"]]) + end[1:] if end.startswith("*/") else end
                for end in (source, target)
            )
            asked = "" if ports == "any" else f":{ports}"
        case "inside":
            name = rng.choice([*made["tenants"]])
            source, target = rng.sample([f"{name}/*", f"{name}/x/p0", f"{name}/@node/*"], 2)
        case _:
            source, target = (rng.choice(rng.choice((everybody, one, outside))) for _ in range(2))
            kinds = ("allow", "deny", "deny", "only")
    under = [kind for kind, often in KINDS.items() if chance(rng, often)]
    return {rng.choice(kinds): f"{source} -> {target}{asked}", "hold_under": under}


def random_failures(rng: Random, network: Network) -> tuple[str, ...]:
    """Nodes and cables that are down together: up to three, every role as often; or what leaves
    only ways that BGP does not take."""
    fabric = network.fabric
    hosts = {n.index for n in fabric.nodes if n.role is Role.HOST}
    cables = [x.name for x in fabric.links if not {x.a, x.b} & hosts]
    if chance(rng, 30):
        gone = rng.choice((around(rng), across()))
        return tuple(name for name in cables if name in gone)
    kinds: dict[str, list[str]] = {}
    for node in fabric.nodes:
        kinds.setdefault(node.role.value, []).append(node.name)
    del kinds[Role.HOST.value]
    kinds["cable"] = cables
    number = rng.choice((1, 1, 2, 3))
    return tuple(sorted({rng.choice(rng.choice([*kinds.values()])) for _ in range(number)}))


def around(rng: Random) -> tuple[str, ...]:
    """Only through another DPU could these DPUs get on from their leaf."""
    some = rng.sample(range(1, 4), 2)
    return "leaf1--spine1", "leaf1--spine2", *(f"dpu{n}--leaf2" for n in some)


def across() -> tuple[str, ...]:
    """Only through two spines could the first leaves get to the first border."""
    return "leaf1--spine2", "leaf2--spine2", "border1--spine1"
