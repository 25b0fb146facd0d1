"""Rule dumps: exact text, the same on every run, and enough to enforce the policy from."""

from __future__ import annotations

import json
import random
from ipaddress import ip_address
from pathlib import Path

import pytest
from compiled import compile_network
from dump_reader import permits
from goldens import DUMPS, NODE_FILES, dumps, expected, inputs, node_files

from compiler.policy.ir import Direction, Packet
from compiler.program.dpu import enforcement_points
from compiler.program.program import Program
from compiler.program.walk import verdict
from compiler.targets import canonical, text
from fabric.building.build import build
from fabric.building.load import load_fabric

DEMO = Path(__file__).parents[2] / "topologies" / "demo.yaml"


@pytest.fixture(scope="module")
def demo() -> Program:
    return compile_network(build(load_fabric(DEMO), lock=False))


@pytest.mark.parametrize("path", inputs(DUMPS), ids=lambda p: p.stem)
def test_exact_text(path: Path) -> None:
    assert dumps(path) == expected(path).read_text("utf-8")


@pytest.mark.parametrize("path", inputs(NODE_FILES), ids=lambda p: p.stem)
def test_exact_files_of_a_node(path: Path) -> None:
    assert node_files(path) == expected(path).read_text("utf-8")


def test_every_enforcement_point_gets_a_document(demo: Program) -> None:
    assert canonical.nodes(demo) == text.nodes(demo) == enforcement_points(demo)
    for node in canonical.nodes(demo):
        assert text.render(demo, node).startswith(f"# {demo.network.fabric.nodes[node].name} ")


def test_the_document_alone_gives_the_verdicts(demo: Program) -> None:
    """Every endpoint of the demo against random addresses of every other, both directions."""
    chance = random.Random(7)
    network = demo.network
    documents = {node: json.loads(canonical.render(demo, node)) for node in canonical.nodes(demo)}
    ports = (0, 53, 80, 443, 2049, 5432, 6443, 8080, 9000, 65535)
    seen = []
    for _ in range(4000):
        local, far = chance.choices(network.endpoints, k=2)
        prefix = chance.choice(far.prefixes)
        address = ip_address(
            int(prefix.network_address) + chance.randrange(min(prefix.num_addresses, 2**20))
        )
        l4 = (
            chance.choice((1, 6, 6, 6, 17, 132)),
            chance.choice((68, 40000)),
            chance.choice(ports),
        )
        remote_vrf = chance.choice((far.vrf, local.vrf))
        direction = chance.choice(list(Direction))
        packet = Packet(direction, local.index, prefix.version, int(address), remote_vrf, *l4)
        read = permits(
            documents[local.vtep],
            direction.name.lower(),
            local.name,
            network.vrfs[remote_vrf].name,
            str(address),
            l4,
        )
        assert read == verdict(demo, packet).permit, packet
        seen.append(read)
    assert 0.1 < sum(seen) / len(seen) < 0.9
