"""What people type for the ends of a flow: `acme/web/front-0`, `front`, `[fd00::5]:443`.

Rules that hold here:

1. A name is an endpoint's, an alias of a node (a host-network pod), or a workload's, which stands
   for all its pods, and for the nodes of those on their node's network; who asks for one endpoint
   gets the first. A shorter form (the last segments) will do when it is unambiguous. A host's node
   without a VRF (`tenant/@node/host`) is all of the tenant's nodes there.
2. An address as a source must have one owner: tenants may share address space; prefixes and ranges
   (`sim.names.address_sets`) stand for whoever has any of them, and for these alone. As a
   destination they are addresses in the source's VRF, whoever answers there.
3. A pattern (`acme/web/*`, `host[1-4]`) stands for all that it selects; a tenant in front may be
   left out. The name of a tenant, zone or VRF stands for all that is in it, that of a host for its
   nodes in all tenants: full names come before shorter forms, as nothing else would be read as it
   was printed.
4. `namespace/name[Service]`, or `Service namespace/name`, as a destination is the pods behind it,
   at the ports that it maps to. So is an address or a node with a port that is a door to them
   (`sim.names.door_at`).
   It opens no connections: as a source it is an error that says so (C732).
5. A port is what `sim.names.wanted_ports` reads; without one it is TCP port 443.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

from compiler.policy.semantics import owner
from compiler.program.space import intersect
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.values.address_sets import Address, AddressSet, address_in, refusal, set_in
from fabric.values.door_names import door_in, in_brackets
from fabric.values.inventory import Endpoint
from fabric.values.names import host_of, others, selects
from fabric.values.ports import PortRange
from fabric.values.wildcard import BRACKETS, NUMBERS
from sim.names.address_sets import owning
from sim.names.door_at import Behind, at_address, at_node, door_addresses, node_ports
from sim.names.members import members
from sim.names.services import behind, every_port
from sim.names.wanted_ports import ports_by, split_port

A = TypeVar("A")
B = TypeVar("B")
KIND = re.compile(r"(.*?)(?:\[([\w.-]+)\])?", re.S)
DEFAULT = "443/tcp"
EXAMPLES = {4: int(IPv4Address("192.0.2.1")), 6: int(IPv6Address("2001:db8::1"))}


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination: an endpoint (at one of its addresses, if one is given), or an address or the
    addresses of a set, of whoever has them; and ports. `door` is the one behind which the
    endpoint is, if that was asked for, and `asked` what was asked for; where a fabric decides at
    the door, `door` alone."""

    endpoint: Endpoint | None
    address: Address | None
    ports: tuple[PortRange, ...]
    block: AddressSet | None = None
    door: Behind | None = None
    asked: Destination | None = None

    @property
    def called(self) -> str:
        """What people see of it."""
        return (
            self.endpoint.name
            if self.endpoint
            else self.block.text
            if self.block
            else str(self.address)
        )


def endpoint(network: Network, name: str) -> Endpoint:
    """The endpoint that a name or an address stands for; `InputError` if there is none or many."""
    _refuse(name)
    if (address := address_in(name)) is not None:
        return _owner(network, name, address)
    found = _found(network, name)
    if len(found) == 1 or _one_workload(network, name, found):
        return found[0]
    if found:
        listed = ", ".join(map(_in_full, found[:4]))
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        raise _fault("C711", f'"{name}" is ambiguous: {listed}{more}', "write more of the name")
    hint = did_you_mean(name, _names(network.endpoints)) or f"one is {network.endpoints[0].name}"
    if any(e.name.startswith(f"{name.strip('/')}/") for e in network.endpoints):
        hint = f'it holds several: "{name.strip("/")}/*" is all of them'
    raise _fault("C710", f'no endpoint is called "{name}"', hint)


def endpoints(network: Network, name: str) -> list[Endpoint]:
    """What a pattern selects, a host's nodes, a workload's pods, or the one endpoint of a name;
    `InputError` when there is none."""
    _refuse(name)
    name = in_brackets(name)
    if (block := set_in(name)) is not None:
        if found := owning(network, block):
            return found
        raise _fault("C710", f"no endpoint has addresses of {name}", None)
    if (door := door_in(name)) is not None:
        message = f"{door.one} opens no connections: {name} is a destination"
        raise _fault("C732", message, "ask for the workload behind it")
    if not is_pattern(name):
        found = _found(network, name) if address_in(name) is None else []
        if not any(name in _answers(e) for e in found) and (several := _several(network, name)):
            return several
        if _one_host(found) or _one_workload(network, name, found):
            return found
        return [endpoint(network, name)]
    found = [e for e in network.endpoints if any(selects(p, e) for p in (name, f"*/{name}"))]
    if not found:
        hint = did_you_mean(name, _names(network.endpoints)) or "a pattern is like acme/web/*"
        raise _fault("C710", f'"{name}" selects no endpoint', hint)
    return found


def _refuse(name: str) -> None:
    if wrong := refusal(name):
        raise InputError(wrong)


def _several(network: Network, name: str) -> list[Endpoint]:
    """Everything in the tenant, zone or VRF of that name, or the nodes of a host."""
    inside = [e for e in network.endpoints if name in (e.tenant, network.vrfs[e.vrf].name)]
    return inside or [e for e in network.endpoints if (e.kind, e.host) == ("node", name)]


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """The results of two questions; one `InputError` with the mistakes of both."""
    faults: list[Diagnostic] = []
    answers: list[Any] = []
    for ask in (first, second):
        try:
            answers.append(ask())
        except InputError as error:
            faults += error.diagnostics
    if faults:
        raise InputError(*faults)
    return answers[0], answers[1]


def is_pattern(name: str) -> bool:
    """Whether a name has a wildcard or a range of numbers."""
    return "*" in name or "?" in name or any(map(NUMBERS.fullmatch, BRACKETS.findall(name)))


def target(network: Network, text: str) -> Destination:
    """A destination with its port; `InputError` as for `endpoint`."""
    found = targets(network, text)
    if len(found) > 1:
        endpoint(network, split_port(text)[0])
    return found[0]


def targets(network: Network, text: str) -> list[Destination]:
    """As `target`, for everything that a pattern selects."""
    name, port = split_port(text)
    _refuse(name)
    address = address_in(name)
    if address is not None:
        asked = [Destination(None, address, ports) for ports, _ in ports_by(port or DEFAULT, ())]
        return [t for one in asked for t in _behind(network, one)]
    if (block := set_in(name)) is not None:
        return [
            t for ports, _ in ports_by(port or DEFAULT, ()) for t in _inside(network, block, ports)
        ]
    if (door := door_in(name)) is not None:
        whole = not (port or door.has_ports)
        led = every_port(network, door) if whole else behind(network, door, port or DEFAULT)
        return [Destination(e, None, (at,)) for e, at in led]
    found = endpoints(network, name)
    parts = ports_by(port or DEFAULT, found)
    asked = [Destination(e, None, ports) for ports, members in parts for e in members]
    opened = node_ports(network) if any(e.kind == "node" for e in found) else ()
    return [t for one in asked for t in (_behind(network, one) if _may(one, opened) else [one])]


def _inside(
    network: Network, block: AddressSet, ports: tuple[PortRange, ...]
) -> Iterator[Destination]:
    """Addresses of a set: those that are doors one by one, and the rest together."""
    for address in door_addresses(network):
        here = ((int(address), int(address)),)
        if intersect(block.of(address.version), here):
            behind_it = _behind(network, plain := Destination(None, address, ports))
            if behind_it != [plain]:
                block = block.without(address)
                yield from behind_it
    if block.versions:
        yield Destination(None, None, ports, block)


def _may(wanted: Destination, opened: Container[tuple[str, int, int]]) -> bool:
    """Whether a destination may be a door of a node."""
    node = wanted.endpoint
    return (
        node is not None
        and node.kind == "node"
        and any((node.tenant, p.protocol, p.first) in opened for p in wanted.ports)
    )


def _behind(network: Network, wanted: Destination) -> list[Destination]:
    """What is behind a door, or the destination itself where it is none."""
    if len(wanted.ports) != 1 or wanted.ports[0].first != wanted.ports[0].last:
        return [wanted]
    (port,) = wanted.ports
    if wanted.address is not None:
        found = at_address(network, wanted.address, port.protocol, port.first)
    else:
        assert wanted.endpoint is not None
        found = at_node(network, wanted.endpoint, port.protocol, port.first)
    if found and found[0].decided_before:
        return [replace(wanted, door=found[0])]
    return [Destination(b.endpoint, None, (b.port,), None, b, wanted) for b in found] or [wanted]


def address_of(network: Network, owned_by: Endpoint, version: int) -> int | None:
    """An address of the endpoint that is its own; of a whole prefix, one from documentation."""
    prefixes = [p for p in owned_by.prefixes if p.version == version]
    tries = [int(p.network_address) for p in prefixes if p.num_addresses == 1]
    tries += [EXAMPLES[version]] if prefixes else []
    for p in prefixes:
        tries += [int(p.network_address) + step for step in (1, 0, p.num_addresses // 2)]
    mine = (
        ip
        for ip in tries
        if (found := owner(network, owned_by.vrf, version, ip)) and found.index == owned_by.index
    )
    return next(mine, None)


def _owner(network: Network, text: str, address: Address) -> Endpoint:
    ip, version = int(address), address.version
    anyone = (owner(network, vrf.index, version, ip) for vrf in network.vrfs)
    owners = [e for e in anyone if e is not None]
    exact = [e for e in owners if any(p.num_addresses == 1 and address in p for p in e.prefixes)]
    found = exact or owners
    if len(found) == 1:
        return found[0]
    if not found:
        raise _fault("C710", f"no endpoint has the address {text}", None)
    listed = ", ".join(e.name for e in found)
    raise _fault("C711", f"{text} is an address of {listed}", "write the name of one of them")


def _found(network: Network, name: str) -> list[Endpoint]:
    """Everything that a name, maybe with a kind in brackets, may stand for."""
    plain, kind = _split_kind(name)
    called = [e for e in _called(network.endpoints, plain) if kind in (None, _kind(e))]
    if called:
        return called
    found = {e.index: e for some in _workloads(network, name).values() for e in some}
    return [found[index] for index in sorted(found)]


def _split_kind(name: str) -> tuple[str, str | None]:
    """A name, and the kind in brackets behind it."""
    plain, kind = KIND.fullmatch(name.strip("/")).groups()  # type: ignore[union-attr]
    return plain, kind


def _workloads(network: Network, name: str) -> dict[str, list[Endpoint]]:
    """The workloads that a name may stand for, by full name, and the endpoints of their pods: nodes
    of those on their node's network."""
    plain, kind = _split_kind(name)
    wanted = plain.split("/")
    found: dict[str, dict[int, Endpoint]] = defaultdict(dict)
    for e in network.endpoints:
        if kind in (None, _kind(e)) and _workload(e)[-len(wanted) :] == wanted:
            found["/".join(_workload(e))][e.index] = e
    for tenant in network.manifests:
        for pod, e in members(network, tenant):
            full = [tenant, pod.namespace, pod.workload]
            meant = kind in (None, pod.workload_kind) and full[-len(wanted) :] == wanted
            if meant and e.kind == "node":
                found["/".join(full)][e.index] = e
    return {full: [some[index] for index in sorted(some)] for full, some in found.items()}


def _called(endpoints: Iterable[Endpoint], name: str) -> list[Endpoint]:
    """Exact names first, then shorter forms."""
    wanted = name.split("/")
    exact = [e for e in endpoints if name in _answers(e)]
    return exact or [
        e for e in endpoints if any(n.split("/")[-len(wanted) :] == wanted for n in _answers(e))
    ]


def _answers(endpoint: Endpoint) -> Iterable[str]:
    """Full names that mean an endpoint, alone or with a host's other nodes."""
    first, slash, last = endpoint.name.rpartition("/")
    plain = [f"{first}{slash}{host_of(last)}"] if endpoint.kind == "node" else []
    return (endpoint.name, *endpoint.aliases, *endpoint.also, *plain)


def _in_full(endpoint: Endpoint) -> str:
    """The name that means this endpoint and no other."""
    return next(iter(endpoint.also), endpoint.name)


def _one_host(found: list[Endpoint]) -> bool:
    """Whether these are the nodes of one tenant on one host."""
    return len(found) > 1 and {(e.kind, e.tenant, e.host) for e in found} == {
        ("node", found[0].tenant, found[0].host)
    }


def _names(endpoints: Iterable[Endpoint]) -> list[str]:
    """What a name could have meant: full names and last parts, of endpoints and workloads."""
    full = [n for e in endpoints for n in (e.name, "/".join(_workload(e)), *others(e)) if n]
    shorter = ("/".join(n.split("/")[-length:]) for n in full for length in (1, 2))
    return list(dict.fromkeys([*full, *shorter]))


def _workload(endpoint: Endpoint) -> list[str]:
    return [*endpoint.name.split("/")[:-1], endpoint.workload] if endpoint.workload else []


def _kind(endpoint: Endpoint) -> str:
    """What may stand in brackets behind a name."""
    return endpoint.workload_kind or endpoint.kind.capitalize()


def _one_workload(network: Network, name: str, found: list[Endpoint]) -> bool:
    """Whether these are all pods of one workload."""
    alike = {(*_workload(e),) for e in found}
    if len(alike) == 1 and () not in alike:
        return True
    return bool(found) and list(_workloads(network, name).values()) == [found]


def _fault(code: str, message: str, hint: str | None) -> InputError:
    return InputError(Diagnostic(code, message, None, hint))
