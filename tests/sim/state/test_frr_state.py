"""What FRR says itself, in a lab with our `frr.conf`, against the model; then with drift put in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fabric_files import network_of, write_fabric
from frr_agreement import agree
from frr_daemons import run, wait_for
from frr_lab import FrrLab, frr_lab
from frr_releases import RELEASES, Release

from fabric.building.network import Network
from sim.state.compared import Compared, StateRow, compared
from sim.state.heard import StateFolder

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr")]
COMMANDS = {
    "evpn": "show bgp l2vpn evpn route type prefix",
    "ip": "show ip route vrf all",
    "ipv6": "show ipv6 route vrf all",
}
NODES = 2 * 2 + 1


def said(lab: FrrLab, network: Network, folder: Path) -> Compared:
    """Everything that FRR says, as files, compared."""
    folder.mkdir(exist_ok=True)
    for node in lab.nodes:
        name = network.fabric.nodes[node].name
        for what, command in COMMANDS.items():
            asked = lab.release.command("vtysh", "-N", lab.name(node), "-c", f"{command} json")
            (folder / f"{name}.{what}.json").write_text(run(*asked))
    found = StateFolder(network, folder)
    return compared(network, found)


def settled(
    lab: FrrLab, network: Network, folder: Path, done: Callable[[list[StateRow]], bool]
) -> list[StateRow]:
    """What differs, twice the same and as it should be, or at the end of patience."""
    seen: list[list[StateRow]] = [said(lab, network, folder).rows]

    def still() -> bool:
        seen.append(said(lab, network, folder).rows)
        return seen[-1] == seen[-2] and done(seen[-1])

    wait_for(still, 20 * lab.patience)
    return seen[-1]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: f"frr{release.name}")
@pytest.mark.slices(2)
def test_what_frr_says_is_what_is_wanted_until_somebody_changes_it(
    release: Release, tmp_path: Path
) -> None:
    tenants = {
        name: {"vrfs": {"main": {"prefixes": [f"10.{n}.0.0/24", f"fd0{n}::/56"]}}}
        for n, name in ((1, "a"), (2, "b"))
    }
    pods = {name: ["own/p@host1", "own/q@host2"] for name in "ab"}
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 0}
    (tmp_path / "in").mkdir()
    network = network_of(write_fabric(tmp_path / "in", tenants, pods, sites={"s": site}))
    node, vrf = next((n, v) for n, v in network.plan.rd)
    device = f"vrf{network.vrfs[vrf].vni}"
    both = {"evpn route", "route"}
    with frr_lab(network, release) as lab:
        agree(lab, network)
        found = said(lab, network, tmp_path / "state")
        assert found.rows == []
        assert found.seen["evpn route"] == found.due["evpn route"] == NODES
        assert found.seen["route"] == found.due["route"] == 4

        asn = network.plan.asn[node]
        bgp = (f"router bgp {asn} vrf {device}", "address-family ipv4 unicast")
        lab.tell(node, f"router bgp {asn} vrf {device}", "no bgp network import-check")
        lab.tell(node, *bgp, "network 203.0.113.0/24")
        rows = settled(
            lab, network, tmp_path / "state", lambda rows: {r.kind for r in rows} == both
        )
        assert {(r.prefix, r.state) for r in rows} == {("203.0.113.0/24", "extra")}
        assert sum(r.kind == "evpn route" for r in rows) == NODES
        assert {r.where for r in rows if r.kind == "route"} == {network.vrfs[vrf].name}
        lab.tell(node, *bgp, "no network 203.0.113.0/24")
        settled(lab, network, tmp_path / "state", lambda rows: not rows)

        lab.tell(
            node,
            f"router bgp {network.plan.asn[node]} vrf {device}",
            "address-family l2vpn evpn",
            "no advertise ipv4 unicast",
        )
        rows = settled(
            lab, network, tmp_path / "state", lambda rows: {r.kind for r in rows} == both
        )
        assert {r.state for r in rows} == {"missing"}
        assert {r.kind for r in rows} == both
        assert {r.where for r in rows if r.kind == "evpn route"} == {network.plan.rd[node, vrf]}
        assert all(r.line is not None and "10.1.0" in r.prefix for r in rows)
