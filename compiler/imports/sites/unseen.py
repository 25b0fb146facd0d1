"""What is not known of a site: neighbours that nobody gave, what lies between devices, and what the
configuration of a device says and nobody here models. Each is a record that makes unknown whom it
may concern, and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler.imports.acl_verdict import bound
from compiler.imports.device_facts import DEFAULT_VRF, Device, NotKnown, VrfFacts
from compiler.imports.sites.host_ends import HostEnd, led_elsewhere
from compiler.imports.sites.import_targets import speaks_evpn
from fabric.diagnostics import Span
from fabric.kubernetes.unmodelled.unevaluated import NEIGHBOUR, Unevaluated
from fabric.values.inventory import Endpoint

OUTSIDE = "outside"
"""What whatever is not given is called, behind a VRF of a device."""
At = tuple[Endpoint, Device, VrfFacts, HostEnd | None]
"""An endpoint, its device, its VRF there, and the host; None for what is outside."""


def record(
    kind: str, vrf: str, device: str, name: str, span: Span | None, what: str, interface: str = "",
    category: str = NEIGHBOUR, senders: tuple[str, ...] = (),
) -> Unevaluated:  # fmt: skip
    """What makes answers about a VRF of a device unknown, or about an interface."""
    scope = "workload" if interface else "namespace"
    return Unevaluated(
        "", kind, device, name, span, category, what, scope, vrf, workload=interface,  # type: ignore[arg-type]
        senders=senders,
    )  # fmt: skip


MOST_APART = 64
"""Ends on several devices, up to which each pair has its own doubt; beyond, whole VRFs have it."""


def statics_not_followed(device: Device) -> Iterator[NotKnown]:
    """Static routes whose next hop is nobody's behind their VRF: they may lead anywhere."""
    for vrf in device.vrfs:
        for route in led_elsewhere(device, vrf):
            what = (
                f"a static route to {route.prefix} leads on to {route.via}, which is not followed"
            )
            yield NotKnown("StaticRoute", "routes", vrf.name, "", what, route.span)


def not_known(everybody: Sequence[At]) -> Iterator[Unevaluated]:
    """All records of a site."""
    of: dict[str, tuple[NotKnown, ...]] = {}
    for end, device, vrf, host in everybody:
        if host is None:
            yield unseen(device, vrf)
        if device.name not in of:
            of[device.name] = (*device.unknowns, *statics_not_followed(device))
        for one in of[device.name]:
            if concerns(one, vrf, host):
                category = NEIGHBOUR if one.about == "routes" else "device"
                yield (
                    record(
                        one.kind, end.tenant, device.name, one.interface or one.vrf or device.name,
                        one.span, one.what, end.workload or "", category,
                    )
                )  # fmt: skip
        yield from lists_not_known(device, host, end)
    yield from across([at for at in everybody if at[3] is not None])


def unseen(device: Device, vrf: VrfFacts) -> Unevaluated:
    """The neighbours of a VRF whose configuration nobody gave."""
    speakers = {vrf.name} | ({DEFAULT_VRF} if speaks_evpn(device) else set())
    peers = [s for s in device.sessions if s.vrf in speakers and not s.down]
    names = ", ".join(s.peer for s in peers[:6]) + (" …" if len(peers) > 6 else "")
    what = (
        "the configuration of neighbours is not given, so what they announce and pass on is unknown"
    )
    span = peers[0].span if peers else vrf.span
    return record("Neighbour", vrf.name, device.name, names or "?", span, what, OUTSIDE)


def concerns(one: NotKnown, vrf: VrfFacts, host: HostEnd | None) -> bool:
    """Whether what is not known has to do with an end."""
    if one.vrf and one.vrf != vrf.name:
        return False
    return not one.interface or (
        host is not None and one.interface in (host.interface, *host.ports)
    )


def lists_not_known(device: Device, host: HostEnd | None, end: Endpoint) -> Iterator[Unevaluated]:
    """Lists at an end that are not there or not of IP, and ends that several ports have."""
    if host is None:
        return
    if "~" in host.name:
        what = "it lies behind the same interface, and what passes there the device does not see"
        name = end.workload or ""
        yield record(
            "Interface", end.tenant, device.name, name, host.span, what, name, "device",
            (key_of(end),),
        )  # fmt: skip
    for way in ("in", "out"):
        for binding in bound(device, host.port, way):
            acl = device.acl(binding.acl)
            what = ""
            if acl is None:
                what = "the list is bound and not there"
            elif acl.family == -1 and acl.entries:
                what = "the list is not of IP"
            if what:
                yield record(
                    "AccessList", end.tenant, device.name, binding.acl, binding.span, what,
                    end.workload or "", "device",
                )  # fmt: skip
    asked = {tuple(b.acl for w in ("in", "out") for b in bound(device, p, w)) for p in host.ports}
    if len(asked) > 1:
        what = "ports of one VLAN ask other lists, and nothing says who is where"
        yield record(
            "Vlan", end.tenant, device.name, host.interface, host.span, what, end.workload or "",
            "device",
        )  # fmt: skip
    if not host.whole:
        what = "its lists speak of more parts of its addresses than are told apart"
        yield record(
            "AccessList", end.tenant, device.name, host.interface, host.span, what,
            end.workload or "", "device",
        )  # fmt: skip


def key_of(end: Endpoint) -> str:
    """What records call an endpoint."""
    return f"{end.namespace}/{end.workload}"


def across(hosts: Sequence[At]) -> Iterator[Unevaluated]:
    """What has to cross the fabric that nobody gave."""
    if len({device.name for _, device, _, _ in hosts}) < 2:
        return
    what = "it lies on another device, and what is between them is not given"
    for end, device, _, _ in hosts:
        others: tuple[str, ...] = ()
        if len(hosts) <= MOST_APART:
            others = tuple(
                dict.fromkeys(key_of(other) for other, at, _, _ in hosts if at != device)
            )
        name = end.workload or ""
        yield record(
            "Underlay", end.tenant, device.name, name, end.span, what, name, NEIGHBOUR, others
        )
