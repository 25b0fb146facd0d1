"""Parts of a difference: two joint classes, or one and outside addresses, on one set of ports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from compiler.program.space import intersect, union
from sim.diff.outside import Drawn, Outside, Piece, pieces, without
from sim.diff.peers import Joint
from sim.diff.side_by_side import OutsideLine, Ranges, Side, Sides, Way
from sim.proof.pairs.reachability import Bits

KINDS = ("gained", "lost", "unsteady", "steady")


@dataclass(frozen=True, slots=True)
class Outer:
    """Outside addresses of a VRF that one endpoint owns where the packets pass."""

    vrf: str
    owner: str
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Part:
    """What changed alike. `bits` is a set of L4 atoms; `own` is about nodes and pods of the same
    host; `ways` are the lines of both worlds that a witness is taken from."""

    kind: str
    bits: bytes
    version: int
    source: Joint | Outer
    target: Joint | Outer
    own: bool = False

    @property
    def joints(self) -> tuple[Joint | None, Joint | None]:
        """Its ends, None for the outside."""
        source, target = (e if isinstance(e, Joint) else None for e in (self.source, self.target))
        return source, target

    @property
    def passes_now(self) -> bool:
        """Whether the packets pass in the new world."""
        return self.kind in ("gained", "steady")


def parts(sides: Sides, outside: Outside) -> Iterator[Part]:
    """Everything that differs, in no order that matters."""
    for a, b, own, was, now in sides.compared():
        for kind, bits in kinds(sides, was, now):
            yield Part(kind, bits, a.version, a, b, own)
    yield from _ways(sides, outside)
    yield from _through(sides, outside)


def kinds(sides: Sides, was: tuple[int, int], now: tuple[int, int]) -> Iterator[tuple[str, bytes]]:
    """What changed from one (may, must) to another, and on which set."""
    may_old, must_old, may_new, must_new = (sides.sets.bits[i] for i in (*was, *now))
    found: dict[str, Bits] = {
        "gained": may_new & ~may_old,
        "lost": may_old & ~may_new,
        "unsteady": may_new & must_old & ~must_new,
        "steady": may_old & must_new & ~must_old,
    }
    for kind, bits in found.items():
        if bits.any():
            yield kind, bits.tobytes()


def _ways(sides: Sides, outside: Outside) -> Iterator[Part]:
    """Classes and the outside."""
    of_class: list[dict[int, list[Way]]] = []
    for side in (sides.old, sides.new):
        found: dict[int, list[Way]] = defaultdict(list)
        for way in side.ways:
            found[way.member].append(way)
        of_class.append(found)
    known: dict[object, list[tuple[str, bytes, list[Piece]]]] = {}
    for joint in sides.peers.joints:
        here = {
            (way.vrf, way.inward)
            for found, number in zip(of_class, (joint.old, joint.new), strict=True)
            for way in found.get(number, ())
        }
        for vrf, inward in sorted(here):
            lines = tuple(
                side.ways.get(Way(number, vrf, inward), ())
                for side, number in zip((sides.old, sides.new), joint[2:], strict=True)
            )
            key = lines, vrf, inward
            if key not in known:
                vrfs = (vrf, "") if inward else ("", vrf)
                known[key] = list(_cut(sides, *_drawn(sides, outside, lines, vrfs)))
            for kind, bits, where in known[key]:
                at = 0 if inward else 2
                ranges = union((piece[at], piece[at + 1]) for piece in where)
                left = without(ranges, outside.taken_by(sides, joint), joint.version)
                for outer in _owned(outside, kind, vrf, joint.version, left):
                    ends = (outer, joint) if inward else (joint, outer)
                    yield Part(kind, bits, joint.version, *ends)


def _through(sides: Sides, outside: Outside) -> Iterator[Part]:
    """The outside with itself."""
    for key in sorted({*sides.old.through, *sides.new.through}):
        lines = tuple(side.through.get(key, ()) for side in (sides.old, sides.new))
        src, dst, version = key
        for kind, bits, where in _cut(sides, *_drawn(sides, outside, lines, (src, dst))):
            by_source: dict[Ranges, list[tuple[int, int]]] = defaultdict(list)
            columns: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
            for a, b, c, d in where:
                columns[a, b].append((c, d))
            for span, targets in columns.items():
                by_source[union(targets)].append(span)
            for targets_, sources in by_source.items():
                for source in _owned(outside, kind, src, version, union(sources)):
                    for target in _owned(outside, kind, dst, version, targets_):
                        yield Part(kind, bits, version, source, target)


def _drawn(
    sides: Sides,
    outside: Outside,
    lines: tuple[tuple[OutsideLine, ...], ...],
    vrfs: tuple[str, str],
) -> tuple[tuple[Drawn, ...], tuple[Drawn, ...]]:
    old, new = lines
    return (
        outside.drawn(True, old, vrfs, sides.old),
        outside.drawn(False, new, vrfs, sides.new),
    )


def _cut(
    sides: Sides, old: tuple[Drawn, ...], new: tuple[Drawn, ...]
) -> Iterator[tuple[str, bytes, list[Piece]]]:
    """Kinds and sets that changed, and where."""
    found: dict[tuple[str, bytes], list[Piece]] = defaultdict(list)
    known: dict[tuple[tuple[int, int], tuple[int, int]], list[tuple[str, bytes]]] = {}
    for piece, was, now in pieces(old, new):
        if (was, now) not in known:
            known[was, now] = [*kinds(sides, was, now)]
        for change in known[was, now]:
            found[change].append(piece)
    for (kind, bits), where in found.items():
        yield kind, bits, where


def _owned(outside: Outside, kind: str, vrf: str, version: int, ranges: Ranges) -> Iterator[Outer]:
    """The ranges by who owns them where the packets pass."""
    old = kind in ("lost", "unsteady")
    for owner, theirs in outside.by_owner(old, vrf, version).items():
        found = intersect(ranges, theirs)
        if found:
            yield Outer(vrf, owner, found)


def side_where(sides: Sides, part: Part) -> tuple[Side, Side]:
    """The world where the packets of a part pass, and the other one."""
    return (sides.new, sides.old) if part.passes_now else (sides.old, sides.new)
