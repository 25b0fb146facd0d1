"""Atoms: maximal sets of header values that no rule, route or endpoint tells apart.

Two independent axes (engines cut layer 4 on their own; `sim.classify.axes.l4_classes` says why):

* L4. `dport_atom[proto_class[wide], dport]` is an atom `q` of (wide protocol, destination port),
  `sport_atom[sport]` an atom `s`; their product `l4 = q * n_s + s` is the L4 atom. Protocols
  that no rule names share one class. A wide protocol says what else a header carries as well
  (`sim.blocks.field_classes`); where no rule asks for that it is the protocol's number.
* Addresses, per VRF: sorted start addresses, IPv4 atoms first, then IPv6 (128 bits as two uint64).
  Every endpoint's own addresses and every route are atoms of their own, so one search answers who
  owns an address, how it is routed, and which rules can tell it apart.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from compiler.policy.domain import Domain
from compiler.program.ownership import Owned
from compiler.program.program import Intervals, L4Range, Program
from fabric.building.network import Network
from fabric.control.rewrites import sources
from fabric.diagnostics import CloisonError
from fabric.values.interval_sets import cut
from fabric.values.ports import ANY, BOTH, GROUPS, MAX_PORT, port_atoms
from sim.blocks.field_classes import PROTOCOLS, FieldClasses
from sim.blocks.port_runs import countable
from sim.blocks.port_sets import L4Space

BOTH_ICMPS = frozenset(GROUPS[BOTH])
LOW64 = (1 << 64) - 1
TOPS = (1 << 32) - 1, (1 << 128) - 1
"""The last address of either family."""


@dataclass(frozen=True, eq=False)
class L4Atoms(L4Space):
    """Atom q holds destination ports `q_first[q]..q_last[q]` of protocol class `q_class[q]`; atom s
    holds source ports `s_first[s]..s_last[s]`; `class_protocol[c]` is one wide protocol of class c.
    `q_parent[q]` is the atom that q was cut from after the atoms were made, or q itself."""

    class_protocol: tuple[int, ...]
    q_class: NDArray[np.uint8]
    q_first: NDArray[np.uint16]
    q_last: NDArray[np.uint16]
    s_first: NDArray[np.uint16]
    s_last: NDArray[np.uint16]
    q_parent: NDArray[np.int32]

    def mask(self, ranges: tuple[L4Range, ...]) -> NDArray[np.bool_]:
        """Which atoms the ranges hold, bool[size]."""
        out = np.zeros((self.n_q, self.n_s), bool)
        for r in ranges:
            in_class = (
                np.ones(self.n_q, bool)
                if r.protocol == ANY and not r.fields
                else self._in_classes(self.proto_class[self.wide(r)])
            )
            dports = in_class & (self.q_first >= r.dport[0]) & (self.q_last <= r.dport[1])
            sports = (self.s_first >= r.sport[0]) & (self.s_last <= r.sport[1])
            out |= dports[:, None] & sports[None, :]
        return out.reshape(-1)

    def _in_classes(self, classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which atoms of protocols and destination ports are of these classes."""
        held = np.zeros(len(self.class_protocol), bool)
        held[classes] = True
        return held[self.q_class]

    def wide(self, r: L4Range) -> list[int]:
        """The wide protocols that a range holds."""
        held = [n for n in range(self.fields.size) if self.fields.holds(n, r.fields)]
        plain = range(PROTOCOLS) if r.protocol == ANY else [r.protocol]
        return [n * PROTOCOLS + protocol for n in held for protocol in plain]

    def ancestors(self, size: int) -> NDArray[np.int64]:
        """For each atom the one of the first `size` atoms from which it was cut, or itself."""
        q, known = np.arange(self.n_q), size // self.n_s
        while (q >= known).any():
            q = np.where(q >= known, self.q_parent[q], q)
        return (q[:, None] * self.n_s + np.arange(self.n_s)).reshape(-1)


def told_apart(protocols: Iterable[int]) -> set[int]:
    """Protocols that need a class of their own: those that rules name, and both ICMPs where one is
    named, so that a packet's IP version says which of the two counts."""
    named = set(protocols) - {ANY}
    return named | BOTH_ICMPS if named & BOTH_ICMPS else named


def l4_atoms(program: Program, groups: Iterable[int]) -> L4Atoms:
    """Cut both L4 axes at every bound that any entry of these groups uses."""
    ranges = {l4 for g in groups for entry in program.groups[g].entries for l4 in entry.l4}
    fields = FieldClasses.of_policy(program.policy, ranges)
    protocols = sorted(told_apart(r.protocol for r in ranges))
    other = [number for number in range(255, -1, -1) if number not in protocols][:1]
    named = [*protocols, *other]
    distinguishable(fields.size * len(named))
    proto_class = np.full((fields.size, PROTOCOLS), min(len(protocols), 255), np.uint8)
    proto_class[:, protocols] = np.arange(len(protocols))
    proto_class += np.arange(fields.size, dtype=np.uint8)[:, None] * np.uint8(len(named) % 256)
    firsts: list[tuple[int, int, int]] = []
    dport_atom = np.zeros((fields.size * len(named), MAX_PORT + 1), np.uint16)
    for number, (carried, protocol) in enumerate(product(range(fields.size), named)):
        mine = (r for r in ranges if r.protocol in (ANY, protocol))
        cuts = port_atoms(r.dport for r in mine if fields.holds(carried, r.fields))
        for first, last in cuts:
            dport_atom[number, first : last + 1] = len(firsts)
            firsts.append((number, first, last))
    sports = port_atoms(r.sport for r in ranges)
    sport_atom = np.zeros(MAX_PORT + 1, np.uint16)
    for number, (first, last) in enumerate(sports):
        sport_atom[first : last + 1] = number
    countable(len(firsts))
    q = np.array(firsts)
    s = np.array(sports)
    return L4Atoms(
        proto_class.reshape(-1),
        dport_atom,
        sport_atom,
        tuple(n * PROTOCOLS + protocol for n, protocol in product(range(fields.size), named)),
        q[:, 0].astype(np.uint8),
        q[:, 1].astype(np.uint16),
        q[:, 2].astype(np.uint16),
        s[:, 0].astype(np.uint16),
        s[:, 1].astype(np.uint16),
        np.arange(len(firsts), dtype=np.int32),
        fields=fields,
    )


def distinguishable(classes: int) -> None:
    """Say so when classes of wide protocols have more numbers than their tables hold."""
    if classes > PROTOCOLS:
        message = f"rules tell {classes:,} sets of protocols and fields apart, {PROTOCOLS} at most"
        raise CloisonError(message)


@dataclass(frozen=True, slots=True)
class AddressAtoms:
    """Atoms of VRF v: v4 starts in `v4_start[v4_off[v]:v4_off[v+1]]`, then v6 starts; global ids
    begin at `base[v]`. `endpoint` holds the first owner of each atom or -1; `shared` every owner of
    anycast addresses, as (VRF, version, address, endpoint): several, or one who is alone so far."""

    v4_off: NDArray[np.int64]
    v4_start: NDArray[np.uint32]
    v6_off: NDArray[np.int64]
    v6_hi: NDArray[np.uint64]
    v6_lo: NDArray[np.uint64]
    base: NDArray[np.int64]
    endpoint: NDArray[np.int32]
    starts: tuple[tuple[list[int], list[int]], ...]
    shared: tuple[tuple[int, int, int, int], ...] = ()

    def sharers(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Atoms (over all VRFs) of anycast addresses, and whose they are: a row for each owner."""
        atoms = [int(self.base[vrf]) + self.find(vrf, v, ip) for vrf, v, ip, _ in self.shared]
        return np.array(atoms, np.int64), np.array([e for *_, e in self.shared], np.int32)

    def count(self, vrf: int) -> int:
        """Number of atoms of a VRF, both families."""
        return int(self.base[vrf + 1] - self.base[vrf])

    def bounds(self, vrf: int, local: int) -> tuple[int, int, int]:
        """(version, first, last address) of the VRF's atom number `local`."""
        v4, v6 = self.starts[vrf]
        if local < len(v4):
            last = v4[local + 1] - 1 if local + 1 < len(v4) else TOPS[0]
            return 4, v4[local], last
        i = local - len(v4)
        return 6, v6[i], v6[i + 1] - 1 if i + 1 < len(v6) else TOPS[1]

    def find(self, vrf: int, version: int, ip: int) -> int:
        """Number of the VRF's atom that holds the address (VRF-local)."""
        v4, v6 = self.starts[vrf]
        if version == 4:
            return bisect_right(v4, ip) - 1
        return len(v4) + bisect_right(v6, ip) - 1

    def mask(self, vrf: int, v4: Intervals, v6: Intervals) -> NDArray[np.bool_]:
        """Which atoms of the VRF lie inside these intervals, bool[count]. Bounds of intervals that
        are not cuts of this VRF do not occur: every region was cut in."""
        out = np.zeros(self.count(vrf), bool)
        starts4, starts6 = self.starts[vrf]
        for starts, intervals, shift in ((starts4, v4, 0), (starts6, v6, len(starts4))):
            for low, high in intervals:
                a, b = _slice(starts, low, high)
                out[shift + a : shift + b] = True
        return out


def _slice(starts: list[int], low: int, high: int) -> tuple[int, int]:
    return bisect_left(starts, low), bisect_right(starts, high)


def address_atoms(
    program: Program, owned: Owned, bound: Mapping[int, Sequence[int]]
) -> AddressAtoms:
    """Cut every VRF's address axes at its endpoints, its routes and the regions of its rules, which
    are those of the groups `bound` there; at the routes of VRFs that may pass on packets; and at
    destinations that are rewritten."""
    domain = program.domain
    cuts: list[tuple[set[int], set[int]]] = [({0}, {0}) for _ in domain.vrfs]
    for endpoint in domain.endpoints:
        for family in (0, 1):
            cuts[endpoint.vrf][family].update(cut(owned[endpoint.index][family], TOPS[family]))
    if program.routed is not None:
        _cut_at_routes(program.routed, cuts)
    for index, groups in bound.items():
        entries = (entry for g in groups for entry in program.groups[g].entries)
        for v4_ranges, v6_ranges in {(r.v4, r.v6) for entry in entries for r in entry.regions}:
            cuts[index][0].update(cut(v4_ranges, TOPS[0]))
            cuts[index][1].update(cut(v6_ranges, TOPS[1]))
    return _pack(domain, owned, [(sorted(a), sorted(b)) for a, b in cuts])


def _cut_at_routes(network: Network, cuts: Sequence[tuple[set[int], set[int]]]) -> None:
    """Cut where routes begin and end, and what is rewritten."""
    for vrf in network.vrfs:
        v4, v6 = network.fib.boundaries(vrf.index)
        cuts[vrf.index][0].update(v4)
        cuts[vrf.index][1].update(v6)
    for via in (vrf.index for vrf in network.vrfs if vrf.hairpin):
        v4, v6 = network.fib.boundaries(via)
        for mine in cuts:
            mine[0].update(v4)
            mine[1].update(v6)
    for mine in cuts if network.rewrites else ():
        for family in (0, 1):
            mine[family].update(cut(sources(network.moves, (4, 6)[family]), TOPS[family]))


def _shared(network: Domain, owned: Owned) -> Iterator[tuple[int, int, int, int]]:
    """Anycast addresses that an endpoint owns, in order of endpoints."""
    for endpoint in network.endpoints:
        for prefix in sorted(endpoint.anycast, key=lambda p: (p.version, int(p[0]))):
            ip = int(prefix[0])
            if any(low <= ip <= high for low, high in owned[endpoint.index][prefix.version == 6]):
                yield endpoint.vrf, prefix.version, ip, endpoint.index


def _pack(network: Domain, owned: Owned, starts: list[tuple[list[int], list[int]]]) -> AddressAtoms:
    v4_off = np.cumsum([0] + [len(a) for a, _ in starts])
    v6_off = np.cumsum([0] + [len(b) for _, b in starts])
    v4_start = np.array([x for a, _ in starts for x in a], np.uint32)
    v6 = [x for _, b in starts for x in b]
    atoms = AddressAtoms(
        v4_off,
        v4_start,
        v6_off,
        np.array([x >> 64 for x in v6], np.uint64),
        np.array([x & LOW64 for x in v6], np.uint64),
        v4_off + v6_off,
        np.full(len(v4_start) + len(v6), -1, np.int32),
        tuple(starts),
        tuple(_shared(network, owned)),
    )
    for endpoint in network.endpoints:
        base = int(atoms.base[endpoint.vrf])
        shift = 0
        for family in (0, 1):
            for low, high in owned[endpoint.index][family]:
                a, b = _slice(starts[endpoint.vrf][family], low, high)
                row = atoms.endpoint[base + shift + a : base + shift + b]
                row[row < 0] = endpoint.index
            shift += len(starts[endpoint.vrf][0])
    return atoms
