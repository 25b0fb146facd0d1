"""diff: which source → destination:port sets gain or lose access between two worlds.

Complete, not sampled: L4 atoms of both worlds are cut against each other, pairs are matched by the
names of their endpoints and the family, and those with whole prefixes address by address. What is
not listed is equal in both worlds. A change is one of

    gained     packets that may be delivered now and could not before
    lost       the other way round
    unsteady   packets that got through whatever ECMP chose, and now only sometimes
    steady     the other way round

Endpoints that exist in one world only are listed apart: their access is nobody's gain or loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from compiler.tables import Program
from fabric.network import Network
from sim.access import workload
from sim.blame import Blame, Cause, blame
from sim.nearest import OWN
from sim.packets import Flow
from sim.reachability import Bits, Reach, reachability
from sim.resolve import address_of
from sim.witness import Witness, failing, on_leg, show
from sim.worlds import Line, Piece, Ranges, Side, Sides, pieces

KINDS = ("gained", "lost", "unsteady", "steady")
World = tuple[Network, Program]


@dataclass(frozen=True, slots=True)
class Change:
    """Pairs of two workloads that changed alike on `ports` (a set over the diff's space).

    `pairs` are (source, destination, family); `addresses` says which part of whole prefixes is
    concerned (first, last, …), empty for hosts. The witness is a packet that only one world
    delivers; `old` and `new` say why, there and here.
    """

    kind: str
    source: str
    target: str
    ports: Bits = field(repr=False, compare=False)
    pairs: tuple[tuple[str, str, int], ...]
    addresses: tuple[tuple[int, int, int, int], ...]
    witness: Flow
    old: Blame
    new: Blame

    def packet(self) -> str:
        """The witness as people write it."""
        return show(self.witness)


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything that differs. `only_old` and `only_new` are endpoints without a counterpart."""

    sides: Sides
    changes: tuple[Change, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.changes or self.only_old or self.only_new)

    def ports(self, change: Change) -> str:
        """The ports of a change as text."""
        return self.sides.space.text(change.ports)


Kind = tuple[str, bytes]
"""What kind of change, and on which set of L4 atoms."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One pair that changed, on some pieces of its addresses."""

    key: int
    pieces: tuple[Piece, ...]


def diff(old: World, new: World) -> Diff:
    """Compare two worlds (network, program)."""
    return diff_reach(reachability(*old), reachability(*new))


def diff_reach(old: Reach, new: Reach) -> Diff:
    """Compare two worlds of which the reach is known."""
    sides = Sides.of(old, new)
    workloads = {e.name: workload(e) for e in old.network.endpoints}
    grouped: dict[tuple[str, str, str, bytes], list[_Part]] = {}
    for key, (kind, ports), where in _parts(sides):
        src, dst, _ = sides.pair(key)
        group = kind, workloads[src], workloads[dst], ports
        grouped.setdefault(group, []).append(_Part(key, where))
    ordered = sorted(grouped.items(), key=lambda item: (KINDS.index(item[0][0]), item[0]))
    changes = tuple(_change(sides, *group, parts) for group, parts in ordered)
    here, there = ({e.name for e in r.network.endpoints} for r in (old, new))
    return Diff(sides, changes, tuple(sorted(here - there)), tuple(sorted(there - here)))


def _parts(sides: Sides) -> Iterator[tuple[int, Kind, tuple[Piece, ...]]]:
    known: dict[object, dict[Kind, list[Piece]]] = {}
    for key in sides.differing():
        lines = sides.lines(key)
        if lines not in known:
            known[lines] = _compared(sides, *lines)
        for kind, where in known[lines].items():
            yield key, kind, tuple(where)


def _compared(
    sides: Sides, old: tuple[Line, ...], new: tuple[Line, ...]
) -> dict[Kind, list[Piece]]:
    """What changed between two pairs' lines, and where."""
    out: dict[Kind, list[Piece]] = {}
    for piece, was, now in pieces(old, new, sides.nothing):
        may_old, must_old, may_new, must_new = (sides.sets[i] for i in (*was, *now))
        found = {
            "gained": may_new & ~may_old,
            "lost": may_old & ~may_new,
            "unsteady": may_new & must_old & ~must_new,
            "steady": may_old & must_new & ~must_old,
        }
        for kind, bits in found.items():
            if bits.any():
                out.setdefault((kind, bits.tobytes()), []).append(piece)
    return out


def _change(
    sides: Sides, kind: str, source: str, target: str, ports: bytes, parts: list[_Part]
) -> Change:
    bits = np.frombuffer(ports, np.bool_)
    here, there = sides.old, sides.new
    if kind in ("gained", "steady"):
        here, there = there, here
    passing, other = _witnesses(sides, here, there, parts[0], bits)
    stops = _why(there, other)
    why = {id(here): _about(_why(here, passing), stops.culprit), id(there): stops}
    places = {piece for part in parts for piece in part.pieces if max(piece) >= 0}
    return Change(
        kind,
        source,
        target,
        bits,
        tuple(sorted({sides.pair(p.key) for p in parts})),
        tuple(sorted(places)),
        passing.flow,
        why[id(sides.old)],
        why[id(sides.new)],
    )


def _why(side: Side, witness: Witness) -> Blame:
    reach = side.reach
    return blame(reach.network, reach.program, witness.trace(reach), witness.dst)


def _about(passes: Blame, stops: Cause) -> Blame:
    """What lets the packet pass, led by the rule or policy that stops it in the other world: of
    all that must permit it, that is what differs. What a zone or tenant denies by default says
    nothing about what differs."""
    if stops.kind in OWN:
        return passes
    everyone = (passes.culprit, *passes.others)
    rule = [c for c in everyone if c.title == stops.title]
    policy = [c for c in everyone if _object(c) == _object(stops)]
    first = next(iter(rule or policy), passes.culprit)
    return Blame(first, tuple(c for c in everyone if c != first))


def _object(cause: Cause) -> str:
    return cause.title.partition(" rule ")[0]


def _witnesses(
    sides: Sides, here: Side, there: Side, part: _Part, bits: Bits
) -> tuple[Witness, Witness]:
    """A packet that passes `here`, and the same one `there`; addresses of hosts may differ."""
    l4 = sides.space.pick(bits, version=sides.pair(part.key)[2])
    assert l4 is not None
    leg = next(leg for leg in _legs(here, part) if _passes(here.reach, leg, l4))
    found = on_leg(here.reach, leg, l4, part.pieces[0])
    src_name, dst_name, version = sides.pair(part.key)
    network = there.reach.network
    ends = {e.name: e for e in network.endpoints if e.name in (src_name, dst_name)}
    src, dst = ends[src_name], ends[dst_name]
    ips = [
        given if part.pieces[0][at] >= 0 else (address_of(network, end, version) or given)
        for end, given, at in ((src, found.flow.src, 0), (dst, found.flow.dst, 2))
    ]
    other = Flow(src.vrf, version, ips[0], ips[1], *l4, src_endpoint=src.index)
    return found, Witness(src.index, dst.index, other, failing(there.reach, dst.index, other))


def _legs(side: Side, part: _Part) -> Iterator[int]:
    """Legs of the part's pair that hold its first piece of addresses."""
    at = int(np.searchsorted(side.key, part.key))
    pairs, legs, row = side.reach.pairs, side.reach.legs, int(side.row[at])
    src, dst, version = (int(c[row]) for c in (pairs.src, pairs.dst, pairs.version))
    s_low, _, d_low, _ = part.pieces[0]
    for leg in range(int(pairs.first[row]), int(pairs.last[row])):
        sources = side.place(src, version, int(legs.src_place[leg]))
        targets = side.place(dst, version, int(legs.dst_place[leg]))
        if not side.wide[at] or (_holds(sources, s_low) and _holds(targets, d_low)):
            yield leg


def _holds(ranges: Ranges, value: int) -> bool:
    return any(low <= value <= high for low, high in ranges)


def _passes(reach: Reach, leg: int, l4: tuple[int, int, int]) -> bool:
    return bool(reach.sets[reach.leg_set[leg], reach.space.atom(*l4)])
