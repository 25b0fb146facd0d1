"""Worlds of stated shapes, to measure growth on: a fabric file with manifests, or these alone.

What a shape and a seed write never changes: `digest` is what the tests hold it to, so that figures
of different days are of the same world. No two tenants share a manifest. Policies are of the kinds
that clusters have: deny all, from one application, from a tier across namespaces, to an address
block, ports and ranges of ports.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POD = "spec: {{ containers: [ {{ name: c, image: i, ports: [ {{ containerPort: {port} }} ] }} ] }}"
WORKLOAD = (
    """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: {space} }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name}, tier: {tier} }} }}
    """
    + POD
    + "\n"
)
POLICY = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{ name: {name}, namespace: {space} }}
spec:
  podSelector: {selector}
  policyTypes: [{direction}]
{rules}"""
NAMESPACE = """\
---
apiVersion: v1
kind: Namespace
metadata: {{ name: {name}, labels: {{ team: {name} }} }}
"""
TIERS = ("web", "api", "data", "batch")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a world consists of. Counts of the second row are per tenant; `spread` is on how many
    neighbouring hosts a tenant is, and so `tenants * spread / hosts` how many VRFs a DPU has;
    `block` is the length of what a host gets of a VRF's IPv4 prefix and advertises; `bare` tenants
    have hosts and nothing on them. Without a `site` there is no fabric but one cluster."""

    site: str
    hosts: int
    tenants: int
    spread: int = 0
    namespaces: int = 1
    workloads: int = 0
    replicas: int = 0
    policies: int = 0
    block: int = 28
    bare: bool = False

    @property
    def pods(self) -> int:
        """Of all tenants."""
        return self.tenants * self.workloads * self.replicas

    @property
    def vrfs_per_dpu(self) -> float:
        """On average."""
        return self.tenants * (self.spread or self.hosts) / max(1, self.hosts)

    def __str__(self) -> str:
        counts = {
            "hosts": self.hosts,
            "tenants": self.tenants,
            "VRFs per DPU": round(self.vrfs_per_dpu, 1),
            "pods": self.pods,
            "workloads": self.tenants * self.workloads,
            "policies": self.tenants * self.policies,
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


THREE_TIER = (
    "{{ clos: three-tier, pods: {}, leaves: {}, spines: {}, superspines: {}, "
    "hosts_per_pair: {}, borders: 2 }}"
)
SHAPES = {
    "pods": Shape(
        THREE_TIER.format(8, 8, 4, 8, 16), 512, 100, spread=64,
        namespaces=5, workloads=50, replicas=20, policies=100,
    ),
    "dpus": Shape(
        THREE_TIER.format(25, 20, 8, 16, 50), 12_500, 1_000, spread=1_000, block=32, bare=True
    ),
    "vrfs": Shape(
        THREE_TIER.format(8, 8, 4, 8, 16), 512, 1_000, spread=128, block=32, bare=True
    ),
    "cluster": Shape("", 0, 1, namespaces=50, workloads=2_000, replicas=10, policies=500),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrittenShape:
    """A site that is written down in tables: racks of 8 to 40 DPUs with one leaf to four, each DPU
    at two of them where there are two, leaves with two to four uplinks; `racks` to a pod of four
    spines below four superspines. `tenants` have `hosts` each, and nothing on them."""

    dpus: int
    racks: int
    tenants: int
    hosts: int

    def __str__(self) -> str:
        return f"{self.dpus:,} DPUs in uneven racks (CSV), {self.tenants:,} tenants"


WRITTEN = {"written": WrittenShape(2_000, 10, 40, 200)}


def files(shape: Shape | WrittenShape, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Paths and texts of a world, manifests or tables first, in a fixed order."""
    if isinstance(shape, WrittenShape):
        yield from written_files(shape, seed)
        return
    for number in range(1, shape.tenants + 1):
        if not shape.bare:
            folder = f"manifests/t{number:04}" if shape.site else "cluster"
            yield f"{folder}/all.yaml", manifests(shape, number, seed)
    if shape.site:
        yield "fabric.yaml", fabric(shape)


def write(shape: Shape | WrittenShape, folder: Path, seed: int = 1) -> Path:
    """Write a world below a folder; the fabric file, or the folder of manifests."""
    path = folder
    for name, text in files(shape, seed):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return path if isinstance(shape, WrittenShape) or shape.site else path.parent


def digest(shape: Shape | WrittenShape, seed: int = 1) -> str:
    """SHA-256 of everything that `write` writes, shortened."""
    found = hashlib.sha256()
    for name, text in files(shape, seed):
        found.update(f"{name}\0{text}\0".encode())
    return found.hexdigest()[:16]


def written_files(shape: WrittenShape, seed: int) -> Iterator[tuple[str, str]]:
    """Devices, cables and the fabric file. Only `random()` is asked."""
    chance = random.Random(seed)

    def some(first: int, last: int) -> int:
        return first + int(chance.random() * (last - first + 1))

    devices = ["name,role,pod,rack,host"]
    cables = ["from,from_port,to,to_port,speed"]
    used: dict[str, int] = {}

    def cable(a: str, b: str, speed: int) -> None:
        ports = []
        for name in (a, b):
            used[name] = used.get(name, 0) + 1
            ports.append(f"Eth{used[name]}")
        cables.append(f"{a},{ports[0]},{b},{ports[1]},{speed}")

    tops = [f"core-{n}" for n in range(1, 5)]
    devices += [f"{name},superspine,,," for name in tops]
    dpus, rack, spines = 0, 0, list[str]()
    while dpus < shape.dpus:
        pod = rack // shape.racks + 1
        if rack % shape.racks == 0:
            spines = [f"p{pod}-spine-{n}" for n in range(1, 5)]
            devices += [f"{name},spine,{pod},," for name in spines]
            for spine in spines:
                for top in tops:
                    cable(spine, top, 800)
        rack += 1
        leaves = [f"r{rack:03}-tor-{n}" for n in range(1, some(1, 4) + 1)]
        for leaf in leaves:
            devices.append(f"{leaf},leaf,{pod},r{rack},")
            for spine in spines[: some(2, 4)]:
                cable(leaf, spine, 400)
        for _ in range(min(some(8, 40), shape.dpus - dpus)):
            dpus += 1
            devices.append(f"bf-{dpus:05},dpu,{pod},r{rack},gpu-{dpus:05}")
            first = some(0, len(leaves) - 1)
            for leaf in dict.fromkeys(leaves[(first + n) % len(leaves)] for n in (0, 1)):
                cable(f"bf-{dpus:05}", leaf, 200)
    for border in ("gw-1", "gw-2"):
        devices.append(f"{border},border,,,")
        for top in tops:
            cable(border, top, 400)
    yield "devices.csv", "\n".join(devices) + "\n"
    yield "cables.csv", "\n".join(cables) + "\n"
    yield "fabric.yaml", written_fabric(shape)


def written_fabric(shape: WrittenShape) -> str:
    """The file that names the tables."""
    lines = [
        "cloison: 1",
        "name: growth",
        "sites: { ams1: { clos: none, tables: [devices.csv, cables.csv] } }",
        "pools: { blocks: { v4: 28, v6: 112 } }",
        "tenants:",
    ]
    for number in range(shape.tenants):
        first = number * shape.dpus // shape.tenants
        at = sorted((first + n) % shape.dpus + 1 for n in range(shape.hosts))
        lines.append(f"  t{number + 1:04}:")
        lines.append(f"    hosts: [{', '.join(f'gpu-{n:05}' for n in at)}]")
        lines.append("    vrfs: { main: { prefixes: [10.0.0.0/12] } }")
    lines += ["expect:", '  - deny: "t0001/* <-> t0002/*"']
    return "\n".join(lines) + "\n"


def fabric(shape: Shape) -> str:
    """The fabric file."""
    lines = [
        "cloison: 1",
        "name: growth",
        f"sites: {{ ams1: {shape.site} }}",
        f"pools: {{ blocks: {{ v4: {shape.block}, v6: 112 }} }}",
        "tenants:",
    ]
    for number in range(1, shape.tenants + 1):
        lines.append(f"  t{number:04}:")
        if shape.spread:
            first = (number - 1) * shape.hosts // shape.tenants
            lines.append(f"    hosts: [{', '.join(_hosts(shape, first))}]")
        if not shape.bare:
            lines.append(f"    manifests: [manifests/t{number:04}]")
        lines.append("    vrfs: { main: { prefixes: [10.0.0.0/12] } }")
    return "\n".join(lines) + "\n"


def _hosts(shape: Shape, first: int) -> Iterator[str]:
    """So many hosts from one on, around the end."""
    last = first + shape.spread
    yield f'"host[{first + 1}-{min(last, shape.hosts)}]"'
    if last > shape.hosts:
        yield f'"host[1-{last - shape.hosts}]"'


def manifests(shape: Shape, number: int, seed: int) -> str:
    """Everything of one tenant. Only `random()` is asked: what follows a seed is fixed for it."""
    chance = random.Random(seed * 1_000_003 + number)
    spaces = [f"ns{i:02}" for i in range(shape.namespaces)]
    parts = [NAMESPACE.format(name=space) for space in spaces]
    parts += [
        WORKLOAD.format(
            name=f"app{i:04}",
            space=spaces[i % len(spaces)],
            replicas=shape.replicas,
            tier=TIERS[i // len(spaces) % len(TIERS)],
            port=8000 + i % 200,
        )
        for i in range(shape.workloads)
    ]
    parts += [_policy(shape, i, spaces, chance) for i in range(shape.policies)]
    return "".join(parts)


def _policy(shape: Shape, number: int, spaces: list[str], chance: random.Random) -> str:
    at = number % len(spaces)
    in_space = range(at, shape.workloads, len(spaces))
    some = [f"app{in_space[int(chance.random() * len(in_space))]:04}" for _ in range(2)]
    first = 8000 + int(chance.random() * 190)
    last = first + int(chance.random() * 9)
    ports = f"ports: [ {{ protocol: TCP, port: {first}, endPort: {last} }} ]"
    block = f"10.{int(chance.random() * 16)}.{int(chance.random() * 256)}.0/24"
    away = spaces[int(chance.random() * len(spaces))]
    pods = f"{{ matchLabels: {{ app: {some[0]} }} }}"
    tier = TIERS[int(chance.random() * len(TIERS))]
    kinds = (
        ("Ingress", "{}", ""),
        ("Ingress", pods, f"podSelector: {{ matchLabels: {{ app: {some[1]} }} }}"),
        ("Ingress", pods, f"namespaceSelector: {{ matchLabels: {{ team: {away} }} }}"),
        ("Egress", pods, f"podSelector: {{ matchLabels: {{ tier: {tier} }} }}"),
        ("Egress", pods, f"ipBlock: {{ cidr: {block} }}"),
    )
    direction, selector, peer = kinds[number // len(spaces) % len(kinds)]
    word = "from" if direction == "Ingress" else "to"
    rules = f"  {direction.lower()}: [ {{ {word}: [ {{ {peer} }} ], {ports} }} ]\n" if peer else ""
    return POLICY.format(
        name=f"p{number:04}",
        space=spaces[at],
        selector=selector,
        direction=direction,
        rules=rules,
    )
