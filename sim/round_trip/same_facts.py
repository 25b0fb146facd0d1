"""What devices are told besides: sessions, tunnels, filters of routes, loopbacks.

Who is where, where routes lead and what lists decide is compared for all packets, however it is
written (`sim.round_trip.read_back`), taking for granted that routes get from device to device and
tunnels to their ends. That rests on the facts that stand here: they are held against those that
would be written now, one by one. Another wording of the same sessions may be as good; nothing here
knows, so a fact that is otherwise makes the answer unknown, and never a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from compiler.imports.device_facts import DEFAULT_VRF, Device, VrfFacts, told

PROVEN = ("acls", "bindings", "unknowns", "format", "vrfs", "span", "asn_span", "vtep_span")
"""Parts of a device that are compared by what they mean, or are unknown anyhow; VRFs in part."""


def other_facts(
    read: Mapping[str, Device], fresh: Mapping[str, Device], ends: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    """Facts of devices that are not those that would be written now; `ends` are the interfaces of
    endpoints by device."""
    for name in sorted(fresh.keys() & read.keys()):
        mine, wanted = read[name], fresh[name]
        for part in (one.name for one in fields(Device) if one.name not in PROVEN):
            if told(getattr(mine, part)) != told(getattr(wanted, part)):
                yield f"{part.replace('_', ' ')} of {name} are not as they would be written"
        if lists_besides(mine, ends[name]) != lists_besides(wanted, ends[name]):
            yield f"what {name} asks of uplinks and of itself is not as it would be written"
        for vrf in wanted.vrfs:
            here = mine.vrf(vrf.name)
            if here is not None and besides(here) != besides(vrf):
                yield f"{vrf.name} at {name} is not set up as it would be written"


def lists_besides(device: Device, ends: frozenset[str]) -> Any:
    """The lists that are asked of uplinks, of packets for the device itself, or of a whole VRF."""
    asked = [b for b in device.bindings if b.control or b.interface not in ends]
    return [told(b) for b in asked], [told(device.acl(b.acl)) for b in asked]


def besides(vrf: VrfFacts) -> Any:
    """What a VRF is told, but for routes that are compared by where they lead."""
    if vrf.name == DEFAULT_VRF:
        return told(vrf)
    alone = replace(vrf, statics=(), networks=(), redistributes=(), leaks=())
    return told(replace(alone, imports=(), exports=()))
