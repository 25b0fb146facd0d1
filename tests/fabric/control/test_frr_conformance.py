"""The control plane against FRR 8.4.4's own words: the folders of `conformance/frr`.

Each folder holds the JSON of a leaf-spine fabric that FRR ran (`vtep: leaf`, every tenant on every
leaf, overlapping subnets). The same fabric is built here from a fabric file with pins.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from oracles import conformance

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

pytestmark = pytest.mark.oracle("upstream")
TENANTS = "ABC"
FOLDERS = sorted(path for path in (conformance() / "frr").iterdir() if path.is_dir())


def fabric_file(spines: int, leaves: int, tenants: str) -> str:
    """The README's numbers as pins."""
    assert leaves % 2 == 0
    nodes = [f"leaf{n}" for n in range(1, leaves + 1)]
    lines = [
        "cloison: 1", "name: conformance", "vtep: leaf",
        f"sites: {{ s: {{ spines: {spines}, leaves: {leaves}, hosts_per_pair: 2, borders: 0 }} }}",
        "pools: { rt_asn: 65000 }",
        "tenants:",
    ]  # fmt: skip
    for number, tenant in enumerate(tenants, 1):
        vrf = f"{{ vni: {5000 + number}, prefixes: [10.1.0.0/16] }}"
        lines.append(f"  {tenant.lower()}: {{ vrfs: {{ main: {vrf} }} }}")
    lines += ["pins:", "  asn:", "    spines: 65000"]
    lines += [f"    {node}: {65000 + n}" for n, node in enumerate(nodes, 1)]
    lines.append("  loopback:")
    lines += [f"    spine{n}: 10.0.1.{n}" for n in range(1, spines + 1)]
    lines += [f"    {node}: 10.0.0.{n}" for n, node in enumerate(nodes, 1)]
    lines.append("  router_mac:")
    for number, tenant in enumerate(tenants, 1):
        for n, node in enumerate(nodes, 1):
            lines.append(f'    "{node} {tenant.lower()}/main": "02:00:00:{number:02x}:00:{n:02x}"')
    lines.append("  blocks:")
    for tenant in tenants:
        for n in range(1, leaves + 1):
            lines.append(f'    "host{n} {tenant.lower()}/main": [10.1.{n}.0/24]')
    return "\n".join(lines) + "\n"


@cache
def fabric_of(spines: int, leaves: int, tenants: str, folder: Path) -> Network:
    path = folder / f"{spines}-{leaves}-{tenants}.yaml"
    path.write_text(fabric_file(spines, leaves, tenants))
    return build(load_fabric(path), lock=False)


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(request.param, tmp_path_factory.mktemp("frr"))


class Case:
    """One folder and the network that we make of the same facts."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        names = {path.name.split(".")[0] for path in folder.glob("*.frr.conf")}
        self.leaves = sorted(name for name in names if name.startswith("l"))
        self.spines = sorted(name for name in names if name.startswith("s"))
        found = {path.name.split("ten")[1][0] for path in folder.glob("l1.ip_route_vrf_ten*.json")}
        self.tenants = "".join(sorted(found))
        self.network = fabric_of(len(self.spines), len(self.leaves), self.tenants, scratch)

    def read(self, node: str, what: str) -> Any:
        return json.loads((self.folder / f"{node}.{what}.json").read_text())

    def node(self, name: str) -> int:
        word = {"l": "leaf", "s": "spine"}[name[0]]
        return self.network.fabric.node(f"{word}{name[1:]}").index


def frr_type5(document: dict[str, Any]) -> set[tuple[object, ...]]:
    """(RD, prefix, RTs, router MAC, next hop, AS path) of every path."""
    out = set()
    for rd, routes in document.items():
        if not isinstance(routes, dict):
            continue
        for route in routes.values():
            if not isinstance(route, dict):
                continue
            for (path,) in route["paths"]:
                words = path["extendedCommunity"]["string"].split()
                rts = tuple(sorted(w.removeprefix("RT:") for w in words if w.startswith("RT:")))
                (rmac,) = (w.removeprefix("Rmac:") for w in words if w.startswith("Rmac:"))
                (hop,) = (h["ip"] for h in path["nexthops"] if h.get("used"))
                prefix = f"{path['ip']}/{path['ipLen']}"
                out.add((rd, prefix, rts, rmac, hop, path["path"]))
    return out


def our_type5(network: Network, node: int) -> set[tuple[object, ...]]:
    return {
        (
            route.rd, str(route.prefix), route.rts, route.router_mac, route.next_hop,
            " ".join(map(str, network.underlay.as_path(node, route.vtep))),
        )
        for route in network.routes
        if network.underlay.reachable(node, route.vtep)
    }  # fmt: skip


def test_type5_sets_are_equal(case: Case) -> None:
    for name in (*case.leaves, *case.spines):
        theirs = frr_type5(case.read(name, "evpn_type5"))
        assert our_type5(case.network, case.node(name)) == theirs
        assert len(theirs) == len(case.leaves) * len(case.tenants)


def test_vrf_routes_are_equal(case: Case) -> None:
    for leaf in case.leaves:
        for tenant in case.tenants:
            node, vrf = case.node(leaf), case.network.vrf(f"{tenant.lower()}/main").index
            theirs = {
                prefix: {hop["ip"] for hop in entry["nexthops"] if hop.get("fib") and "ip" in hop}
                for prefix, (entry,) in case.read(leaf, f"ip_route_vrf_ten{tenant}").items()
            }
            ours = {
                str(route.prefix): {
                    case.network.plan.vtep(hop.vtep) for hop in route.nexthops if hop.vtep != node
                }
                for route in case.network.fib.routes(node, vrf)
            }
            assert ours == theirs


def test_underlay_paths_and_ecmp_widths_are_equal(case: Case) -> None:
    network = case.network
    for name in (*case.leaves, *case.spines):
        node = case.node(name)
        theirs = {
            prefix: sum(1 for hop in entry["nexthops"] if hop.get("fib"))
            for prefix, (entry,) in case.read(name, "ip_route").items()
            if entry["protocol"] == "bgp"
        }
        ours = {
            f"{network.plan.vtep(far)}/32": len(network.underlay.ecmp(node, far))
            for far in map(case.node, (*case.leaves, *case.spines))
            if far != node and network.underlay.reachable(node, far)
        }
        assert ours == theirs
        for prefix, paths in case.read(name, "ipv4_unicast")["routes"].items():
            far = next(i for i in map(case.node, (*case.leaves, *case.spines))
                       if prefix == f"{network.plan.vtep(i)}/32")  # fmt: skip
            (best,) = (path["path"] for path in paths if path.get("bestpath"))
            assert " ".join(map(str, network.underlay.as_path(node, far))) == best


def test_sessions_are_equal(case: Case) -> None:
    network = case.network
    for name in (*case.leaves, *case.spines):
        peers = case.read(name, "bgp_summary")["ipv4Unicast"]["peers"].values()
        theirs = sorted((peer["remoteAs"], peer["state"] == "Established") for peer in peers)
        node = case.node(name)
        ours = sorted((s.peer_asn, s.up) for s in network.underlay.sessions if s.node == node)
        assert ours == theirs
