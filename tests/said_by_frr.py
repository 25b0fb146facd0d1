"""What a device of FRR announces and takes over, worked out from its facts alone."""

from __future__ import annotations

from compiler.imports.accounting import ConfigText
from compiler.imports.device_facts import Device, VrfFacts
from compiler.imports.frr import frr_conf
from compiler.imports.route_policy import by_map
from fabric.diagnostics import Diagnostics

Announced = dict[tuple[str, str], set[str]]


def device(name: str, text: str) -> Device:
    """The facts of a configuration that has no mistakes and loses no line."""
    found = Diagnostics()
    reading = frr_conf.read(name, (ConfigText(f"{name}.conf", text),), found)
    assert reading is not None and not found.items and not reading.leftover, found.items
    return reading.device


def announced(read: Device) -> Announced:
    """Route targets of every Type-5 route that a device originates, by RD and prefix."""
    out: Announced = {}
    for vrf in read.vrfs:
        for network in vrf.networks if vrf.evpn else ():
            family = f"ipv{network.prefix.version}"
            if family not in vrf.announces:
                continue
            maps = [one.route_map for one in vrf.announced_by if one.family == family]
            added = targets_by(read, maps[0], network.prefix) if maps and maps[0] else set()
            if added is not None:
                exports = {target.text for target in vrf.exports}
                out[str(vrf.rd), str(network.prefix)] = exports | added
    return out


def targets_by(read: Device, name: str, prefix: object) -> set[str] | None:
    """Targets that a map adds to a route; None when it does not let it pass."""
    answer = by_map(read, name, prefix)  # type: ignore[arg-type]
    assert answer.verdict != "unknown", answer
    if answer.verdict == "deny":
        return None
    rules = next(m.rules for m in read.route_maps if m.name == name)
    rule = next(r for r in rules if r.span == answer.span)
    values = [s.value for s in rule.sets if s.kind == "extcommunity"]
    return {rt for value in values if value.startswith("rt ") for rt in value.split()[1:]}


def imported(read: Device) -> dict[int, set[str]]:
    """Route targets that a device imports, by L3VNI."""
    return {vrf.vni: rts_of(vrf) for vrf in read.vrfs if vrf.vni is not None}


def rts_of(vrf: VrfFacts) -> set[str]:
    return {target.text for target in vrf.imports}
