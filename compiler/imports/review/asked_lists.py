"""The lists that an interface asks in one direction, as one sequence of entries in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from compiler.imports.acl_verdict import bound
from compiler.imports.device_facts import AccessEntry, AccessList, Device, InterfaceFacts
from compiler.imports.review.header_boxes import Box, boxes_of, families

WAYS = {"in": "what comes in by", "out": "what goes out by"}


@dataclass(frozen=True)
class AskedEntry:
    """An entry with its list, as it is met; `place` counts lists."""

    place: int
    acl: AccessList
    entry: AccessEntry

    def boxes(self, version: int) -> list[Box]:
        """What it matches of a family."""
        return self._boxes[version]

    @cached_property
    def _boxes(self) -> dict[int, list[Box]]:
        mine = families(self.acl)
        return {v: boxes_of(self.entry, v) if v in mine else [] for v in (4, 6)}

    @cached_property
    def every_box(self) -> list[Box]:
        """What it matches, of both families."""
        return [*self._boxes[4], *self._boxes[6]]

    @property
    def certain(self) -> bool:
        """Whether it decides for certain what it matches."""
        return self.entry.action in ("permit", "deny") and not self.entry.partial

    @property
    def said(self) -> str:
        """How people call it."""
        return f"{self.acl.name} rule {self.entry.number}"


@dataclass(frozen=True, slots=True)
class AskedLists:
    """Everything that is asked about packets of one interface and direction."""

    device: Device
    interface: InterfaceFacts
    way: str
    entries: tuple[AskedEntry, ...]

    @property
    def where(self) -> str:
        """In words."""
        return f"{WAYS[self.way]} {self.interface.name}"


def asked_lists(device: Device) -> Iterator[AskedLists]:
    """Those of every interface and direction that asks any."""
    for interface in device.interfaces:
        for way in WAYS:
            mine = tuple(
                AskedEntry(place, acl, entry)
                for place, binding in enumerate(bound(device, interface.name, way))
                if (acl := device.acl(binding.acl)) is not None
                for entry in acl.entries
                if entry.action != "none"
            )
            own = any(b.interface == interface.name for b in device.bindings)
            if mine and own:
                yield AskedLists(device, interface, way, mine)


def routes_ipv6(device: Device, interface: InterfaceFacts) -> bool:
    """Whether IPv6 goes anywhere from an interface: it has an address, or its VRF speaks it."""
    svis = [
        i
        for i in device.interfaces
        if i.kind == "svi" and i.vlan is not None and i.vlan == interface.access
    ]
    here = [interface, *svis]
    if any(a.at.version == 6 for i in here for a in i.addresses):
        return True
    facts = [device.vrf(i.vrf) for i in (svis or here)]
    return any(vrf is not None and "ipv6" in vrf.speaks for vrf in facts)
