"""What it costs that a border may lead on from one tenant to another, as tenants double.

Every tenant has one host and one pod, advertises a prefix of its own to the outside and takes the
outside's default route; so the border's routes lead from each to each. Three worlds per size: no
tenant goes out, `hairpin: deny`, and `hairpin: permit`. CPU seconds, the least of the rounds.

    python bench/bench_hairpins.py [TENANTS…]
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from ipaddress import ip_network
from itertools import islice, pairwise
from pathlib import Path

import click
import yaml

from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.blocks.blocks import build_blocks
from sim.proof.prove import prove
from sim.worlds.world import World

SIZES = (25, 50, 100, 200)
ROUNDS = 3
KINDS = ("inside", "deny", "permit")
STAGES = ("build", "compile", "blocks", "prove")
POD = """\
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { containers: [ { name: c, image: i, ports: [ { containerPort: 443 } ] } ] }
"""
PUBLIC = ip_network("198.18.0.0/15")


def write(folder: Path, tenants: int, kind: str) -> Path:
    """A fabric file of so many tenants, one per host."""
    prefixes = [str(prefix) for prefix in islice(PUBLIC.subnets(new_prefix=26), tenants)]
    of = {}
    for number, prefix in enumerate(prefixes, 1):
        vrf: dict[str, object] = {"prefixes": [prefix]}
        if kind != "inside":
            vrf |= {"default_route": "zone2", "advertise": [prefix]}
        of[f"t{number}"] = {
            "hosts": [f"host{number}"], "manifests": ["pod.yaml"], "vrfs": {"main": vrf},
        }  # fmt: skip
    pairs = -(-tenants // 16)
    said = {
        "cloison": 1,
        "name": "hairpins",
        "sites": {"s": {"spines": 4, "leaves": 2 * pairs, "borders": 1, "hosts_per_pair": 16}},
        "tenants": of,
    }
    if kind != "inside":
        outside = {
            "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
            "rules": [
                {"name": "out", "from": "*/*", "to": "zone2/inet", "ports": ["443/tcp"]},
                {"name": "in", "from": "zone2/inet", "to": "*/shop/*", "ports": ["443/tcp"]},
            ],
        }
        said["zones"] = {"zone2": outside | {"hairpin": kind}}
    (folder / "pod.yaml").write_text(POD)
    path = folder / "fabric.yaml"
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    return path


def measure(tenants: int, kind: str) -> dict[str, float]:
    """CPU seconds per stage, and how much there was to look at."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), tenants, kind)
        clock = [time.process_time()]
        network = build(load_fabric(path), lock=False)
        clock.append(time.process_time())
        program = World(network).program
        clock.append(time.process_time())
        blocks = build_blocks(program)
        clock.append(time.process_time())
        prove(World.compiled(program, blocks))
        clock.append(time.process_time())
    spent = dict(zip(STAGES, (b - a for a, b in pairwise(clock)), strict=True))
    return {"atoms": sum(map(blocks.addresses.count, range(len(network.vrfs))))} | spent


def least(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of every stage the round that took the least."""
    return {name: min(each[name] for each in rounds) for name in rounds[0]}


def main() -> None:
    """One table per kind of world."""
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    measure(2, "permit")
    for kind in KINDS:
        found = [least([measure(size, kind) for _ in range(ROUNDS)]) for size in sizes]
        click.secho(f"{kind}: " + ", ".join(f"{size:,}" for size in sizes) + " tenants", bold=True)
        for name in found[0]:
            values = [each[name] for each in found]
            power = math.log2(values[-1] / values[-2]) if len(values) > 1 and values[-2] else 0.0
            shape = "12,.0f" if name == "atoms" else "12.3f"
            cells = "".join(f"{value:{shape}}" for value in values)
            click.echo(f"  {name:10}{cells}   ~ size^{power:.1f}")


if __name__ == "__main__":
    main()
