"""Lines of `expect:` about what nobody of one tenant may do to another one beside what is now.

Rules that hold here:

1. Whatever one tenant or zone can come to reach of another one breaks a line of these, or one of
   `sim.proof.expectations.current_lines`. What does not is counted and told.
2. Who reaches nothing of whom, one way, is a `deny` of as many as it holds for: of whole tenants,
   else of parts, workloads and, of workloads whose pods fare differently, those that fare alike.
3. Who reaches something of whom, where no line says that it is all: a `deny` of all other ports.
4. A line is about ports, not about IP versions or addresses: who has a port in one IP version, or
   for some addresses or ways, may get it in the other and for more. Such pairs are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fabric.values.inventory import Endpoint
from fabric.values.numbered_names import spelled, spelling
from fabric.values.ports import EXCEPT
from sim.proof.pairs.reachability import Bits, Reach

Column = NDArray[np.int64]
TENANTS = "*/*/*"
"""All pods and nodes: endpoints of zones have names of two parts."""
Pair = tuple[str, str]
Way = tuple[int, int]
Texts = tuple[str, ...]
Deny = Callable[[str], bool]
"""Whether a line that denies holds; it is written then."""


@dataclass(frozen=True)
class TenantWays:
    """What endpoints of one tenant reach of another one. `group` is the number of each endpoint's
    workload (-1: none), `tenant` and `part` what a line calls them by workload, `apart` says for
    which pairs of these a line says already that they meet nobody, and `exact` for which one says
    all that they reach, or nothing is left to reach."""

    reach: Reach
    group: Column
    names: Texts
    tenant: Texts
    part: Texts
    apart: Bits
    exact: Collection[Way]

    @cached_property
    def rows(self) -> Column:
        """The pairs of `Reach` that cross, those in which something passes."""
        pairs = self.reach.pairs
        a, b = self.group[pairs.src], self.group[pairs.dst]
        passing = np.asarray(self.reach.sets.any(axis=1))[pairs.some]
        kept = passing & (a >= 0) & (b >= 0)
        rows: Column = np.flatnonzero(kept)
        return rows[self.crossing[a[rows], b[rows]]]

    @cached_property
    def crossing(self) -> Bits:
        """Which workloads are of two tenants, not both of zones, [workloads, workloads]."""
        number = _numbers(self.tenant)
        found: Bits = (number[:, None] != number) & ~(self.zones[:, None] & self.zones)
        return found

    @cached_property
    def zones(self) -> Bits:
        """Which workloads are endpoints of zones."""
        return np.array([name in ("zone0/*", "zone2/*") for name in self.tenant], np.bool_)

    @cached_property
    def reached(self) -> Mapping[Way, Bits]:
        """Per pair of endpoints of workloads of which no line says all, what passes in any IP
        version."""
        pairs, found = self.reach.pairs, dict[Way, Bits]()
        for row in self.rows.tolist():
            ends = int(pairs.src[row]), int(pairs.dst[row])
            if self.between(ends) not in self.exact:
                ports = self.reach.sets[pairs.some[row]]
                found[ends] = found[ends] | ports if ends in found else ports
        return found

    def between(self, ends: Way) -> Way:
        """The workloads of two endpoints."""
        return int(self.group[ends[0]]), int(self.group[ends[1]])

    @cached_property
    def alike(self) -> tuple[tuple[int, ...], ...]:
        """Endpoints of a workload that fare alike, by their indices."""
        fares: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
        for (a, b), ports in self.reached.items():
            fares[a].append((0, b, ports.tobytes()))
            fares[b].append((1, a, ports.tobytes()))
        found: dict[object, list[int]] = defaultdict(list)
        for end in np.flatnonzero(self.group >= 0).tolist():
            found[int(self.group[end]), tuple(sorted(fares[end]))].append(end)
        return tuple(map(tuple, found.values()))


class AlikeEnds:
    """Endpoints that fare alike, and what lines call them at each level."""

    def __init__(self, ways: TenantWays) -> None:
        self.ways, self.members = ways, ways.alike
        ends = ways.reach.network.endpoints
        self.group = np.array([ways.group[own[0]] for own in self.members], np.int64)
        self.of = np.full(len(ends), -1, np.int64)
        for number, own in enumerate(self.members):
            self.of[list(own)] = number
        several = {e.name.rpartition("@")[0] for e in ends if "@" in e.name.rpartition("/")[2]}
        split = np.bincount(self.group, minlength=len(ways.names)) > 1
        groups = self.group.tolist()
        self.levels: tuple[tuple[Texts, ...], ...] = (
            tuple((ways.tenant[g] if ways.zones[g] else TENANTS,) for g in groups),
            tuple((ways.tenant[g],) for g in groups),
            tuple((ways.part[g],) for g in groups),
            tuple((ways.names[g],) for g in groups),
            tuple(
                _called([ends[i] for i in own], several) if split[g] else (ways.names[g],)
                for g, own in zip(groups, self.members, strict=True)
            ),
        )

    @cached_property
    def open(self) -> Bits:
        """Which reach something of which."""
        pairs, out = self.ways.reach.pairs, np.zeros((len(self.members),) * 2, np.bool_)
        passing = np.asarray(self.ways.reach.sets.any(axis=1))[pairs.some]
        a, b = self.of[pairs.src[passing]], self.of[pairs.dst[passing]]
        kept = (a >= 0) & (b >= 0)
        out[a[kept], b[kept]] = True
        return out

    @cached_property
    def wanted(self) -> Bits:
        """Which reach nothing of which, where no line says it."""
        ends = self.ways.reach.network.endpoints
        speaks = np.array(
            [
                [any(p.version == v for i in own for p in ends[i].prefixes) for v in (4, 6)]
                for own in self.members
            ],
            np.bool_,
        ).reshape(-1, 2)
        meet = (speaks[:, None] & speaks).any(axis=2)
        at = np.ix_(self.group, self.group)
        found: Bits = meet & self.ways.crossing[at] & ~self.ways.apart[at] & ~self.open
        return found


def apart_lines(ways: TenantWays, deny: Deny) -> Iterator[str]:
    """What no line could say; `deny` is given the text of every line (rules 2 to 4)."""
    units = AlikeEnds(ways)
    wanted = units.wanted.copy()
    for b in range(len(units.levels)):
        for a in range(b + 1):
            for levels in dict.fromkeys(((a, b), (b, a))):
                _closed(units, levels, wanted, deny)
    for a, b in sorted({(int(units.group[x]), int(units.group[y])) for x, y in _where(wanted)}):
        yield f"{ways.names[a]} -> {ways.names[b]}: no line says that nothing passes"
    yield from _beyond(units, deny)
    yield from _narrow(ways)


def _where(of: Bits) -> Iterator[Way]:
    return zip(*(found.tolist() for found in np.nonzero(of)), strict=True)


def _closed(units: AlikeEnds, levels: Way, wanted: Bits, deny: Deny) -> None:
    """Lines of one level for the sources and one for the targets; what they say is no longer
    wanted. Where it goes both ways on one level, the line does."""
    rows, columns = (_numbers(units.levels[level]) for level in levels)
    shape = rows.max(initial=-1) + 1, columns.max(initial=-1) + 1
    some, open_ = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for found, of in ((some, wanted), (open_, units.open)):
        x, y = np.nonzero(of)
        np.add.at(found, (rows[x], columns[y]), 1)
    at = [
        dict(zip(numbers.tolist(), units.levels[level], strict=True))
        for numbers, level in zip((rows, columns), levels, strict=True)
    ]
    blocks = {
        (source, target): (x, y)
        for x, y in _where((some > 0) & (open_ == 0))
        for source in at[0][x]
        for target in at[1][y]
    }
    failed: set[Way] = set()
    for arrow, pairs in _directed(blocks):
        for text, said in _together(pairs, arrow):
            if not deny(text):
                for one in said if len(said) > 1 else ():
                    if deny(f"{one[0]} {arrow} {one[1]}"):
                        said = [other for other in said if other != one]
                ends = [*said, *((b, a) for a, b in said if arrow == "<->")]
                failed |= {blocks[pair] for pair in ends}
    done = np.zeros(shape, np.bool_)
    for block in {*blocks.values()} - failed:
        done[block] = True
    wanted &= ~done[np.ix_(rows, columns)]


def _directed(blocks: Collection[Pair]) -> Iterator[tuple[str, list[Pair]]]:
    both = [(a, b) for a, b in blocks if a < b and (b, a) in blocks]
    twice = {*both, *((b, a) for a, b in both)}
    yield "<->", both
    yield "->", [pair for pair in blocks if pair not in twice]


def _together(pairs: Iterable[Pair], arrow: str) -> Iterator[tuple[str, list[Pair]]]:
    """Lines of such pairs, those with numbers in their names together."""
    targets: dict[str, list[str]] = defaultdict(list)
    for a, b in pairs:
        targets[a].append(b)
    sources: dict[str, list[str]] = defaultdict(list)
    meant: dict[str, list[str]] = {}
    for a, others in targets.items():
        for pattern, mine in spelling(others).items():
            sources[pattern].append(a)
            meant[pattern] = mine
    for target, some in sources.items():
        for source, mine in spelling(some).items():
            yield f"{source} {arrow} {target}", [(a, b) for a in mine for b in meant[target]]


def _beyond(units: AlikeEnds, deny: Deny) -> Iterator[str]:
    """Rule 3: one line of two workloads where all who meet have the same ports."""
    ways, found = units.ways, defaultdict[Way, dict[Way, Bits]](dict)
    for ends, ports in ways.reached.items():
        own = int(units.of[ends[0]]), int(units.of[ends[1]])
        found[ways.between(ends)][own] = ports
    asked: dict[str, list[Pair]] = defaultdict(list)
    for _, parts in sorted(found.items()):
        alike = len({ports.tobytes() for ports in parts.values()}) == 1
        for (x, y), ports in [*parts.items()][: 1 if alike else None]:
            level = 3 if alike else 4
            if not ports.all():
                rest = _all_but(ways.reach.space.text(ports))
                sources, targets = units.levels[level][x], units.levels[level][y]
                asked[rest] += ((source, target) for source in sources for target in targets)
    for rest, pairs in asked.items():
        for text, said in _together(pairs, "->"):
            if not deny(f"{text}:{rest}"):
                for source, target in said:
                    if len(said) == 1 or not deny(f"{source} -> {target}:{rest}"):
                        yield f"{source} -> {target}: no line says that nothing else passes"


def _narrow(ways: TenantWays) -> Iterator[str]:
    """Rule 4."""
    pairs, sets, count = ways.reach.pairs, ways.reach.sets, defaultdict[Way, int](int)
    ends = ways.reach.network.endpoints
    for row in ways.rows.tolist():
        own = int(pairs.src[row]), int(pairs.dst[row])
        if own in ways.reached:
            full, sure = sets[pairs.some[row]], sets[pairs.sure[row]]
            count[own] += bool((full == ways.reached[own]).all() and (sure == full).all())
    told: dict[Way, int] = defaultdict(int)
    for own in ways.reached:
        a, b = ({p.version for p in ends[end].prefixes} for end in own)
        told[ways.between(own)] += count[own] < len(a & b)
    for (x, y), several in sorted(told.items()):
        if several:
            what = "have ports for a part of addresses, ways or IP versions"
            yield f"{ways.names[x]} -> {ways.names[y]}: {several:,} {what}, and may get the rest"


def _all_but(ports: str) -> str:
    """
    >>> _all_but("80/tcp, udp"), _all_but("any except 80/tcp")
    ('any except 80/tcp, udp', '80/tcp')
    """
    return ports.removeprefix(EXCEPT) if ports.startswith(EXCEPT) else f"{EXCEPT}{ports}"


def _called(ends: Iterable[Endpoint], several: Collection[str]) -> Texts:
    """What lines call endpoints one by one, those with numbers in the last part of their names
    together. The name of one of `several` nodes of a host is that of them all, without its VRF."""
    last: dict[str, list[str]] = defaultdict(list)
    for end in ends:
        exact = next((n for n in end.also if end.name in several and "@" in n), end.name)
        before, slash, name = exact.rpartition("/")
        last[before + slash].append(name)
    return tuple(before + text for before, names in last.items() for text in spelled(names))


def _numbers(names: Iterable[object]) -> Column:
    """Each distinct name as a number."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)
