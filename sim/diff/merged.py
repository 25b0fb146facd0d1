"""Rows of a difference: parts that people would say in one sentence.

Parts of one kind, on the same ports, between the same two peers are one row when they differ in the
family alone, in the members of one side, or in whether a node is the pod's own. No row says more
than its parts: what is not the whole of a peer is named, addresses are listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from compiler.program.space import intersect
from fabric.values.wildcard import ranged
from sim.diff.outside import Outside, without
from sim.diff.parts import KINDS, Outer, Part, side_where
from sim.diff.peers import NODE, Joint, Peer
from sim.diff.side_by_side import Pair, Ranges, Sides

Addresses = tuple[tuple[int, int, int], ...]
"""Family, first, last."""


@dataclass(frozen=True, slots=True)
class RowEnd:
    """One end of a row. `members` are named when not all of the peer are meant; `addresses` are
    those of the outside that are concerned, `whole` when these are all that there are. `only` is
    "new" or "removed" when one world lacks it."""

    name: str
    members: tuple[str, ...] = ()
    addresses: Addresses = ()
    whole: bool = True
    only: str = ""


@dataclass(frozen=True, slots=True)
class MergedRow:
    """`versions` are all families that both ends have unless `partly`. `hosts` is "same" or "other"
    when only a node and pods of its own host are meant, or all others. `first` is one of the parts;
    `pairs` counts pairs of addresses of members."""

    kind: str
    bits: bytes
    source: RowEnd
    target: RowEnd
    versions: tuple[int, ...]
    partly: bool
    hosts: str
    pairs: int
    first: Part


@dataclass(frozen=True, slots=True)
class _RowDraft:
    """A row in the making; the ends are members' names, or addresses."""

    source: frozenset[str]
    target: frozenset[str]
    addresses: tuple[Addresses, Addresses]
    versions: frozenset[int]
    own: frozenset[bool]
    parts: tuple[Part, ...]


def merged(sides: Sides, outside: Outside, found: Iterable[Part]) -> list[MergedRow]:
    """The rows of parts, sorted."""
    groups: dict[tuple[str, bytes, Hashable, Hashable], list[_RowDraft]] = defaultdict(list)
    for part in found:
        key = part.kind, part.bits, _who(part.source), _who(part.target)
        groups[key].append(_draft(sides, part))
    rows = [_row(sides, outside, draft) for drafts in groups.values() for draft in _joined(drafts)]
    return sorted(rows, key=_order)


def _order(row: MergedRow) -> tuple[Hashable, ...]:
    ends = ((e.name, e.members, e.addresses) for e in (row.source, row.target))
    return KINDS.index(row.kind), *ends, row.bits, row.hosts


def _who(end: Joint | Outer) -> Hashable:
    return end.peer if isinstance(end, Joint) else (end.vrf, end.owner)


def _draft(sides: Sides, part: Part) -> _RowDraft:
    names, addresses = [], []
    for end in (part.source, part.target):
        if isinstance(end, Outer):
            names.append(frozenset[str]())
            addresses.append(tuple((part.version, a, b) for a, b in end.ranges))
        else:
            names.append(frozenset(_members(sides, part, end)))
            addresses.append(())
    return _RowDraft(
        names[0],
        names[1],
        (addresses[0], addresses[1]),
        frozenset((part.version,)),
        frozenset((part.own,)),
        (part,),
    )


def _members(sides: Sides, part: Part, joint: Joint) -> Iterator[str]:
    """Names of the members that the part is about, where its packets pass if they are there."""
    for side in side_where(sides, part):
        number = joint.new if side is sides.new else joint.old
        if number >= 0:
            yield from (unit.name for unit in side.classes[number].units)
            return


def _joined(drafts: list[_RowDraft]) -> list[_RowDraft]:
    """Drafts that differ in one respect become one."""
    both_outside = all(not d.source and not d.target for d in drafts)
    if not both_outside:
        drafts = _fuse(drafts, lambda d: (d.source, d.target, d.own))
    drafts = _fuse(drafts, lambda d: (d.target, d.own, d.versions, d.addresses))
    drafts = _fuse(drafts, lambda d: (d.source, d.own, d.versions, d.addresses))
    return _fuse(drafts, lambda d: (d.source, d.target, d.versions, d.addresses))


def _fuse(drafts: list[_RowDraft], key: Callable[[_RowDraft], Hashable]) -> list[_RowDraft]:
    found: dict[Hashable, list[_RowDraft]] = defaultdict(list)
    for draft in drafts:
        found[key(draft)].append(draft)
    return [_one(alike) for alike in found.values()]


def _one(alike: list[_RowDraft]) -> _RowDraft:
    if len(alike) == 1:
        return alike[0]
    source, target = (tuple(sorted({a for d in alike for a in d.addresses[at]})) for at in (0, 1))
    return _RowDraft(
        frozenset().union(*(d.source for d in alike)),
        frozenset().union(*(d.target for d in alike)),
        (source, target),
        frozenset().union(*(d.versions for d in alike)),
        frozenset().union(*(d.own for d in alike)),
        tuple(p for d in alike for p in d.parts),
    )


def _row(sides: Sides, outside: Outside, draft: _RowDraft) -> MergedRow:
    first = min(draft.parts, key=lambda p: p.version)
    ends = [_end(sides, outside, draft, at) for at in (0, 1)]
    families = [_families(sides, outside, first, end) for end in (first.source, first.target)]
    return MergedRow(
        first.kind,
        first.bits,
        ends[0],
        ends[1],
        tuple(sorted(draft.versions)),
        bool(families[0] & families[1] - draft.versions),
        _hosts(sides, draft),
        sum(_pairs(sides, part) for part in draft.parts),
        first,
    )


def _end(sides: Sides, outside: Outside, draft: _RowDraft, at: int) -> RowEnd:
    first = draft.parts[0]
    end = (first.source, first.target)[at]
    if isinstance(end, Outer):
        here, there = (side.reach.network for side in side_where(sides, first))
        lacks = all(e.name != end.owner for e in there.endpoints)
        only = ("new" if here is sides.new.reach.network else "removed") if lacks else ""
        whole = _whole(sides, outside, draft, at)
        return RowEnd(end.owner, (), _filled(sides, outside, draft, at), whole, only)
    named = (draft.source, draft.target)[at]
    where = [
        {u.name for c in side.classes if c.peer == end.peer for u in c.units}
        for side in side_where(sides, first)
    ]
    every = where[0] or where[1]
    members = () if named == every else tuple(sorted(named))
    return RowEnd(
        display(end.peer, where[0] | where[1]), members, (), True, status(sides, end.peer)
    )


def display(peer: Peer, members: Iterable[str]) -> str:
    """A peer's name; hosts of one world, or one that is alone in both, by their numbers."""
    names = set(members)
    if NODE in peer.name and (peer.only or len(names) == 1):
        tenant, node, _ = peer.name.partition(NODE)
        return f"{tenant}{node}{ranged(name.partition(NODE)[2] for name in names)}"
    return peer.name


def status(sides: Sides, peer: Peer) -> str:
    """Whether one world lacks a peer."""
    if all(c.peer != peer for c in sides.old.classes):
        return "new"
    return "removed" if all(c.peer != peer for c in sides.new.classes) else ""


def _whole(sides: Sides, outside: Outside, draft: _RowDraft, at: int) -> bool:
    """Whether a row is about all outside addresses of an endpoint that its other end can see."""
    for part in draft.parts:
        end, other = (part.source, part.target)[:: -1 if at else 1]
        assert isinstance(end, Outer)
        old = not part.passes_now
        mine = outside.by_owner(old, end.vrf, part.version)[end.owner]
        if isinstance(other, Joint):
            mine = without(mine, outside.taken_by(sides, other), part.version)
        mine_here = tuple((a, b) for v, a, b in draft.addresses[at] if v == part.version)
        if mine != mine_here:
            return False
    return True


def _filled(sides: Sides, outside: Outside, draft: _RowDraft, at: int) -> Addresses:
    """Addresses of an end; ranges with nothing but taken ones between them are joined."""
    taken: dict[int, Ranges] = {}
    for part in draft.parts:
        other = (part.target, part.source)[at]
        theirs = outside.taken_by(sides, other) if isinstance(other, Joint) else ()
        known = taken.get(part.version)
        taken[part.version] = theirs if known is None else intersect(known, theirs)
    out: list[tuple[int, int, int]] = []
    for version, first, last in draft.addresses[at]:
        if out and out[-1][0] == version:
            gap = ((out[-1][2] + 1, first - 1),)
            if gap[0][0] > gap[0][1] or intersect(gap, taken[version]) == gap:
                first = out.pop()[1]
        out.append((version, first, last))
    return tuple(out)


def _families(sides: Sides, outside: Outside, part: Part, end: Joint | Outer) -> set[int]:
    """Families that an end has where the packets pass."""
    here, _ = side_where(sides, part)
    if isinstance(end, Joint):
        return {c.version for c in here.classes if c.peer == end.peer}
    old = not part.passes_now
    return {v for v in (4, 6) if outside.by_owner(old, end.vrf, v).get(end.owner)}


def _hosts(sides: Sides, draft: _RowDraft) -> str:
    """Which nodes and pods are meant, where that makes a difference."""
    if len(draft.own) > 1:
        return ""
    if True in draft.own:
        return "same"
    return "other" if any(_related(sides, part) for part in draft.parts) else ""


def _related(sides: Sides, part: Part) -> bool:
    if isinstance(part.source, Outer) or isinstance(part.target, Outer):
        return False
    pairs = (
        (sides.old, Pair(part.source.old, part.target.old, True)),
        (sides.new, Pair(part.source.new, part.target.new, True)),
    )
    return any(min(pair[:2]) >= 0 and side.count(pair) > 0 for side, pair in pairs)


def _pairs(sides: Sides, part: Part) -> int:
    """Pairs of addresses of members; outside addresses are not counted."""
    here, there = side_where(sides, part)
    for side in (here, there):
        numbers = [
            (e.new if side is sides.new else e.old) if isinstance(e, Joint) else None
            for e in (part.source, part.target)
        ]
        if all(n is None or n >= 0 for n in numbers):
            if None not in numbers:
                src, dst = numbers
                assert src is not None
                assert dst is not None
                return side.count(Pair(src, dst, part.own)) or 1
            return (
                max(len(side.classes[n].units) for n in numbers if n is not None)
                if any(n is not None for n in numbers)
                else 1
            )
    return 1
