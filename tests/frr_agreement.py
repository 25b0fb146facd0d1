"""Whether FRR says what the network says, in a lab that runs it.

Compared: the Type-5 set with its route targets, router MACs, next hops and best AS paths at every
node, so that nothing is announced that came in from another VRF; every VRF's routes, also those of
other VRFs, on the same node and on others; ECMP widths in the underlay.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from frr_daemons import wait_for
from frr_lab import FrrLab
from frr_releases import FRR_8

from fabric.building.network import Network
from fabric.control.fib import NextHop


def agree(lab: FrrLab, network: Network) -> None:
    """Wait until FRR says what we say; then compare once more, to show the difference."""
    wait_for(lambda: ours(network, lab) == theirs(network, lab), 40 * lab.patience)
    found, wanted = theirs(network, lab), ours(network, lab)
    differ = {what: (found.get(what), wanted[what]) for what in wanted}
    assert found == wanted, {what: two for what, two in differ.items() if two[0] != two[1]}


def ours(network: Network, lab: FrrLab) -> dict[str, Any]:
    """Everything that is compared, from the model."""
    out: dict[str, Any] = {}
    plan = network.plan
    for node in lab.nodes:
        name = network.fabric.nodes[node].name
        out[f"{name} type-5"] = {
            (
                route.rd, str(route.prefix), route.rts, route.router_mac, route.next_hop,
                " ".join(
                str(asn)
                for asn in (
                    *network.underlay.as_path(node, route.vtep),
                    *[network.plan.asn[route.vtep]] * route.prepended,
                )
            ),
            )
            for route in network.routes
            if network.underlay.reachable(node, route.vtep)
        }  # fmt: skip
        out[f"{name} underlay"] = {
            f"{network.plan.vtep(far)}/32": len(network.underlay.ecmp(node, far))
            for far in lab.nodes
            if far != node and network.underlay.reachable(node, far)
        }
        for vrf in lab.vrfs[node]:
            found = {
                str(route.prefix): {
                    f"vrf{network.vrfs[hop.vrf].vni}" if hop.vtep == node else plan.vtep(hop.vtep)
                    for hop in route.nexthops
                    if carried(lab, node, vrf, hop)
                }
                for route in network.fib.routes(node, vrf)
            }
            out[f"{name} {network.vrfs[vrf].name}"] = {
                prefix: hops for prefix, hops in found.items() if hops
            }
    return out


def carried(lab: FrrLab, node: int, vrf: int, hop: NextHop) -> bool:
    """Whether a release has a next hop in its RIB: 10.3 wants a single VXLAN device for those in
    other VRFs of other nodes, and so a kernel that has one. What is behind the VRF itself is not
    FRR's business."""
    if hop.vtep == node:
        return hop.vrf != vrf
    return hop.vrf == vrf or lab.devices or lab.release is FRR_8


def theirs(network: Network, lab: FrrLab) -> dict[str, Any]:
    """The same from FRR's JSON."""
    out: dict[str, Any] = {}
    for node in lab.nodes:
        name = network.fabric.nodes[node].name
        vrfs = [
            f"show {word} route vrf vrf{network.vrfs[vrf].vni}"
            for vrf in lab.vrfs[node]
            for word in ("ip", "ipv6")
        ]
        evpn, underlay, *tables = lab.show(
            node, "show bgp l2vpn evpn route type prefix", "show ip route", *vrfs
        )
        out[f"{name} type-5"] = set(type5(evpn))
        out[f"{name} underlay"] = {
            prefix: sum(1 for hop in entry["nexthops"] if hop.get("fib") and hop.get("active"))
            for prefix, entries in underlay.items()
            for entry in entries
            if entry["protocol"] == "bgp"
        }
        for number, vrf in enumerate(lab.vrfs[node]):
            out[f"{name} {network.vrfs[vrf].name}"] = vrf_routes(*tables[2 * number :][:2])
    return out


def type5(document: dict[str, Any]) -> Any:
    """(RD, prefix, RTs, router MAC, next hop, AS path) of every best path."""
    for rd, routes in document.items():
        for route in routes.values() if isinstance(routes, dict) else ():
            for (path,) in route["paths"] if isinstance(route, dict) else ():
                if not path.get("bestpath"):
                    continue
                words = path["extendedCommunity"]["string"].split()
                yield (
                    rd,
                    f"{path['ip']}/{path['ipLen']}",
                    tuple(sorted(w.removeprefix("RT:") for w in words if w.startswith("RT:"))),
                    next(w.removeprefix("Rmac:") for w in words if w.startswith("Rmac:")),
                    next(hop["ip"] for hop in path["nexthops"] if hop.get("used")),
                    path["path"],
                )


def vrf_routes(*tables: dict[str, Any]) -> dict[str, set[str]]:
    """Prefix → VTEPs, or the VRF beside it, of the routes of one VRF that FRR itself made and that
    count, IPv4 and IPv6."""
    return {
        prefix: {plain(hop["ip"]) if "ip" in hop else hop["vrf"] for hop in entry["nexthops"]}
        for table in tables
        for prefix, entries in table.items()
        for entry in entries
        if entry["protocol"] in ("bgp", "static") and entry.get("selected")
    }


def plain(address: str) -> str:
    """An IPv4-mapped IPv6 next hop as IPv4."""
    return str(getattr(ip_address(address), "ipv4_mapped", None) or address)
