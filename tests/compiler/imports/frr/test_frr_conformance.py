"""Clos fabrics that FRR 8.4 ran: what is read of its configurations is what it told of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oracles import conformance
from said_by_frr import device

FABRICS = ("netns_2s2l_host", "netns_2s4l_host", "vrf_2s2l_guest", "vrf_2s2l_uml")


@pytest.mark.oracle("upstream")
@pytest.mark.parametrize("name", FABRICS)
@pytest.mark.parametrize("kind", ["frr.conf", "running.txt"])
def test_what_frr_told(name: str, kind: str) -> None:
    folder = conformance() / "frr" / name
    leaves = sorted(folder.glob(f"l?.{kind}"))
    assert leaves
    for path in leaves:
        read = device(path.name[:2], path.read_text())
        vnis = json.loads((folder / f"{read.name}.bgp_evpn_vni.json").read_text())
        told = {int(n): vni for n, vni in vnis.items() if n.isdecimal()}
        mine = {vrf.vni: vrf for vrf in read.vrfs if vrf.vni is not None}
        assert mine.keys() == told.keys()
        for vni, said in told.items():
            vrf = mine[vni]
            assert vrf.rd == said["rd"]
            assert [t.text for t in vrf.imports] == said["importRTs"]
            assert [t.text for t in vrf.exports] == said["exportRTs"]
        assert vrfs(folder, read.name) == {vrf.name: vrf.vni for vrf in mine.values()}
        peers = json.loads((folder / f"{read.name}.bgp_neighbors.json").read_text())
        assert {s.peer for s in read.sessions} == peers.keys() - {"vrfId", "vrfName"}


def vrfs(folder: Path, node: str) -> dict[str, int]:
    said = json.loads((folder / f"{node}.vrf_vni.json").read_text())
    return {one["vrf"]: one["vni"] for one in said["vrfs"]}
