"""Routes that a device has of itself, where somebody else is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from device_state import change, rows

from fabric.building.network import Network
from sim.state.wanted import Wanted


def test_what_comes_with_addresses_takes_over_those_of_others(
    network: Network, state: Path
) -> None:
    """A network of the device itself is told where a route that is wanted holds it, or is it; not
    where it lies behind the VRF itself, nor what every interface has."""
    node, vrf, remote, own = next(
        (node, vrf, mine[0], behind[0])
        for node, vrf in network.plan.rd
        if (
            behind := [
                p for p in Wanted(network).behind(node, network.vrfs[vrf].name) if p.version == 4
            ]
        )
        and (
            mine := [
                route.prefix
                for route in network.fib.routes(node, vrf)
                if route.prefix.version == 4
                and 0 < route.prefix.prefixlen < 32
                and route.prefix not in behind
                and all((hop.vtep, hop.vrf) != (node, vrf) for hop in route.nexthops)
            ]
        )
    )
    device, name = f"vrf{network.vrfs[vrf].vni}", network.fabric.nodes[node].name
    part, cut = f"{remote[3]}/32", f"{own[2]}/32"
    rib, kernel = state / name / "ip.json", state / name / f"ip-route.{device}.json"
    said: dict[str, list[tuple[str, str]]] = {
        "connected": [(part, "eth9"), (str(own), "eth1"), (str(remote), "eth9")],
        "static": [(cut, "")],
    }

    def more(document: Any) -> Any:
        for protocol, routes in said.items():
            for prefix, dev in routes:
                hop = (
                    {"interfaceName": dev, "fib": True}
                    if dev
                    else {"unreachable": True, "fib": True}
                )
                one = {
                    "prefix": prefix, "protocol": protocol, "vrfName": device, "selected": True,
                    "nexthops": [hop],
                }  # fmt: skip
                document[device].setdefault(prefix, []).append(one)
        return document

    change(rib, more)
    linked = [
        {"dst": prefix, "protocol": "kernel", "dev": "eth9"}
        for prefix in (part, str(own), "169.254.0.0/16")
    ]
    change(kernel, lambda routes: [*routes, *linked])
    assert {(r.kind, r.prefix, r.state) for r in rows(network, state)} == {
        ("kernel route", part, "extra"),
        ("route", part, "extra"),
        ("route", str(remote), "different"),
        ("route", cut, "extra"),
    }
