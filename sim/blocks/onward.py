"""Where routes lead on: addresses that a VTEP does not deliver, because its own route for them goes
elsewhere (`sim.forwarding.one_step`, rule 3), for columns of addresses on its rows
(`sim.forwarding.step_rows`).

An endpoint that owns a whole prefix does not get what its VTEP has a longer route for: a border's
0.0.0.0/0 ends where a tenant's public prefix begins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.control.rewrites import sources
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import expand

Bits = NDArray[np.bool_]


def leads_on(blocks: Blocks, vtep: NDArray[Any], vrf: int, atom: NDArray[Any]) -> Bits:
    """Whether what comes out of a tunnel into `vrf` at a VTEP has a route there that leads away,
    for each of some atoms of that VRF."""
    b, away = blocks, np.zeros(len(atom), np.bool_)
    instance = b.inst_of[vtep, vrf]
    known = np.flatnonzero(instance >= 0)
    if not len(known) or not len(b.fib):
        return away
    chosen = b.fib[b.fib_off[instance[known]] + atom[known]]
    known, chosen = known[chosen >= 0], chosen[chosen >= 0]
    away[known] = True
    row, hop = expand(b.set_off[chosen], b.set_off[chosen + 1] - b.set_off[chosen])
    row = known[row]
    away[row[(b.set_vtep[hop] == vtep[row]) & (b.set_vrf[hop] == vrf)]] = False
    return away


def kept(blocks: Blocks, vrf: int) -> Bits:
    """Which atoms of a VRF have an owner of whose VTEPs one, of those where what it sends comes in,
    does not route them on."""
    base = blocks.addresses.base
    owner = blocks.addresses.endpoint[base[vrf] : base[vrf + 1]]
    found = np.zeros(len(owner), np.bool_)
    owned = np.flatnonzero(owner >= 0)
    row, vtep = blocks.homes.entries(owner[owned], blocks.endpoint_vtep[owner[owned]])
    atom = owned[row]
    found[atom[~leads_on(blocks, vtep, vrf, atom)]] = True
    return found


def rewritten(blocks: Blocks, vrf: int) -> Bits:
    """Which atoms of a VRF nobody gets packets to, since as destinations they become others."""
    atoms, found = blocks.addresses, np.zeros(blocks.addresses.count(vrf), np.bool_)
    network = blocks.program.network
    if network.rewrites:
        moved = (sources(network.moves, version) for version in (4, 6))
        found |= atoms.mask(vrf, *moved)
    return found


def local_endpoints(blocks: Blocks) -> NDArray[np.int32]:
    """The endpoint to which its one VTEP delivers an atom, over all VRFs; -1 for none."""
    vrfs = range(len(blocks.addresses.base) - 1)
    owner = blocks.addresses.endpoint
    held = np.concatenate([np.zeros(0, np.bool_), *(kept(blocks, vrf) for vrf in vrfs)])
    held &= blocks.homes.several[owner] < 0
    return np.where(held, owner, np.int32(-1))


def hairpins(blocks: Blocks) -> dict[tuple[int, int], tuple[int, ...]]:
    """Where the rule against hairpins decides: VTEPs and VRFs of endpoints that own addresses which
    their own VTEP routes on, with the VRFs to which these routes lead."""
    b, found = blocks, dict[tuple[int, int], set[int]]()
    for vrf in range(len(b.addresses.base) - 1):
        owner = b.addresses.endpoint[b.addresses.base[vrf] : b.addresses.base[vrf + 1]]
        owned = np.flatnonzero(owner >= 0)
        row, at = b.homes.everywhere(owner[owned], b.endpoint_vtep[owner[owned]])
        away = leads_on(b, at, vrf, owned[row])
        for atom, vtep in zip(owned[row[away]].tolist(), at[away].tolist(), strict=True):
            number = int(b.fib[b.fib_off[b.inst_of[vtep, vrf]] + atom])
            hops = b.set_vrf[b.set_off[number] : b.set_off[number + 1]].tolist()
            found.setdefault((vtep, vrf), set()).update(hops)
    return {place: tuple(sorted(vrfs)) for place, vrfs in sorted(found.items())}
