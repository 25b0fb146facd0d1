"""Blocks: the compiled policy as arrays, the one form that classifier, proof and diff share.

A *block* answers for one set of bound groups in one VRF and direction. Its rows are classes of
remote *cells*, its columns classes of L4 atoms, its values *decisions* (the entry that each stage
matched, and the outcome). Endpoints with the same bindings share a block; nothing is expanded per
endpoint, per DPU or per packet.

    cell = atom * K[vrf] + k          atom: VRF-local address atom, k: remote VRF as seen from vrf
    decision = F[F_off[b] + cell_class[cell_off[b] + cell] * n_l4[b] + l4_class[l4_off[b] + l4]]

`k` comes from `remote_index[vrf, remote]`; `K[vrf] - 1` stands for every VRF that no rule of the
VRF names and no route leads to. Rules are tabled by class, VRF by VRF (`sim.blocks.grid`), and laid
out in arrays that only grow (`sim.blocks.store`), so that `sim.blocks.update` changes what changed.
Blocks that tell the same cells apart share them, and rows of `l4_class`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from compiler.program.ownership import owned_addresses
from compiler.program.program import ANY_VRF, Program
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected
from sim.blocks.atoms import AddressAtoms, L4Atoms, address_atoms, l4_atoms
from sim.blocks.grid import VrfSpace
from sim.blocks.homes import Homes, homes_of
from sim.blocks.numbering import same_rows
from sim.blocks.store import BlockRow, Key, Store
from sim.forwarding.step_rows import StepRows, nowhere, step_rows

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Blocks:
    """See the module. Offsets are int64; `inst_of` to `set_vrf` are the forwarding step's rows
    (`sim.forwarding.step_rows`) by atom: `fib` holds a set id or -1 per (instance, VRF-local atom)
    at `fib_off[instance] + atom`."""

    program: Program
    l4: L4Atoms
    addresses: AddressAtoms
    remote_index: NDArray[np.int16]
    remote_count: I32
    inst_of: I32
    fib_off: I64
    fib: I32
    set_off: I32
    set_vtep: I32
    set_vrf: I32
    endpoint_vrf: I32
    endpoint_vtep: I32
    homes: Homes
    ep_block: I32
    block_vrf: I32
    cell_off: I64
    cell_class: NDArray[np.uint16]
    l4_off: I64
    l4_class: NDArray[np.uint16]
    n_l4: I32
    F_off: I64
    F: I32
    dec_permit: NDArray[np.bool_]
    dec_stage: NDArray[np.int8]
    dec_entries: I32
    store: Store = field(repr=False, compare=False)
    serial: int = field(default=0, repr=False, compare=False)

    def cell(self, vrf: int, version: int, ip: int, remote_vrf: int) -> int:
        """The cell of a remote as an endpoint in `vrf` sees it."""
        atom = self.addresses.find(vrf, version, ip)
        return atom * int(self.remote_count[vrf]) + int(self.remote_index[vrf, remote_vrf])

    def told_apart(self, vrf: int) -> I64:
        """Cells of a VRF by what rules of it say about them, [atoms, K[vrf]]: where two have one
        number, every entry of a group that is bound in the VRF holds both or neither."""
        count, width = self.addresses.count(vrf), int(self.remote_count[vrf])
        grid = self.store.grids.get(vrf)
        if grid is not None and self.store.serial == self.serial:
            return grid.cells.of.reshape(count, width).astype(np.int64)
        members = np.flatnonzero(self.endpoint_vrf == vrf)
        first = np.unique(self.cell_off[np.unique(self.ep_block[:, members])])
        cells = np.arange(count * width)
        found = same_rows([np.zeros(len(cells)), *(self.cell_class[f + cells] for f in first)])
        return found.of.reshape(count, width).astype(np.int64)

    def decision(self, direction: Direction, endpoint: int, cell: int, l4: int) -> int:
        """The decision id of one cell and L4 atom."""
        block = self.ep_block[direction, endpoint]
        row = int(self.cell_class[self.cell_off[block] + cell])
        column = int(self.l4_class[self.l4_off[block] + l4])
        return int(self.F[self.F_off[block] + row * self.n_l4[block] + column])


@phase("cut the packet space into blocks")
@uncollected()
def build_blocks(program: Program) -> Blocks:
    """Arrays of a program; depends on its network's routes, so rebuild after a failure. Of a
    program of no network nothing has a route."""
    domain = program.domain
    bound = bound_groups(program)
    addresses = address_atoms(program, domain.once(owned_addresses), bound)
    l4 = l4_of(program, bound)
    store = Store(l4.size, program.stages)
    rows = _rows(program, addresses)
    store.fib.append(rows.fib)
    remote_index, remote_count = _remotes(program, bound, rows)
    steps = rows._replace(fib=store.fib.view)
    store.learn(program.groups)
    keys = _keys(program)
    placed: list[BlockRow] = []
    for vrf, distinct in sorted(_distinct(program, keys).items()):
        width = int(remote_count[vrf])
        placed += store.add(
            VrfSpace(program, vrf, addresses, l4, remote_index[vrf], width), distinct
        )
    store.finish()
    known = store.known
    ep_block = [
        [known[e.vrf][key] for e, key in zip(domain.endpoints, row, strict=True)] for row in keys
    ]
    store.lane = np.array([b.lane for b in placed], np.int64)
    return Blocks(
        program, l4, addresses, remote_index, remote_count, *steps,
        np.array([e.vrf for e in domain.endpoints], np.int32),
        np.array([e.vtep for e in domain.endpoints], np.int32),
        homes_of(domain),
        np.array(ep_block, np.int32).reshape(len(Direction), len(domain.endpoints)),
        np.array([b.vrf for b in placed], np.int32),
        np.array([b.cell_off for b in placed], np.int64),
        store.cells.view,
        store.lane * store.lanes.stride,
        store.lanes.view,
        np.array([b.n_l4 for b in placed], np.int32),
        np.array([b.f_off for b in placed], np.int64),
        store.values.view, store.permit.view, store.stage.view, store.entries.view,
        store,
    )  # fmt: skip


def reroute(blocks: Blocks, program: Program) -> Blocks:
    """The same policy where only routes have changed, after a failure; `program` is the same but
    for its network. VRFs that no rule names share a cell, so a new egress VRF needs no new ones."""
    before, after = (p.network.fib for p in (blocks.program, program))
    homes = homes_of(program.network) if len(blocks.homes.lives) else blocks.homes
    if before is after:
        return replace(blocks, program=program, homes=homes)
    if any(before.boundaries(v.index) != after.boundaries(v.index) for v in program.network.vrfs):
        return build_blocks(program)
    rows = _rows(program, blocks.addresses, blocks)
    return replace(blocks, program=program, homes=homes, **rows._asdict())


def l4_of(program: Program, bound: Mapping[int, Sequence[int]] | None = None) -> L4Atoms:
    """The L4 atoms of a program's blocks; `bound` are its groups by VRF, where they are known."""
    bound = bound_groups(program) if bound is None else bound
    return l4_atoms(program, sorted({g for groups in bound.values() for g in groups}))


def bound_groups(program: Program) -> dict[int, list[int]]:
    """The groups that endpoints of each VRF are bound to."""
    vrf = np.array([e.vrf for e in program.domain.endpoints], np.int64)[:, None]
    n = len(program.groups) + 1
    found = np.unique(vrf * n + program.bindings + 1)
    out: dict[int, list[int]] = {}
    for place, group in zip(*(x.tolist() for x in np.divmod(found, n)), strict=True):
        if group:
            out.setdefault(place, []).append(group - 1)
    return out


def _keys(program: Program) -> list[list[Key]]:
    """What each endpoint's block answers for, [direction][endpoint]."""
    bindings = program.bindings.tolist()
    return [[(direction, *row) for row in bindings[direction]] for direction in Direction]


def _distinct(program: Program, keys: Sequence[Sequence[Key]]) -> dict[int, list[Key]]:
    """The keys of each VRF, each once."""
    found: dict[int, dict[Key, None]] = {}
    for row in keys:
        for endpoint, key in zip(program.domain.endpoints, row, strict=True):
            found.setdefault(endpoint.vrf, {})[key] = None
    return {vrf: list(distinct) for vrf, distinct in found.items()}


def _remotes(
    program: Program,
    bound: Mapping[int, Sequence[int]],
    rows: StepRows,
) -> tuple[NDArray[np.int16], I32]:
    """Number the VRFs that each VRF's rules or routes can tell apart."""
    n = len(program.domain.vrfs)
    named = np.eye(n, dtype=np.bool_)
    for vrf, groups in bound.items():
        entries = (entry for g in groups for entry in program.groups[g].entries)
        regions = {region.vrf for entry in entries for region in entry.regions} - {ANY_VRF}
        named[vrf, sorted(regions)] = True
    inst_of, fib_off, fib, set_off, _, set_vrf = rows
    ends = np.append(fib_off[1:], len(fib))
    leads = np.zeros((len(set_off) - 1, n), np.bool_)
    leads[np.repeat(np.arange(len(set_off) - 1), np.diff(set_off)), set_vrf] = True
    for node, vrf in np.argwhere(inst_of >= 0).tolist():
        number = inst_of[node, vrf]
        used = np.unique(fib[fib_off[number] : ends[number]])
        named[vrf] |= leads[used[used >= 0]].any(axis=0)
    index = np.where(named, np.cumsum(named, axis=1) - 1, named.sum(axis=1)[:, None])
    return index.astype(np.int16), (named.sum(axis=1) + 1).astype(np.int32)


def _rows(program: Program, atoms: AddressAtoms, known: Blocks | None = None) -> StepRows:
    """The forwarding step by atom; what blocks of the same atoms know already is kept."""
    if program.routed is None:
        return nowhere(len(program.domain.nodes), len(program.domain.vrfs))
    before = (known.program.network.fib, known) if known else None
    return step_rows(program.routed, atoms.starts, before)
