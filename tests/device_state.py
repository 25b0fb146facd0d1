"""What FRR and the kernel of every node would say of a network, as files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fabric.building.network import Network
from fabric.wiring.topology import Role
from sim.state.compared import StateRow, compared
from sim.state.heard import StateFolder


def write_state(network: Network, folder: Path) -> Path:
    """`NODE/{evpn,ip,ipv6}.json` and `NODE/route.VRF.json` of every node that speaks BGP."""
    for node in network.fabric.nodes:
        if node.role is not Role.HOST:
            for name, document in documents(network, node.index).items():
                path = folder / node.name / f"{name}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(document))
    return folder


def documents(network: Network, node: int) -> dict[str, Any]:
    """What one says."""
    out: dict[str, Any] = {"evpn": evpn(network, node), "ip": {}, "ipv6": {}}
    out["ip"]["default"] = underlay(network, node)
    out["ipv6"]["default"] = {"fe80::/64": [entry("fe80::/64", "default", "connected", [])]}
    for vrf in network.fib.vrfs_at(node):
        name = f"vrf{network.vrfs[vrf].vni}"
        for family, what in ((4, "ip"), (6, "ipv6")):
            rows = routes(network, node, vrf, family)
            out[what][name] = {p: [entry(p, name, "bgp", hops)] for p, hops in rows.items()}
            kernel = [kernel_route(p, hops) for p, hops in rows.items()]
            if kernel:
                out[f"{what}-route.{name}"] = kernel
    return out


def evpn(network: Network, node: int) -> dict[str, Any]:
    """`show bgp l2vpn evpn route type prefix json`."""
    out: dict[str, Any] = {}
    for route in network.routes:
        if not network.underlay.reachable(node, route.vtep):
            continue
        words = [f"RT:{rt}" for rt in route.rts] + ["ET:8", f"Rmac:{route.router_mac}"]
        ip = route.prefix
        path = {
            "bestpath": True, "routeType": 5, "ipLen": ip.prefixlen, "ip": str(ip.network_address),
            "extendedCommunity": {"string": " ".join(words)},
            "nexthops": [{"ip": route.next_hop, "used": True}],
        }  # fmt: skip
        routes = out.setdefault(route.rd, {"rd": route.rd})
        routes[f"[5]:[0]:[{ip.prefixlen}]:[{ip.network_address}]"] = {"paths": [[path]]}
    return {**out, "numPrefix": len(out), "numPaths": len(out)}


def underlay(network: Network, node: int) -> dict[str, Any]:
    """The default VRF."""
    own = f"{network.plan.vtep(node)}/32"
    out = {own: [entry(own, "default", "connected", [])]}
    for far in (n.index for n in network.fabric.nodes if n.role is not Role.HOST):
        if far != node and network.underlay.reachable(node, far):
            prefix = f"{network.plan.vtep(far)}/32"
            hops = ["fe80::1"] * len(network.underlay.ecmp(node, far))
            out[prefix] = [entry(prefix, "default", "bgp", hops)]
    return out


def routes(network: Network, node: int, vrf: int, family: int) -> dict[str, list[str]]:
    """Prefix → next hops, of a VRF of a node: VTEPs, or VRFs beside it."""
    out = {}
    for route in network.fib.routes(node, vrf):
        hops = [
            f"vrf{network.vrfs[h.vrf].vni}" if h.vtep == node else network.plan.vtep(h.vtep)
            for h in route.nexthops
            if (h.vtep, h.vrf) != (node, vrf)
        ]
        if hops and route.prefix.version == family:
            out[str(route.prefix)] = hops
    return out


def entry(prefix: str, vrf: str, protocol: str, hops: list[str]) -> dict[str, Any]:
    """A route of a RIB."""
    found = [
        {("vrf" if h.startswith("vrf") else "ip"): h, "fib": True, "active": True} for h in hops
    ]
    return {
        "prefix": prefix, "protocol": protocol, "vrfName": vrf, "selected": True, "nexthops": found,
    }  # fmt: skip


def kernel_route(prefix: str, hops: list[str]) -> dict[str, Any]:
    """A route of `ip -j route`."""
    dst = "default" if prefix in ("0.0.0.0/0", "::/0") else prefix
    found = []
    for hop in hops:
        via = {"family": "inet", "host": hop} if ":" in prefix else None
        found.append(
            {"dev": hop} if hop.startswith("vrf") else {"via": via} if via else {"gateway": hop}
        )
    said: dict[str, Any] = {"dst": dst, "protocol": "bgp", "flags": []}
    return {**said, **found[0]} if len(found) == 1 else {**said, "nexthops": found}


def rows(network: Network, folder: Path) -> list[StateRow]:
    """What differs."""
    return compared(network, StateFolder(network, folder)).rows


def change(path: Path, how: Callable[[Any], Any]) -> None:
    """A file as if somebody had changed the device."""
    path.write_text(json.dumps(how(json.loads(path.read_text()))))


def dpu(network: Network) -> tuple[str, str, int]:
    """A node with a VRF that has routes, its device, and its index."""
    node, vrf = next(pair for pair in network.plan.rd if network.fib.routes(*pair))
    return network.fabric.nodes[node].name, f"vrf{network.vrfs[vrf].vni}", vrf
