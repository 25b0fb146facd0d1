"""AS numbers that are in the way: who drops the path, and who else has the number."""

from __future__ import annotations

from pathlib import Path

from fabric_files import network_of, vrf, write_fabric

from sim.why.loops import loop


def test_a_path_down_and_up_again_ends_at_the_second_spine(tmp_path: Path) -> None:
    """One pair of leaves has the first spine alone, one the second, and the third has both."""
    site = {"spines": 2, "leaves": 6, "hosts_per_pair": 1, "borders": 0}
    path = write_fabric(
        tmp_path, {"t": vrf("10.0.0.0/16")}, {"t": ["n/p@host1", "n/q@host2"]}, sites={"s": site}
    )
    down = [f"leaf{n}--spine2" for n in (1, 2)] + [f"leaf{n}--spine1" for n in (3, 4)]
    network = network_of(path, down=down)
    here, there = (network.fabric.node(name).index for name in ("dpu1", "dpu2"))
    assert not network.underlay.reachable(here, there)
    found = loop(network, here, there)
    assert found is not None
    assert sorted(found.nodes) == ["spine1", "spine2"]
    assert found.asn == network.plan.asn[network.fabric.node("spine1").index]
    assert {"dpu1", "dpu2", "spine1", "spine2"} < {*found.way}
