"""nvue: one `startup.yaml` of NVUE per VTEP, in the dialect of HBN or of Cumulus Linux
(`nvue_dialects`): `nv config replace NODE.yaml`.

Every endpoint of a VTEP is behind an interface of its own, which comments name. Access lists
(`nvue_acls`) say of first packets what the groups of the program say; routing (`nvue_routing`) is
that of `frr`. What NVUE has no words for is a remark (`nvue_losses`).

Rules stand on a line each, the rest as `nv config show` prints it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.program.dpu import elsewhere
from compiler.program.program import Program, asked_for, refuse_conditions, refuse_fields
from compiler.targets.hosts.port_names import ports_of
from compiler.targets.nvue.nvue_acls import WAYS, NvueLists, own_addresses
from compiler.targets.nvue.nvue_dialects import CUMULUS, HBN, Dialect
from compiler.targets.nvue.nvue_losses import losses
from compiler.targets.nvue.nvue_routing import NodeRouting, underlay, vrf_name
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.visible import visible
from fabric.values.inventory import Endpoint

ON = {"enable": "on"}
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|[0-9]+(\.[0-9]+)+(/[0-9]+)?")
Names = Mapping[int, str]
"""Interfaces by the index of the endpoint behind them."""


@dataclass(frozen=True, slots=True)
class Nvue:
    """The format in one dialect; `lists` makes those of a program in it."""

    dialect: Dialect
    lists: Callable[[Program], NvueLists]

    def nodes(self, program: Program) -> tuple[int, ...]:
        """Who gets a file: every VTEP."""
        return tuple(sorted({vtep for vtep, _ in program.network.plan.instances}))

    def interfaces(self, program: Program) -> dict[int, Names]:
        """The interface of each endpoint of each node."""
        network = program.network
        return {
            node: interfaces(
                program.ends_at(node), uplinks_of(network, node, self.dialect), self.dialect
            )
            for node in self.nodes(program)
        }

    def render(self, program: Program, node: int, /) -> str:
        """The configuration of one VTEP."""
        refuse(program, node)
        network, ends = program.network, program.ends_at(node)
        uplinks = uplinks_of(network, node, self.dialect)
        names = interfaces(ends, uplinks, self.dialect)
        bindings, acls = bound(program.once(self.lists), node, names)
        lines = [*head(network, node, names, uplinks, self.dialect), "- set:"]
        if acls:
            lines.append("    acl:")
            for name in sorted(acls):
                lines += [f"      {name}:", acls[name]]
        tree = tree_of(network, node, ends, names, uplinks, bindings, self.dialect)
        lines += block(tree, 4)
        return "".join(f"{line}\n" for line in lines)

    def remarks(self, program: Program) -> tuple[Diagnostic, ...]:
        """What NVUE does not say of the program, one for each kind."""
        return tuple(
            Diagnostic("C881", f"NVUE of {self.dialect.title}: {what}", None, hint, "warning")
            for what, hint in losses(program, self.dialect)
        )


def for_hbn() -> Nvue:
    """The format `nvue`."""
    return Nvue(HBN, lists_for_hbn)


def for_cumulus() -> Nvue:
    """The format `nvue-cumulus`."""
    return Nvue(CUMULUS, lists_for_cumulus)


def lists_for_hbn(program: Program) -> NvueLists:
    """The lists of a program for HBN."""
    return NvueLists(program, HBN)


def lists_for_cumulus(program: Program) -> NvueLists:
    """The lists of a program for Cumulus Linux."""
    return NvueLists(program, CUMULUS)


def refuse(program: Program, node: int) -> None:
    """Nothing, unless the program asks for what no list can say."""
    refuse_fields(program, "NVUE")
    refuse_conditions(program, "NVUE")
    name = program.network.fabric.nodes[node].name
    if program.network.fib.versions:
        message = "configurations of NVUE are those of one version of a network"
        raise UndecidedError(Diagnostic("C857", message, None, "write those of either", "unknown"))
    if elsewhere(program) and asked_for(program, node):
        message = f"{name} enforces for endpoints elsewhere, which lists of NVUE do not"
        raise UndecidedError(Diagnostic("C853", message, None, "other formats do", "unknown"))


def uplinks_of(network: Network, node: int, dialect: Dialect) -> dict[str, str]:
    """The uplinks of a node: the fabric's names by the device's."""
    ports = ports_of(network, node)
    return {dialect.uplink(number, port): port for number, port in enumerate(ports)}


def interfaces(ends: Sequence[Endpoint], uplinks: Mapping[str, str], dialect: Dialect) -> Names:
    """The interface of each endpoint of a node."""
    counts: dict[bool, int] = defaultdict(int)
    out = {}
    for end in ends:
        kind = dialect.name == "hbn" and end.kind == "node"
        out[end.index] = dialect.access(kind, counts[kind], tuple(uplinks))
        counts[kind] += 1
    return out


def bound(
    lists: NvueLists, node: int, names: Names
) -> tuple[dict[int, dict[str, Any]], dict[str, str]]:
    """Which lists are asked of which endpoint, and the text of each list."""
    ends = lists.program.ends_at(node)
    home = own_addresses(lists.program, ends, node)
    bindings: dict[int, dict[str, Any]] = {end.index: {} for end in ends}
    acls: dict[str, str] = {}
    for end in ends:
        for direction, (_, way) in WAYS.items():
            for version in (4, 6):
                mine = home[end.index][version]
                name, text = lists.of(end, node, mine, direction, version)
                acls[name] = text
                bindings[end.index][name] = {way: {}}
    return bindings, acls


def head(
    network: Network, node: int, names: Names, uplinks: Mapping[str, str], dialect: Dialect
) -> Iterator[str]:
    """What the file is, and who is behind which interface."""
    fabric = network.spec and network.spec.name
    yield visible(f"# {network.fabric.nodes[node].name}  NVUE of {dialect.title}, fabric {fabric}")
    yield "- header:"
    yield "    model: VX"
    yield "    nvue-api-version: nvue_v1"
    yield "    rev-id: 1.0"
    yield f"    version: Cumulus Linux {dialect.version}"
    for name, port in uplinks.items():
        if name != port:
            yield visible(f"# {name} is the port {port}")
    for index, name in names.items():
        end = network.endpoints[index]
        yield visible(f"# {name} leads to {end.name} in {network.vrfs[end.vrf].name}")


def tree_of(
    network: Network,
    node: int,
    ends: Sequence[Endpoint],
    names: Names,
    uplinks: Mapping[str, str],
    bindings: Mapping[int, Any],
    dialect: Dialect,
) -> dict[str, Any]:
    """Everything but the lists themselves."""
    vtep, routing = network.plan.vtep(node), NodeRouting(network, node)
    ports: dict[str, Any] = {"lo": {"ip": {"address": {f"{vtep}/32": {}}}, "type": "loopback"}}
    ports |= {name: {"type": "swp"} for name in uplinks}
    behind: dict[int, list[tuple[Endpoint, str]]] = defaultdict(list)
    for end in ends:
        name = names[end.index]
        vrf = vrf_name(network, end.vrf)
        ports[name] = {"acl": bindings[end.index], "ip": {"vrf": vrf}, "type": "swp"}
        behind[end.vrf].append((end, name))
    vrfs = {"default": underlay(network, node, tuple(uplinks))}
    vrfs |= {
        vrf_name(network, vrf): routing.vrf(vrf, behind[vrf]) for vrf in network.plan.vrfs_at(node)
    }
    system: dict[str, Any] = {"hostname": network.fabric.nodes[node].name}
    if dialect.tracked:
        system["reflexive-acl"] = ON
    bgp = {"autonomous-system": network.plan.asn[node], **ON, "router-id": vtep}
    return {
        "evpn": ON,
        "interface": ports,
        "nve": {"vxlan": {**ON, "source": {"address": vtep}}},
        "router": {"bgp": bgp, "policy": {k: v for k, v in routing.policy.items() if v}},
        "system": system,
        "vrf": vrfs,
    }


def block(tree: Mapping[str, Any], indent: int) -> Iterator[str]:
    """A tree as YAML, a key on each line.

    >>> list(block({"a": {"10": {}, "on": "on"}, "b": 1}, 0))
    ['a:', "  '10': {}", '  on: on', 'b: 1']
    """
    for key, value in tree.items():
        start = f"{' ' * indent}{scalar(key)}:"
        if isinstance(value, Mapping) and value:
            yield start
            yield from block(value, indent + 2)
        else:
            yield f"{start} {{}}" if isinstance(value, Mapping) else f"{start} {scalar(value)}"


def scalar(value: str | int) -> str:
    """A scalar of YAML, in quotes unless it can be nothing but text or a number."""
    text = str(value)
    if isinstance(value, int) or PLAIN.fullmatch(text):
        return text
    return f"'{text}'"
