"""Cutting atoms further, when rules arrive that tell more apart.

Atoms that exist stay: nothing that was compiled for them changes its meaning, and what is in one
atom of before is in the atoms that came from it. Taking a rule away cuts nothing; the atoms that
nobody tells apart any more do no harm until everything is built anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import L4Range, Region
from fabric.values.interval_sets import cut
from fabric.values.ports import ANY, MAX_PORT
from sim.blocks.atoms import LOW64, TOPS, AddressAtoms, L4Atoms, told_apart
from sim.blocks.port_runs import countable

I64 = NDArray[np.int64]


def cut_l4(atoms: L4Atoms, ranges: Iterable[L4Range]) -> L4Atoms | None:
    """Cut destination ports and protocols further, so that every range is a union of atoms. Atoms
    keep their numbers: of one that is cut, the upper part gets a new number.

    None when source ports would have to be cut, because they are part of every atom's number, and
    where rules tell further fields apart.
    """
    given = list(ranges)
    if atoms.fields.size > 1 or any(r.fields for r in given):
        return None
    wanted = [r for r in given if not _known(atoms, r)]
    if not wanted:
        return atoms
    starts = set(atoms.s_first.tolist())
    if any({r.sport[0], r.sport[1] + 1} - starts - {MAX_PORT + 1} for r in wanted):
        return None
    return _Refiner(atoms).done(wanted)


def _known(atoms: L4Atoms, r: L4Range) -> bool:
    """Whether a range is a union of atoms already."""
    classes: list[int] = list(range(len(atoms.class_protocol)))
    if r.protocol != ANY:
        classes = [int(atoms.proto_class[r.protocol])]
        if (atoms.proto_class == classes[0]).sum() > 1:
            return False
    ports, sports = atoms.dport_atom, atoms.sport_atom
    return all(
        _cut_at(ports[c], r.dport[0]) and _cut_at(ports[c], r.dport[1] + 1) for c in classes
    ) and all(_cut_at(sports, port) for port in (r.sport[0], r.sport[1] + 1))


def _cut_at(row: NDArray[np.uint16], port: int) -> bool:
    return port in (0, MAX_PORT + 1) or bool(row[port - 1] != row[port])


class _Refiner:
    """The atoms while they are being cut."""

    def __init__(self, atoms: L4Atoms) -> None:
        self.atoms = atoms
        self.proto_class = atoms.proto_class.copy()
        self.protocols = list(atoms.class_protocol)
        self.ports = [row.copy() for row in atoms.dport_atom]
        self.cls: list[int] = atoms.q_class.tolist()
        self.first: list[int] = atoms.q_first.tolist()
        self.last: list[int] = atoms.q_last.tolist()
        self.parent: list[int] = atoms.q_parent.tolist()

    def done(self, ranges: Sequence[L4Range]) -> L4Atoms:
        """The atoms, cut at the bounds of these ranges."""
        for protocol in sorted(told_apart(r.protocol for r in ranges)):
            self._single_out(protocol)
        for r in sorted(ranges):
            every = range(len(self.protocols))
            for cls in every if r.protocol == ANY else [int(self.proto_class[r.protocol])]:
                for port in (r.dport[0], r.dport[1] + 1):
                    self._cut(cls, port)
        countable(len(self.first))
        return replace(
            self.atoms,
            proto_class=self.proto_class,
            dport_atom=np.stack(self.ports),
            class_protocol=tuple(self.protocols),
            q_class=np.array(self.cls, np.uint8),
            q_first=np.array(self.first, np.uint16),
            q_last=np.array(self.last, np.uint16),
            q_parent=np.array(self.parent, np.int32),
        )

    def _single_out(self, protocol: int) -> None:
        """Give a protocol a class of its own; its atoms begin as those of the class it leaves."""
        old = int(self.proto_class[protocol])
        others = [p for p in np.flatnonzero(self.proto_class == old).tolist() if p != protocol]
        if not others:
            return
        new = len(self.protocols)
        self.proto_class[protocol] = new
        self.protocols[old] = others[-1]
        self.protocols.append(protocol)
        self.ports.append(self.ports[old].copy())
        for q in [q for q, cls in enumerate(self.cls) if cls == old]:
            self._new(new, self.first[q], self.last[q], q)

    def _cut(self, cls: int, port: int) -> None:
        if not _cut_at(self.ports[cls], port):
            q = int(self.ports[cls][port])
            self._new(cls, port, self.last[q], q)
            self.last[q] = port - 1

    def _new(self, cls: int, first: int, last: int, parent: int) -> None:
        self.ports[cls][first : last + 1] = len(self.first)
        self.cls.append(cls)
        self.first.append(first)
        self.last.append(last)
        self.parent.append(parent)


def cut_addresses(
    atoms: AddressAtoms, vrf: int, regions: Iterable[Region]
) -> tuple[AddressAtoms, I64 | None]:
    """Cut a VRF's axes at the bounds of these regions too; and for each of its atoms the one of
    before that held it, None when nothing had to be cut."""
    cuts: tuple[set[int], set[int]] = (set(), set())
    for region in regions:
        cuts[0].update(cut(region.v4, TOPS[0]))
        cuts[1].update(cut(region.v6, TOPS[1]))
    old = atoms.starts[vrf]
    fresh = tuple(
        sorted(x for x in found if starts[bisect_right(starts, x) - 1] != x)
        for starts, found in zip(old, cuts, strict=True)
    )
    if not any(fresh):
        return atoms, None
    new = tuple(sorted([*a, *b]) for a, b in zip(old, fresh, strict=True))
    parts = [parents(*pair) for pair in zip(old, new, strict=True)]
    parent = np.concatenate([parts[0], parts[1] + len(old[0])])
    return _with(atoms, vrf, (new[0], new[1]), parent), parent


def _with(
    atoms: AddressAtoms, vrf: int, starts: tuple[list[int], list[int]], parent: I64
) -> AddressAtoms:
    """Other starts for one VRF."""
    v4, v6 = (int(off[vrf]) for off in (atoms.v4_off, atoms.v6_off))
    end4, end6 = (int(off[vrf + 1]) for off in (atoms.v4_off, atoms.v6_off))
    after = np.arange(len(atoms.v4_off)) > vrf
    v4_off = atoms.v4_off + after * (len(starts[0]) - (end4 - v4))
    v6_off = atoms.v6_off + after * (len(starts[1]) - (end6 - v6))
    hi = np.array([x >> 64 for x in starts[1]], np.uint64)
    lo = np.array([x & LOW64 for x in starts[1]], np.uint64)
    own = atoms.endpoint[v4 + v6 : end4 + end6][parent]
    return AddressAtoms(
        v4_off,
        spliced(atoms.v4_start, v4, end4, np.array(starts[0], np.uint32)),
        v6_off,
        spliced(atoms.v6_hi, v6, end6, hi),
        spliced(atoms.v6_lo, v6, end6, lo),
        v4_off + v6_off,
        spliced(atoms.endpoint, v4 + v6, end4 + end6, own),
        (*atoms.starts[:vrf], starts, *atoms.starts[vrf + 1 :]),
        atoms.shared,
    )


def spliced(array: NDArray[Any], first: int, end: int, part: NDArray[Any]) -> NDArray[Any]:
    """The array with another part in the place of `first..end`."""
    return np.concatenate([array[:first], part, array[end:]])


def parents(old: list[int], new: list[int]) -> I64:
    """Which of the old intervals holds each of the new ones; their starts are among the new."""
    known = set(old)
    parent: I64 = np.cumsum([x in known for x in new]) - 1
    return parent
