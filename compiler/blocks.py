"""Blocks: the compiled policy as arrays, the one form that classifier, proof and diff share.

A *block* answers for one set of bound groups in one VRF and direction. Its rows are classes of
remote *cells*, its columns classes of L4 atoms, its values *decisions* (the entry that each stage
matched, and the outcome). Endpoints with the same bindings share a block; nothing is expanded per
endpoint, per DPU or per packet.

    cell = atom * K[vrf] + k          atom: VRF-local address atom, k: remote VRF as seen from vrf
    decision = F[F_off[b] + cell_class[cell_off[b] + cell] * n_l4[b] + l4_class[l4_off[b] + l4]]

`k` comes from `remote_index[vrf, remote]`; `K[vrf] - 1` stands for every VRF that no rule of the
VRF names and no route leads to. Cost: (groups bound) × (cells + L4 atoms) bytes before sharing, and
the product of their classes, which stays small because classes merge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compiler.atoms import AddressAtoms, L4Atoms, address_atoms, l4_atoms
from compiler.ir import Action, Direction, Stage
from compiler.ownership import owned_addresses
from compiler.tables import ANY_VRF, Entry, Group, L4Range, Program, Region
from fabric.diagnostics import CloisonError, Diagnostic, InputError

if TYPE_CHECKING:
    from fabric.fib import NextHop

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
MAX_GRID = 1 << 23


@dataclass(frozen=True, slots=True)
class Blocks:
    """See the module. Offsets are int64; `set_*` are next-hop sets in CSR form; `fib` holds a set
    id or -1 per (instance, VRF-local atom) at `fib_off[instance] + atom`."""

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

    def cell(self, vrf: int, version: int, ip: int, remote_vrf: int) -> int:
        """The cell of a remote as an endpoint in `vrf` sees it."""
        atom = self.addresses.find(vrf, version, ip)
        return atom * int(self.remote_count[vrf]) + int(self.remote_index[vrf, remote_vrf])

    def l4_atom(self, protocol: int, sport: int, dport: int) -> int:
        """The L4 atom of a packet."""
        q = self.l4.dport_atom[self.l4.proto_class[protocol], dport]
        return int(q) * self.l4.n_sport + int(self.l4.sport_atom[sport])

    def decision(self, direction: Direction, endpoint: int, cell: int, l4: int) -> int:
        """The decision id of one cell and L4 atom."""
        block = self.ep_block[direction, endpoint]
        row = int(self.cell_class[self.cell_off[block] + cell])
        column = int(self.l4_class[self.l4_off[block] + l4])
        return int(self.F[self.F_off[block] + row * self.n_l4[block] + column])


def build_blocks(program: Program) -> Blocks:
    """Arrays of a program; depends on the network's routes, so rebuild after a failure."""
    network = program.network
    atoms = address_atoms(program, owned_addresses(network))
    l4 = l4_atoms(program)
    remote_index, remote_count = _remotes(program)
    builder = _Builder(program, atoms, l4, remote_index, remote_count)
    ep_block = builder.bind()
    inst_of, fib_off, fib, sets = _fib(program, atoms)
    return Blocks(
        program, l4, atoms, remote_index, remote_count, inst_of, fib_off, fib, *sets,
        np.array([e.vrf for e in network.endpoints], np.int32),
        np.array([e.vtep for e in network.endpoints], np.int32),
        ep_block, *builder.arrays(),
    )  # fmt: skip


def reroute(blocks: Blocks, program: Program) -> Blocks:
    """The same policy where only routes have changed, after a failure; `program` is the same but
    for its network. VRFs that no rule names share a cell, so a new egress VRF needs no new ones."""
    before, after = (p.network.fib for p in (blocks.program, program))
    if any(before.boundaries(v.index) != after.boundaries(v.index) for v in program.network.vrfs):
        return build_blocks(program)
    inst_of, fib_off, fib, (set_off, set_vtep, set_vrf) = _fib(program, blocks.addresses)
    return replace(
        blocks, program=program, inst_of=inst_of, fib_off=fib_off, fib=fib,
        set_off=set_off, set_vtep=set_vtep, set_vrf=set_vrf,
    )  # fmt: skip


def _remotes(program: Program) -> tuple[NDArray[np.int16], I32]:
    """Number the VRFs that each VRF's rules or routes can tell apart."""
    network = program.network
    n = len(network.vrfs)
    named = np.zeros((n, n), bool)
    named[np.arange(n), np.arange(n)] = True
    users = [set[int]() for _ in program.groups]
    for endpoint in network.endpoints:
        for number in program.bindings[:, endpoint.index, :].ravel().tolist():
            if number >= 0:
                users[number].add(endpoint.vrf)
    for group, vrfs in zip(program.groups, users, strict=True):
        regions = {region.vrf for entry in group.entries for region in entry.regions} - {ANY_VRF}
        named[np.ix_(sorted(vrfs), sorted(regions))] = True
    for vtep, vrf in network.fib.instances:
        for hops in _sets_of(program, vtep, vrf):
            named[vrf, [hop.vrf for hop in hops]] = True
    index = np.where(named, np.cumsum(named, axis=1) - 1, named.sum(axis=1)[:, None])
    return index.astype(np.int16), (named.sum(axis=1) + 1).astype(np.int32)


def _sets_of(program: Program, vtep: int, vrf: int) -> list[tuple[NextHop, ...]]:
    fib = program.network.fib
    v4, v6 = fib.boundaries(vrf)
    ids = {*fib.lookup_many(vtep, vrf, 4, v4).tolist(), *fib.lookup_many(vtep, vrf, 6, v6).tolist()}
    return [fib.nexthop_sets[i] for i in sorted(ids) if i >= 0]


def _fib(program: Program, atoms: AddressAtoms) -> tuple[I32, I64, I32, tuple[I32, I32, I32]]:
    """Routes by atom, and next-hop sets in CSR form."""
    network = program.network
    inst_of = np.full((len(network.fabric.nodes), len(network.vrfs)), -1, np.int32)
    offsets, parts, size = [0], [], 0
    for number, (vtep, vrf) in enumerate(network.fib.instances):
        inst_of[vtep, vrf] = number
        v4, v6 = atoms.starts[vrf]
        parts += [
            network.fib.lookup_many(vtep, vrf, 4, v4),
            network.fib.lookup_many(vtep, vrf, 6, v6),
        ]
        size += len(v4) + len(v6)
        offsets.append(size)
    sets = network.fib.nexthop_sets
    hops = [hop for hop_set in sets for hop in hop_set]
    return (
        inst_of,
        np.array(offsets, np.int64),
        np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32),
        (
            np.cumsum([0] + [len(s) for s in sets]).astype(np.int32),
            np.array([hop.vtep for hop in hops], np.int32),
            np.array([hop.vrf for hop in hops], np.int32),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """One group or block in one VRF: classes on both axes and the values of their product."""

    cells: NDArray[np.uint16]
    l4: NDArray[np.uint16]
    values: I32


class _Builder:
    """Builds each (group, VRF) table once and combines them per distinct binding."""

    def __init__(
        self,
        program: Program,
        atoms: AddressAtoms,
        l4: L4Atoms,
        remote_index: NDArray[np.int16],
        remote_count: I32,
    ) -> None:
        self.program = program
        self.atoms = atoms
        self.l4 = l4
        self.remote_index = remote_index
        self.remote_count = remote_count
        self.actions = np.full(program.n_entries + 1, Action.PERMIT, np.int8)
        for group in program.groups:
            for entry in (*group.entries, group.default_entry):
                self.actions[entry.id] = entry.action
        self.group_tables: dict[tuple[int, int], _Table] = {}
        self.cell_masks: dict[tuple[int, tuple[Region, ...]], NDArray[np.bool_]] = {}
        self.l4_masks: dict[tuple[L4Range, ...], NDArray[np.bool_]] = {}
        self.decisions: dict[tuple[int, ...], int] = {}
        self.blocks: list[tuple[int, _Table]] = []

    def bind(self) -> I32:
        """One block per distinct (VRF, direction, groups); returns `ep_block`."""
        network, bindings = self.program.network, self.program.bindings
        known: dict[tuple[int, ...], int] = {}
        out = np.zeros((len(Direction), len(network.endpoints)), np.int32)
        for direction in Direction:
            for endpoint in network.endpoints:
                groups = bindings[direction, endpoint.index].tolist()
                key = (direction, endpoint.vrf, *groups)
                if key not in known:
                    known[key] = len(self.blocks)
                    self.blocks.append((endpoint.vrf, self.block(endpoint.vrf, groups)))
                out[direction, endpoint.index] = known[key]
        return out

    def block(self, vrf: int, groups: list[int]) -> _Table:
        """Chain the groups: the first deny or final permit ends it."""
        tables = [self.table(group, vrf) if group >= 0 else None for group in groups]
        n_cells = self.atoms.count(vrf) * int(self.remote_count[vrf])
        cells, cell_rows = _classes([t.cells for t in tables if t], n_cells)
        l4, l4_rows = _classes([t.l4 for t in tables if t], self.l4.size)
        _bounded(self.program.network.vrfs[vrf].name, cell_rows.shape[1], l4_rows.shape[1])
        matched = np.full((cell_rows.shape[1], l4_rows.shape[1], len(Stage)), -1, np.int32)
        alive = np.ones(matched.shape[:2], bool)
        present = 0
        for stage, table in enumerate(tables):
            if table is None:
                continue
            values = table.values[np.ix_(cell_rows[present], l4_rows[present])]
            matched[..., stage] = np.where(alive, values, -1)
            alive &= self.actions[values] == Action.PERMIT
            present += 1
        return _Table(cells, l4, self._decide(matched))

    def _decide(self, matched: I32) -> I32:
        flat = np.ascontiguousarray(matched.reshape(-1, len(Stage)))
        unique, inverse = np.unique(flat, axis=0, return_inverse=True)
        ids = [
            self.decisions.setdefault(tuple(row), len(self.decisions)) for row in unique.tolist()
        ]
        return np.array(ids, np.int32)[inverse.reshape(-1)].reshape(matched.shape[:2])

    def table(self, group: int, vrf: int) -> _Table:
        """Paint the entries of one group, last first, on the classes that they tell apart."""
        key = (group, vrf)
        if key not in self.group_tables:
            self.group_tables[key] = self._paint(self.program.groups[group], vrf)
        return self.group_tables[key]

    def _paint(self, group: Group, vrf: int) -> _Table:
        n_cells = self.atoms.count(vrf) * int(self.remote_count[vrf])
        cell_masks = [self.cell_mask(vrf, entry) for entry in group.entries]
        l4_masks = [self.l4_mask(entry) for entry in group.entries]
        cells, cell_bits = _classes(cell_masks, n_cells)
        l4, l4_bits = _classes(l4_masks, self.l4.size)
        _bounded(self.program.network.vrfs[vrf].name, cell_bits.shape[1], l4_bits.shape[1])
        values = np.full((cell_bits.shape[1], l4_bits.shape[1]), group.default_entry.id, np.int32)
        for number in range(len(group.entries) - 1, -1, -1):
            values[np.ix_(cell_bits[number], l4_bits[number])] = group.entries[number].id
        return _Table(cells, l4, values)

    def cell_mask(self, vrf: int, entry: Entry) -> NDArray[np.bool_]:
        """Which cells the entry's regions hold."""
        key = (vrf, entry.regions)
        if key not in self.cell_masks:
            k = int(self.remote_count[vrf])
            out = np.zeros((self.atoms.count(vrf), k), bool)
            for region in entry.regions:
                inside = self.atoms.mask(vrf, region.v4, region.v6)
                if region.vrf == ANY_VRF:
                    out |= inside[:, None]
                else:
                    out[:, self.remote_index[vrf, region.vrf]] |= inside
            self.cell_masks[key] = out.reshape(-1)
        return self.cell_masks[key]

    def l4_mask(self, entry: Entry) -> NDArray[np.bool_]:
        """Which L4 atoms the entry's ranges hold."""
        if entry.l4 not in self.l4_masks:
            self.l4_masks[entry.l4] = self.l4.mask(entry.l4)
        return self.l4_masks[entry.l4]

    def arrays(self) -> tuple[Any, ...]:
        """The block part of `Blocks`, in field order."""
        tables = [table for _, table in self.blocks]
        entries = np.array(list(self.decisions), np.int32).reshape(-1, len(Stage))
        stages = np.arange(len(Stage))
        last = np.where(entries >= 0, stages, -1).max(axis=1, initial=-1)
        ended = np.where(last >= 0, self.actions[entries[np.arange(len(entries)), last]], 1)
        permit = ended != Action.DENY
        return (
            np.array([vrf for vrf, _ in self.blocks], np.int32),
            _offsets([t.cells for t in tables]),
            np.concatenate([np.zeros(0, np.uint16), *(t.cells for t in tables)]),
            _offsets([t.l4 for t in tables]),
            np.concatenate([np.zeros(0, np.uint16), *(t.l4 for t in tables)]),
            np.array([t.values.shape[1] for t in tables], np.int32),
            _offsets([t.values for t in tables]),
            np.concatenate([np.zeros(0, np.int32), *(t.values.reshape(-1) for t in tables)]),
            permit,
            np.where(permit, -1, last).astype(np.int8),
            entries,
        )


def _bounded(vrf: str, cells: int, ports: int) -> None:
    """Say so before the memory is gone: `InputError` when one block would be too large."""
    if cells * ports > MAX_GRID:
        message = (
            f"the policies of one endpoint in {vrf} tell {cells:,} sets of addresses and {ports:,} "
            f"sets of ports apart; {MAX_GRID:,} combinations are the most that cloison tabulates"
        )
        hint = "merge address blocks or port ranges, or spread them over several workloads"
        raise InputError(Diagnostic("C718", message, hint=hint))


def _classes(columns: list[NDArray[Any]], n: int) -> tuple[NDArray[np.uint16], NDArray[Any]]:
    """Merge positions that agree in every column.

    Returns the class of each of the `n` positions and the columns' values per class,
    [len(columns), n_classes]. Positions are compared by a random 64-bit sum, which is then checked.
    """
    if not columns:
        return np.zeros(n, np.uint16), np.zeros((0, 1), np.int64)
    for seed in range(64):
        weights = np.random.default_rng(seed).integers(1, 2**63, len(columns), np.uint64)
        keys = np.zeros(n, np.uint64)
        for column, weight in zip(columns, weights, strict=True):
            keys += column.astype(np.uint64) * weight
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        rows = np.stack([column[first] for column in columns])
        if all((r[inverse] == c).all() for r, c in zip(rows, columns, strict=True)):
            break
    if len(first) > np.iinfo(np.uint16).max:
        raise CloisonError(f"a policy tells {len(first)} classes of addresses apart, 65535 at most")
    return inverse.astype(np.uint16), rows


def _offsets(parts: list[NDArray[Any]]) -> I64:
    return np.cumsum([0] + [part.size for part in parts]).astype(np.int64)
