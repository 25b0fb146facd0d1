"""What comes over each session, and what FRR takes of it, beside what we say (`adj_rib_in`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric_files import network_of, vrf, write_fabric
from frr_daemons import wait_for
from frr_lab import FrrLab, frr_lab

from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.control.adj_rib_in import AdjRibIn, Heard

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr")]
CUT = "leaf3--spine2"
Paths = dict[tuple[str, str, str], tuple[str, bool]]
"""By node, port and prefix: the AS path, and whether it is a candidate."""


def test_frr_drops_paths_with_its_own_as_number_and_no_others(tmp_path: Path) -> None:
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 1, "borders": 0}
    pins = {"asn": {"leaf1": 65101, "leaf4": 65101}}
    live = {"a": ["n/p@host1", "n/q@host2"]}
    path = write_fabric(tmp_path, {"a": vrf("10.0.0.0/24")}, live, sites={"s": site}, pins=pins)
    network = network_of(path)
    with frr_lab(network) as lab:
        for node in lab.nodes:
            lab.tell(
                node,
                f"router bgp {network.plan.asn[node]}",
                "address-family ipv4 unicast",
                "neighbor FABRIC soft-reconfiguration inbound",
            )
        lab.fail(CUT)
        now = rebuild(network, down=[CUT])
        wait_for(lambda: theirs(now, lab) == ours(now), 40)
        assert theirs(now, lab) == ours(now)
    fates = {h.fate for _, _, h in heard(now)}
    assert {"as_loop", "through_itself", "longer", "used", "not_announced", "down"} <= fates


def heard(network: Network) -> Iterator[tuple[int, int, Heard]]:
    """(node, owner, path) of everything."""
    speakers = [n.index for n in network.fabric.nodes if network.plan.asn[n.index]]
    for node in speakers:
        rib = AdjRibIn.of(network.fabric, network.underlay, node)
        for owner in speakers:
            if owner != node:
                yield from ((node, owner, found) for found in rib.about(owner))


def ours(network: Network) -> Paths:
    """Paths through the receiver itself are left out: whether FRR sends these back depends on how
    it groups its neighbours."""
    return {
        (network.fabric.nodes[node].name, h.session.port, f"{network.plan.vtep(owner)}/32"): (
            " ".join(str(network.plan.asn[v]) for v in h.nodes), h.fate != "as_loop",
        )
        for node, owner, h in heard(network)
        if h.nodes and h.fate != "through_itself"
    }  # fmt: skip


def theirs(network: Network, lab: FrrLab) -> Paths:
    """Of what is received, whether it is among the routes from that neighbour."""
    out: Paths = {}
    own = {(n, h.session.port, o) for n, o, h in heard(network) if h.fate == "through_itself"}
    owners = {f"{network.plan.vtep(o)}/32": o for _, o, _ in heard(network)}
    for node in lab.nodes:
        ports = [s.port for s in network.underlay.sessions if s.node == node and s.up]
        ways = [
            f"show bgp ipv4 unicast neighbors {port} {what}"
            for port in ports
            for what in ("received-routes", "routes")
        ]
        found = iter(lab.show(node, *ways))
        for port in ports:
            received, taken = next(found)["receivedRoutes"], next(found)["routes"]
            for prefix, route in received.items():
                owner = owners[prefix]
                if owner != node and (node, port, owner) not in own:
                    key = (network.fabric.nodes[node].name, port, prefix)
                    out[key] = route["path"], prefix in taken
    return out
