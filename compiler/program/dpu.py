"""What one enforcement point (a VTEP) holds: its share of the program and of the routes, by stage.

| stage         | key                               | from                                    |
|---------------|-----------------------------------|-----------------------------------------|
| tunnel_admit  | VNI → VRF, outer sources          | its VRF instances, VTEPs in FIBs        |
| endpoint      | (VRF, address) → groups           | the endpoints that live here            |
| identity      | LPM (VRF, prefix) → remote VRF    | the FIB                                 |
| groups        | remote, protocol, ports           | `Program.groups_at`                     |
| route         | LPM (VRF, prefix) → next-hop set  | the FIB                                 |
| mapping       | next hop → VTEP, VNI, router MAC  | the FIB                                 |

Stage names follow the DPU pipeline in ARCHITECTURE.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.policy.ir import Point
from compiler.program.program import Group, Program, asked_for, leads
from fabric.control.fib import NextHop, Route
from fabric.values.inventory import Endpoint, Vrf


@dataclass(frozen=True, slots=True)
class Instance:
    """A VRF on this VTEP: its routes and the VTEPs whose tunnels it admits: those that its routes
    lead to, and where hairpins are permitted all whose routes lead here. What they send on may have
    no way back from here, and needs none."""

    vrf: Vrf
    routes: tuple[Route, ...]
    admits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dpu:
    """All tables of one VTEP. `asked_for` has the endpoints for which it asks groups as their peer
    or as a border."""

    vtep: int
    name: str
    endpoints: tuple[Endpoint, ...]
    instances: tuple[Instance, ...]
    groups: tuple[Group, ...]
    asked_for: tuple[tuple[Endpoint, tuple[Group, ...]], ...] = ()

    @property
    def mappings(self) -> tuple[NextHop, ...]:
        """Distinct remote next hops, sorted."""
        hops = {
            hop
            for instance in self.instances
            for route in instance.routes
            for hop in route.nexthops
            if hop.vtep != self.vtep
        }
        return tuple(sorted(hops))


def enforcement_points(program: Program) -> tuple[int, ...]:
    """Node indices of the VTEPs that have something to enforce, sorted."""
    return tuple(sorted({vtep for endpoint in program.domain.endpoints for vtep in endpoint.vteps}))


def tables_of(program: Program, vtep: int) -> Dpu:
    """The tables of one VTEP; built on demand because large fabrics have hundreds."""
    return Dpu(
        vtep,
        program.domain.nodes[vtep].name,
        program.ends_at(vtep),
        tuple(_instances(program, vtep)),
        program.groups_at(vtep),
        tuple(asked_for(program, vtep)) if elsewhere(program) else (),
    )


def _instances(program: Program, vtep: int) -> Iterator[Instance]:
    """The VRFs of a VTEP; tables of no network have none."""
    if (network := program.routed) is None:
        return
    for vrf in network.fib.vrfs_at(vtep):
        routes = network.fib.routes(vtep, vrf)
        admits = {at for at, _ in leads(network, vtep, vrf)}
        if network.vrfs[vrf].hairpin:
            admits |= program.once(_senders).get((vtep, vrf), set())
        yield Instance(network.vrfs[vrf], routes, tuple(sorted(admits - {vtep})))


def _senders(program: Program) -> dict[tuple[int, int], set[int]]:
    """By VTEP and VRF, the VTEPs of which some route leads there."""
    found: dict[tuple[int, int], set[int]] = {}
    for at, of in program.network.fib.instances:
        for there in leads(program.network, at, of):
            found.setdefault(there, set()).add(at)
    return found


def elsewhere(program: Program) -> bool:
    """Whether some of a program is for other points than the DPU of the local side."""
    return any(stage.at is not Point.HERE for stage in program.stages)
