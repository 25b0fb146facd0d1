"""Which VRFs of which devices take which routes over: route targets, `auto` ones among them.

A route target that a device makes itself is the low half of its ASN and the VNI (RFC 8365
§5.1.2.1; FRR: `autort`); what it takes over by `auto` has any ASN
and its VNI, whoever announces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compiler.imports.device_facts import AUTO, Device, RouteTarget, VrfFacts
from fabric.diagnostics import Span

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class TakenTarget:
    """A route target that a VRF imports, `*:VNI` for `auto`; `written` unless it is the device's
    default."""

    text: str
    span: Span
    written: bool


def exported(device: Device, vrf: VrfFacts) -> tuple[str, ...]:
    """The route targets of a VRF's routes."""
    written = vrf.exports or (RouteTarget(AUTO, vrf.span),)
    found = (own_target(device, vrf) if t.text == AUTO else t.text for t in written)
    return tuple(dict.fromkeys(text for text in found if text is not None))


def own_target(device: Device, vrf: VrfFacts) -> str | None:
    """What a device makes for a VRF itself; None without ASN or VNI."""
    if device.asn is None or vrf.vni is None:
        return None
    return f"{device.asn & 0xFFFF}:{vrf.vni}"


def imported(vrf: VrfFacts) -> Iterator[TakenTarget]:
    """The route targets that a VRF takes over."""
    written = vrf.imports or (RouteTarget(AUTO, vrf.span),)
    for target in written:
        if target.text != AUTO:
            yield TakenTarget(target.text, target.span, True)
        elif vrf.vni is not None:
            yield TakenTarget(f"{WILDCARD}:{vrf.vni}", target.span, bool(vrf.imports))


def speaks_evpn(device: Device) -> bool:
    """Whether a device has tunnels and a session that EVPN routes may come and go by."""
    if device.vtep is None or "off" in (
        device.says("vxlan"),
        device.says("evpn"),
        device.says("bgp"),
    ):
        return False
    return any(s.family("evpn") is not None and not s.down for s in device.sessions)


def in_evpn(device: Device, vrf: VrfFacts) -> bool:
    """Whether a VRF takes part in EVPN."""
    return speaks_evpn(device) and vrf.evpn and vrf.vni is not None


def pairs(
    exports: Iterable[tuple[int, tuple[str, ...]]], imports: Iterable[tuple[int, TakenTarget]]
) -> Iterator[tuple[int, str, TakenTarget]]:
    """(importer, target, why) for every target that somebody exports and somebody takes."""
    targets = sorted({text for _, texts in exports for text in texts})
    by_number: dict[str, list[str]] = {}
    for text in targets:
        by_number.setdefault(text.rpartition(":")[2], []).append(text)
    known = set(targets)
    for importer, wanted in imports:
        if wanted.text.startswith(f"{WILDCARD}:"):
            for text in by_number.get(wanted.text.rpartition(":")[2], ()):
                yield importer, text, wanted
        elif wanted.text in known:
            yield importer, wanted.text, wanted
