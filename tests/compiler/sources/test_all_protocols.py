"""A rule may tell all 256 protocols apart: what is left out is written as all the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabric_files import vrf, write_fabric

from cloison.views.world import World
from sim.proof.prove import prove


@pytest.mark.parametrize("out", ["80/tcp", "icmp", "53/udp"])
def test_everything_but_one_port_is_proven(tmp_path: Path, out: str) -> None:
    ports = f"any except {out}"
    line = f'{{ name: p, between: [a/main, b/main], ports: ["{ports}"] }}'
    expect = [{"deny": f"a/* -> b/*:{out}"}, {"allow": "a/* -> b/*:443/tcp,protocol 47"}]
    tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
    path = write_fabric(tmp_path, tenants, {}, expect=expect)
    path.write_text(path.read_text() + f"\npeerings:\n  - {line}\n")
    world = World.of(path)
    proof = prove(world)
    assert [o.holds for o in proof.outcomes] == [True, True]
