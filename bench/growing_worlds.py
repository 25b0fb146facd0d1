"""Worlds that grow along one axis, twice as large from one to the next, regular and irregular ones.

Regular ones are shapes of `shaped_worlds`: every rack as large as any other, tenants alike but for
their policies. Irregular ones stand in tables of devices and cables, with racks of 8 to 40 DPUs,
one DPU in twenty is down, and no two workloads have the same labels, ports or number of pods.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from shaped_worlds import THREE_TIER, Shape, WrittenShape, manifests, written_files
from shaped_worlds import files as regular_files

SIZES = (1, 2, 4, 8, 16)
AXES = ("hosts", "pods", "policies", "tenants", "vrfs", "rules", "cidrs")
DOWN = 20
"""Of so many DPUs one is down, in irregular worlds."""
BLOCK_POLICY = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{ name: blocks, namespace: ns00 }}
spec:
  podSelector: {{ matchLabels: {{ app: app0000 }} }}
  policyTypes: [Egress]
  egress:
{rules}"""
PEER = "{{ ipBlock: {{ cidr: 10.{}.{}.{}/28 }} }}"
RULE = "  - {{ to: [{peers}], ports: [{ports}] }}\n"


@dataclass(frozen=True, slots=True)
class Growing:
    """A world at a size of an axis. The policies of `blocks` rules have `cidrs` address blocks and
    `ports` ports each, all of them different."""

    shape: Shape
    blocks: int = 1
    cidrs: int = 4
    ports: int = 4
    odd: bool = False

    @property
    def down(self) -> tuple[str, ...]:
        """What is down in it."""
        numbers = range(DOWN, self.shape.hosts, DOWN) if self.odd else ()
        return tuple(f"bf-{n:05}" for n in numbers)


def growing(axis: str, size: int, odd: bool) -> Growing:
    """A world of so many times the smallest size."""
    few = Shape("", 64, 8, spread=16, namespaces=4, workloads=16, replicas=4, policies=24)
    world = Growing(few, odd=odd)
    match axis:
        case "hosts":
            world = replace(world, shape=replace(few, hosts=32 * size, spread=8 * size))
        case "pods":
            world = replace(world, shape=replace(few, replicas=2 * size))
        case "policies":
            world = replace(world, shape=replace(few, policies=12 * size))
        case "tenants":
            world = replace(world, shape=replace(few, tenants=4 * size))
        case "vrfs":
            bare = replace(few, tenants=16 * size, block=32, bare=True)
            world = replace(world, shape=bare)
        case "rules":
            world = replace(world, blocks=4 * size)
        case "cidrs":
            world = replace(world, cidrs=8 * size, ports=4)
    pods = max(1, world.shape.hosts // 32)
    site = THREE_TIER.format(pods, 4, 2, 2, 16)
    return replace(world, shape=replace(world.shape, site=site))


def write(world: Growing, folder: Path) -> Path:
    """The fabric file, with all that it names beside it."""
    for name, text in _files(world):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    if not world.shape.bare:
        for number in range(1, world.shape.tenants + 1):
            with (folder / f"manifests/t{number:04}/all.yaml").open("a", encoding="utf-8") as file:
                file.write(_blocks(world, number))
    return folder / "fabric.yaml"


def _files(world: Growing) -> list[tuple[str, str]]:
    shape = world.shape
    if not world.odd:
        return [*regular_files(shape)]
    tables = WrittenShape(shape.hosts, 10, shape.tenants, shape.spread)
    found = dict(written_files(tables, 1))
    for number in range(1, 0 if shape.bare else shape.tenants + 1):
        found[f"manifests/t{number:04}/all.yaml"] = _odd(shape, number)
        line = f"  t{number:04}:\n"
        named = f"{line}    manifests: [manifests/t{number:04}]\n"
        found["fabric.yaml"] = found["fabric.yaml"].replace(line, named)
    return [*found.items()]


def _odd(shape: Shape, number: int) -> str:
    """Manifests of a tenant of which no two workloads are alike."""
    text = manifests(shape, number, 1)
    counts = iter(range(shape.workloads))
    parts = text.split(f"  replicas: {shape.replicas}\n")
    out = parts[0]
    for part in parts[1:]:
        n = next(counts)
        replicas = max(1, shape.replicas * (1 + n % 3) // 2)
        own = part.replace("containerPort: ", f"name: w{n}, containerPort: ", 1)
        own = own.replace(", tier: ", f", own: w{n}, tier: ", 1)
        out += f"  replicas: {replicas}\n{own}"
    return out


def _blocks(world: Growing, tenant: int) -> str:
    """A policy of address blocks × ports, and of many rules."""
    rules, blocks = [], range(world.cidrs)
    for n in range(world.blocks):
        peers = (PEER.format((tenant + c) % 16, (n * 7 + c) % 256, c // 256 * 16) for c in blocks)
        ports = (f"{{ port: {9000 + (n * world.ports + p) % 20000} }}" for p in range(world.ports))
        rules.append(RULE.format(peers=", ".join(peers), ports=", ".join(ports)))
    return BLOCK_POLICY.format(rules="".join(rules))
