"""Questions of `tests/compiler/imports/documents` to a device: what is said, in the words there."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from filtered_sessions import by_session

from compiler.imports.acl_verdict import AclPacket, verdict_of
from compiler.imports.device_facts import AUTO, Device, VrfFacts
from compiler.imports.route_policy import RouteAnswer, by_list, by_map

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
NO_LINE = ("vrf", "neighbor", "route", "packet", "through", "in", "out", "state")


def asked(device: Device, said: dict[str, Any]) -> dict[str, Any]:
    """What a device says about the subject of a case, for every key that the case has."""
    if "packet" in said:
        found: dict[str, Any] = packet(device, said)
    elif "route" in said:
        answer = route(device, said)
        line = answer.span.line if answer.span else 0
        found = {"verdict": answer.verdict, "line": line}
    elif "neighbor" in said:
        found = neighbor(device, said["neighbor"])
    else:
        found = vrf(device, said["vrf"])
        if "line" in said:
            found["line"] = said["line"]
    return {key: found[key] for key in said if key in found}


def wanted(said: dict[str, Any]) -> dict[str, Any]:
    """What a case says."""
    return {key: value for key, value in said.items() if key not in NO_LINE}


def packet(device: Device, said: dict[str, Any]) -> dict[str, Any]:
    """A packet at an interface: what its access lists make of it."""
    protocol, source, _, target = said["packet"].split()
    target, _, port = target.rpartition(":")
    here = AclPacket(
        ip_address(source), ip_address(target), PROTOCOLS[protocol], 40000, int(port),
        said.get("state", "new"),
    )  # fmt: skip
    way = "out" if "out" in said else "in"
    answer = verdict_of(device, said.get("out", said.get("in", "swp1")), way, here)
    span = answer.doubts[0][1] if answer.verdict == "unknown" else answer.span
    return {"verdict": answer.verdict, "line": span.line if span else 0}


def route(device: Device, said: dict[str, Any]) -> RouteAnswer:
    """A route through a list, a map, a session, or into EVPN or another VRF."""
    prefix, words = ip_network(said["route"]), said["through"].split()
    if words[0] == "route-map":
        return by_map(device, words[1], prefix)
    if words[-2] == "prefix-list":
        family = 6 if words[0] == "ipv6" else 4
        lists = (p for p in device.prefix_filters if (p.name, p.family) == (words[-1], family))
        return by_list(next(lists), prefix)
    if words[0] in ("in", "out"):
        session = next(s for s in device.sessions if s.peer == words[1])
        return by_session(device, session, words[2], words[0] == "in", prefix)
    here = device.vrf(words[1])
    assert here is not None
    if words[0] == "advertise":
        maps = [one.route_map for one in here.announced_by if one.family == words[2]]
    else:
        maps = [leak.route_map for leak in here.leaks if leak.from_vrf == words[3]]
    name = next(iter(maps), None)
    return by_map(device, name, prefix) if name else RouteAnswer("permit", None)


def neighbor(device: Device, name: str) -> dict[str, Any]:
    """A session."""
    session = next(s for s in device.sessions if s.peer == name)
    remote = session.remote_as
    return {
        "families": [f.name for f in session.families if f.on],
        "up": not session.down,
        "remote": int(remote) if remote and remote.isdecimal() else remote,
        "line": session.span.line,
    }


def vrf(device: Device, name: str) -> dict[str, Any]:
    """Facts of a VRF."""
    here = device.vrf(name)
    assert here is not None
    return {
        "vni": here.vni,
        "rd": here.rd,
        "import": targets(device, here, True),
        "export": targets(device, here, False),
        "advertises": [*here.announces],
        "leaks": [leak.from_vrf for leak in here.leaks],
        "networks": [str(one.prefix) for one in here.networks],
        "redistributes": [one.kind for one in here.redistributes],
        "static": [str(one.prefix) for one in here.statics],
        "router-id": str(device.router_id),
    }


def targets(device: Device, here: VrfFacts, imported: bool) -> list[str]:
    """Route targets as they work, those that a device makes itself too."""
    if here.vni is None:
        return []
    own = f"*:{here.vni}" if imported else f"{(device.asn or 0) & 0xFFFF}:{here.vni}"
    written = [t.text for t in (here.imports if imported else here.exports)] or [AUTO]
    return [own if text == AUTO else text for text in written]


def lines_of(device: Device, said: dict[str, Any]) -> set[int]:
    """Lines of everything in a VRF, where a case names one."""
    here = device.vrf(said["vrf"])
    assert here is not None
    facts = (here, *here.imports, *here.exports, *here.leaks, *here.networks, *here.statics)
    return {f.span.line for f in (*facts, *here.redistributes)}
