"""With `ecmp: bandwidth` kernels weigh next hops of the underlay, and packets fare as before."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from fabric_files import vrf, write_fabric
from own_labs import lab, own_record

from sim.lab import kernel, state

pytestmark = [pytest.mark.root, pytest.mark.oracle("kernel")]
__all__ = ["own_record"]


def test_kernels_have_the_weights_and_deliver(tmp_path: Path) -> None:
    fabric = write_fabric(
        tmp_path,
        {"a": vrf("10.0.0.0/24")},
        {"a": ["n/p@host1", "n/q@host2"]},
        sites={"s": {"spines": 2, "leaves": 4, "hosts_per_pair": 1, "borders": 0}},
        links={"leaf1--spine1": {"speed": 100}},
        ecmp="bandwidth",
    )
    lab("up", fabric)
    (name,) = state.labs()
    with kernel.inside(f"cln-{name}-leaf1"):
        said = subprocess.run(["ip", "-j", "route"], capture_output=True, text=True).stdout
    found = [[hop["weight"] for hop in route.get("nexthops", ())] for route in json.loads(said)]
    assert [1, 4] in found and all(weights in ([], [1, 4]) for weights in found)
    result = lab("test", fabric, "-o", "json", "--port", "80/tcp")
    assert (result.exit_code, json.loads(result.stdout)["rows"]) == (0, [])
