"""What the access lists of a device make of one packet: entry by entry, as the device does.

The definition of what imported lists mean, short and slow; tables that are compiled from them
(`compiler.imports.sites.acl_rules`) are tested against it. Rules that hold here:

1. The lists of an interface and direction go by `stage` and `place`, each is asked only about
   packets of its family. The first entry that matches and denies ends it, one that permits ends its
   stage. Behind the last list of each stage the packet passes.
2. Beside those of a port are asked those of the SVI that routes for its VLAN, of its bond, and of
   its VRF and device as a whole.
3. An entry of which not all is modelled (`partial`), or whose action is not known, may match or not
   match, end it or not: where both come to the same, that is the answer, else it is unknown. So it
   is with a list that is not there, and with one that is not of IP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from compiler.imports.device_facts import (
    AccessEntry,
    AccessList,
    AclBinding,
    Device,
    Networks,
    Ports,
)
from fabric.diagnostics import Span
from fabric.values.ports import ANY

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class AclPacket:
    """A packet as lists see it; `state` is that of its connection: its first packet is new."""

    source: Address
    destination: Address
    protocol: int
    sport: int = 0
    dport: int = 0
    state: str = "new"


@dataclass(frozen=True, slots=True)
class AclAnswer:
    """`verdict` is permit, deny or unknown; `acl` and `entry` are what decided, None where nothing
    matched; `doubts` are what makes it unknown, each with its line."""

    verdict: str
    acl: AccessList | None
    entry: AccessEntry | None
    doubts: tuple[tuple[str, Span | None], ...] = ()

    @property
    def span(self) -> Span | None:
        """The line that decided."""
        return self.entry.span if self.entry else self.acl.span if self.acl else None


def bound(
    device: Device, interface: str, direction: str, control: bool = False
) -> list[AclBinding]:
    """The bindings that are asked, in order (rules 1 and 2)."""
    names = {interface}
    here = device.interface(interface)
    if here is not None:
        names |= {here.bond} - {""}
        if here.access is not None:
            names |= {
                i.name for i in device.interfaces if i.kind == "svi" and i.vlan == here.access
            }
    vrfs = {i.vrf for i in device.interfaces if i.name in names}
    found = [
        b
        for b in device.bindings
        if b.direction == direction
        and b.control <= control
        and (b.interface in names if b.interface else not b.vrf or b.vrf in vrfs)
    ]
    return sorted(found, key=lambda b: (b.stage, b.place, b.acl))


def verdict_of(
    device: Device, interface: str, direction: str, packet: AclPacket, control: bool = False
) -> AclAnswer:
    """What becomes of a packet that comes in by an interface, or goes out (`direction`)."""
    asked = bound(device, interface, direction, control)
    unsure: AclAnswer | None = None
    answer = AclAnswer("permit", None, None)
    for stage in sorted({binding.stage for binding in asked}):
        answer = of_stage(device, [b for b in asked if b.stage == stage], packet)
        if answer.verdict == "deny":
            return answer
        if answer.verdict == "unknown":
            unsure = unsure or answer
    return unsure or answer


def of_stage(device: Device, bindings: Iterable[AclBinding], packet: AclPacket) -> AclAnswer:
    """What the lists of one stage make of a packet."""
    maybe: list[AclAnswer] = []
    for answer, sure in answers(device, bindings, packet):
        if sure:
            verdicts = {a.verdict for a in (answer, *maybe)}
            if len(verdicts) == 1:
                return answer
            doubts = tuple(d for a in maybe for d in a.doubts)
            return AclAnswer("unknown", answer.acl, answer.entry, doubts)
        maybe.append(answer)
    raise AssertionError("behind all lists there is an answer")


def answers(
    device: Device, bindings: Iterable[AclBinding], packet: AclPacket
) -> Iterator[tuple[AclAnswer, bool]]:
    """What may decide, in order, up to the first that does for certain."""
    version = packet.source.version
    for binding in bindings:
        acl = device.acl(binding.acl)
        if acl is None:
            what = f"access list {binding.acl} is not there"
            yield AclAnswer("unknown", None, None, ((what, binding.span),)), False
            continue
        if acl.family == -1 and acl.entries:
            what = f"access list {acl.name} is not of IP"
            yield AclAnswer("unknown", acl, None, ((what, acl.span),)), False
        if acl.family not in (0, version):
            continue
        for entry in acl.entries:
            if not matches(entry, packet) or entry.action == "none":
                continue
            doubts = ((f"{acl.name} rule {entry.number}: {open_(entry)}", entry.span),)
            if entry.action == "unknown" or entry.partial:
                yield AclAnswer(entry.action, acl, entry, doubts), False
                continue
            yield AclAnswer(entry.action, acl, entry), True
            return
        if acl.default in ("permit", "deny"):
            yield AclAnswer(acl.default, acl, None), True
            return
    yield AclAnswer("permit", None, None), True


def open_(entry: AccessEntry) -> str:
    """What is not modelled of an entry."""
    return entry.partial or "what it does is not known"


def matches(entry: AccessEntry, packet: AclPacket) -> bool:
    """Whether what is modelled of an entry matches."""
    return (
        within(entry.source, packet.source)
        and within(entry.destination, packet.destination)
        and entry.protocol in (ANY, packet.protocol)
        and among(entry.sports, packet.sport)
        and among(entry.dports, packet.dport)
        and (not entry.states or packet.state in entry.states)
    )


def within(networks: Networks, address: Address) -> bool:
    """Whether an address is in one of some networks; none is any."""
    return not networks or any(n.version == address.version and address in n for n in networks)


def among(ports: Ports, number: int) -> bool:
    """Whether a port is one of some; none is any."""
    return not ports or any(first <= number <= last for first, last in ports)
