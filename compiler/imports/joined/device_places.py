"""Which device of the wiring a configuration is of, and where the two say different things.

Rules that hold here:

1. A configuration is that of the node with its name, else with its host name, else with the first
   part of either (`leaf1` for `leaf1.example.org`).
2. What a configuration says of its own device counts, and that a table or the file says otherwise
   is a finding with both lines.
3. A device that the wiring does not have is a node without cables. A node without configuration is
   *transit* where the file says so (`devices: transit`), else nobody knows what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from compiler.imports.device_facts import Device
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, InputError, Span
from fabric.file.spec import FabricSpec
from fabric.values.wildcard import any_fits, fits
from fabric.wiring.topology import RANK, Fabric, Node, Role

SHOWN = 4


@dataclass(frozen=True, slots=True)
class DevicePlaces:
    """`fabric` has a node for every device; `node_of` is by device, `device_at` by node. `transit`
    are nodes that hand on everything, `unknown` those of which nobody knows what they do."""

    fabric: Fabric
    devices: tuple[Device, ...]
    node_of: tuple[int, ...]
    device_at: dict[int, int]
    transit: frozenset[int]
    unknown: frozenset[int]

    def device(self, node: int) -> Device | None:
        """The configuration of a node."""
        number = self.device_at.get(node)
        return None if number is None else self.devices[number]


def placed(
    spec: FabricSpec,
    fabric: Fabric,
    devices: tuple[Device, ...],
    found: Diagnostics,
    silent: frozenset[str] = frozenset(),
) -> DevicePlaces:
    """Every device at its node; `silent` are nodes that have a file which is not read, and are not
    in transit. Conflicts and doubts go to `found`. Raises `InputError` (C884)."""
    known = {n.name: n.index for n in fabric.nodes if n.role is not Role.HOST}
    node_of: list[int] = []
    device_at: dict[int, int] = {}
    added: list[Node] = []
    for number, device in enumerate(devices):
        node = next((known[name] for name in names_of(device) if name in known), None)
        if node is None:
            node = len(fabric.nodes) + len(added)
            role = Role.DPU if device.vtep is not None or not device.sessions else Role.LEAF
            added.append(Node(node, device.name, role, next(iter(spec.sites))))
        if node in device_at:
            first = devices[device_at[node]]
            what = f"{first.name} and {device.name} are both configurations of one device"
            raise InputError(Diagnostic("C884", what, device.span, f"the other one: {first.span}"))
        node_of.append(node)
        device_at[node] = number
    whole = with_nodes(fabric, added)
    speakers = {n.index for n in fabric.nodes if n.role is not Role.HOST} - device_at.keys()
    wanted = spec.devices.transit if spec.devices else ()
    transit = {
        n for n in speakers if any(fits(fabric.nodes[n].name, pattern) for pattern in wanted)
    }
    useless(spec, [fabric.nodes[n].name for n in sorted(transit)], found)
    transit = {n for n in transit if fabric.nodes[n].name not in silent}
    alone(spec, added, [fabric.nodes[n] for n in sorted(speakers - transit)], found)
    places = DevicePlaces(
        whole, devices, tuple(node_of), device_at, frozenset(transit),
        frozenset(speakers - transit),
    )  # fmt: skip
    found.items += conflicts(spec, places)
    return places


def names_of(device: Device) -> Iterator[str]:
    """Rule 1."""
    full = [name for name in (device.name, device.hostname) if name]
    yield from full
    yield from (name.partition(".")[0] for name in full)


def with_nodes(fabric: Fabric, added: Sequence[Node]) -> Fabric:
    """The wiring with more nodes."""
    if not added:
        return fabric
    taken = {node.name for node in fabric.nodes}
    clash = next((node.name for node in added if node.name in taken), None)
    if clash is not None:
        what = f'"{clash}" is a host, and a configuration of a device is called so'
        raise InputError(Diagnostic("C884", what, None, "name the file after the device"))
    wiring = fabric.wiring
    for node in added:
        wiring.add_node(
            node.name, role=node.role.value, rank=RANK[node.role], site=node.site, pod=0, rack="",
            index=node.index,
        )  # fmt: skip
    return replace(fabric, nodes=(*fabric.nodes, *added), wiring=wiring)


def useless(spec: FabricSpec, transit: Sequence[str], found: Diagnostics) -> None:
    """C845 for patterns of transit that fit nothing that has no configuration."""
    for number, pattern in enumerate(spec.devices.transit if spec.devices else ()):
        if not any_fits(pattern, transit):
            what = f'transit: "{pattern}" is no device of the wiring without a configuration'
            found.error("C845", what, spec.at("devices", "transit", number))


def alone(
    spec: FabricSpec, added: Sequence[Node], silent: Sequence[Node], found: Diagnostics
) -> None:
    """C885: devices that one source has and the other one has not."""
    if added and any(site.nodes for site in spec.sites.values()):
        what = f"{some_of([n.name for n in added])}: no table of devices and no `nodes:` has them"
        found.warn("C885", what, spec.at("devices"), "where they are cabled to is not known")
    dpus = [node for node in silent if node.role is Role.DPU]
    switches = [node for node in silent if node.role is not Role.DPU]
    if dpus:
        names = some_of([n.name for n in dpus])
        what = f"{names}: DPUs without a configuration, so what is behind them is not known"
        hint = "add the output of nv config show; one that has nothing may stand under transit:"
        found.warn("C885", what, spec.at("devices"), hint)
    if switches:
        names = some_of([n.name for n in switches])
        what = f"{names}: switches without a configuration, so where they lead is unknown"
        hint = "transit: takes them to hand on everything and to have nothing of their own"
        found.warn("C885", what, spec.at("devices"), hint)


def some_of(names: Sequence[str]) -> str:
    """A few names."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def conflicts(spec: FabricSpec, places: DevicePlaces) -> Iterator[Diagnostic]:
    """Rule 2."""
    for site, settings in spec.sites.items():
        for name, said in settings.nodes.items():
            node = (
                places.fabric.wiring.nodes[name]["index"]
                if name in places.fabric.wiring.nodes
                else -1
            )
            device = places.device(node)
            if device is None:
                continue
            at = ("sites", site, "nodes", name)
            if said.asn is not None and device.asn is not None and said.asn != device.asn:
                yield conflict(
                    name, "AS number", said.asn, device.asn, spec.at(*at, "asn"), device.asn_span
                )
            vtep = device.vtep or device.router_id
            if said.loopback is not None and vtep is not None and said.loopback != str(vtep):
                yield conflict(
                    name, "loopback", said.loopback, vtep, spec.at(*at, "loopback"),
                    device.vtep_span or device.span,
                )  # fmt: skip


def conflict(
    name: str, what: str, said: object, counts: object, here: Span | None, there: Span | None
) -> Diagnostic:
    """C846."""
    text = f"{name} has {what} {said} here, and {counts} at {there}"
    return Diagnostic("C846", text, here, "the configuration of the device counts", FINDING)
