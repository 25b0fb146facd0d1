"""What becomes of packets that endpoints of one VRF send in one family: all of them at once.

Rows of columns stand for (sender, VTEP where its packets come in, class of destinations, way), and
where the way back matters for a class of the sender's own addresses besides (`address_atoms`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from fabric.values.interval_sets import union
from fabric.values.inventory import Endpoint
from sim.checker.document.form import TOP
from sim.checker.document.regions import Ranges, Row
from sim.checker.document.shared_rows import expanded
from sim.checker.walking.address_atoms import Crossings
from sim.checker.walking.address_space import Hop
from sim.checker.walking.decisions import Remotes

if TYPE_CHECKING:
    from sim.checker.walking.paths import Paths

Column = NDArray[Any]
TTL = 64
"""What senders send with; every VTEP takes one away, and passes nothing on that has one left."""
Tunnel = tuple[Hop | None, Hop, str | None]
NOWHERE: Hop = (-1, -1)


class Ways(NamedTuple):
    """Ways of destinations (`target`, a class of them): over a first hop (-1: there is no route)
    and a tunnel from the place before (-1: straight from the sender) to an end, `lost` on the way
    for a reason (-1: for none). At the end the destination is its `owner`'s (-1: nobody's), who
    `lives` there or not, and the route may lead `away`."""

    target: Column
    first_vtep: Column
    first_vrf: Column
    before_vtep: Column
    before_vrf: Column
    vtep: Column
    vrf: Column
    lost: Column
    owner: Column
    lives: Column
    away: Column


class Sending:
    """Senders of one VRF and family."""

    def __init__(self, paths: Paths, vrf: int, version: int, senders: Sequence[Endpoint]) -> None:
        self.paths, self.vrf, self.version, self.senders = paths, vrf, version, senders
        self.where, self.network = paths.where, paths.network
        self.axis = self.where.axis(vrf, version)
        entries = [paths.entries(e) for e in senders]
        self.pair_of = np.repeat(np.arange(len(senders)), [len(found) for found in entries])
        self.pair_at = np.array([vtep for found in entries for vtep in found], np.int64)
        self.vteps = np.unique(self.pair_at).tolist()
        self.index = np.array([e.index for e in senders], np.int64)
        crossings = Crossings(self.where, vrf, version, self.vteps)
        owner = self.where.owners(vrf, self.axis)
        self.owner = np.where(np.isin(owner, self.index), owner, -1)
        met = [e.index for far in self.where.met(vrf) for e in paths.members.get(far, ())]
        self.own = crossings.sources(self.owner, paths.named(Direction.IN, met))
        self.targets = crossings.targets(paths.named(Direction.OUT, self.index.tolist()))
        number = {index: row for row, index in enumerate(self.index.tolist())}
        self.sender_of = np.array([number[o] for o in self.owner[self.own.sample].tolist()], int)

    def sources(self) -> Iterator[tuple[int, Ranges, Column]]:
        """(endpoint, its addresses that fare alike, rows of their map by number in `paths`)."""
        cell, code = self._cells()
        shape = len(self.own.sample), len(self.targets.sample)
        chosen = self._sets(cell, code, shape[0] * shape[1]).reshape(shape)
        begins = np.flatnonzero(np.diff(self.targets.of, prepend=-1))
        by_run = chosen[:, self.targets.of[begins]]
        new = np.diff(by_run, axis=1, prepend=by_run[:, :1] - 1) != 0
        row, run = np.nonzero(new)
        last = np.append(run[1:], 0)
        last[np.append(row[1:] != row[:-1], True)] = len(begins)
        numbers = self._rows(begins, run, last, by_run[row, run])
        ends = np.cumsum(np.bincount(row, minlength=shape[0]))
        alike: dict[tuple[int, bytes], list[int]] = {}
        for own, found in enumerate(np.split(numbers, ends[:-1]) if shape[0] else ()):
            alike.setdefault((int(self.sender_of[own]), found.tobytes()), []).append(own)
        atoms = np.argsort(self.own.of, kind="stable")[np.count_nonzero(self.own.of < 0) :]
        parts = np.split(atoms, np.cumsum(self.own.size)[:-1])
        ranges = [*self.axis.ranges()]
        for (sender, told), owns in alike.items():
            mine = (ranges[atom] for own in owns for atom in parts[own].tolist())
            yield int(self.index[sender]), union(mine), np.frombuffer(told, numbers.dtype)

    def _rows(self, begins: Column, run: Column, last: Column, chosen: Column) -> Column:
        """The number of each range with its choices."""
        places, starts = [*begins.tolist(), len(self.axis.starts)], self.axis.starts
        cuts = [*(starts[place] for place in places[:-1]), TOP[self.version] + 1]
        _, sample, of = np.unique(
            (chosen * len(places) + run) * len(places) + last,
            return_index=True, return_inverse=True,
        )  # fmt: skip
        columns = (column[sample].tolist() for column in (run, last, chosen))
        found = [
            self.paths.row(Row(cuts[a], cuts[b] - 1, self.paths.several[number]))
            for a, b, number in zip(*columns, strict=True)
        ]
        return np.array(found, np.int64)[of]

    def _sets(self, cell: Column, code: Column, size: int) -> Column:
        """The number in `paths` of the choices of each cell; each has some."""
        order = np.lexsort((code, cell))
        cell, code = cell[order], code[order]
        new = (np.diff(cell, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)
        cell, code = cell[new], code[new]
        count = np.bincount(cell, minlength=size)
        first = np.cumsum(count) - count
        out = np.zeros(size, np.int64)
        for width in np.unique(count).tolist():
            mine = np.flatnonzero(count == width)
            table = code[first[mine][:, None] + np.arange(width)]
            found, of = np.unique(table, axis=0, return_inverse=True)
            numbers = [self.paths.together(codes) for codes in found.tolist()]
            out[mine] = np.array(numbers)[of.reshape(len(mine))]
        return out

    def _cells(self) -> tuple[Column, Column]:
        """(source class × destination class, a choice that such packets have), in no order."""
        width, paths = len(self.targets.sample), self.paths
        own, pair, away = self._letting_in()
        spoof = paths.code(paths.constant("spoof_drop"), -1, -1)
        spoofed = np.flatnonzero(np.bincount(own, away, len(self.own.sample)) > 0)
        cells = [(spoofed[:, None] * width + np.arange(width)).ravel()]
        codes = [np.full(len(cells[0]), spoof)]
        own, pair = own[~away], pair[~away]
        ways, pair_row, way = self._ways(own, pair)
        code, into = self._arriving(ways, pair_row, way)
        order = np.argsort(pair, kind="stable")
        own, pair = own[order], pair[order]
        first, end = (np.searchsorted(pair, pair_row, side) for side in ("left", "right"))
        row, place = expanded(first, end - first)
        source, back = own[place], np.flatnonzero(into[row])
        code = code[row]
        code[back] = self._received(
            ways, pair_row[row[back]], way[row[back]], source[back], code[back]
        )
        cells.append(source * width + ways.target[way[row]])
        return np.concatenate(cells), np.concatenate([*codes, code])

    def _letting_in(self) -> tuple[Column, Column, Column]:
        """Source classes with each pair of their sender and a VTEP where it comes in, and whether
        that VTEP routes these addresses on: then they are none of the sender's there."""
        first = np.searchsorted(self.pair_of, self.sender_of, "left")
        count = np.searchsorted(self.pair_of, self.sender_of, "right") - first
        own, pair = expanded(first, count)
        away = np.zeros(len(own), np.bool_)
        for vtep in self.vteps:
            routes = self.where.routes(vtep, self.vrf, self.axis)[self.own.sample]
            mine = np.flatnonzero(self.pair_at[pair] == vtep)
            away[mine] = self.where.away(routes, (vtep, self.vrf))[own[mine]]
        return own, pair, away

    def _ways(self, own: Column, pair: Column) -> tuple[Ways, Column, Column]:
        """All ways, and rows of (pair, way) for those that pairs have; packets are counted, of all
        atoms that classes stand for."""
        sample, paths = self.targets.sample, self.paths
        size = len(self.where.sets) + 1
        table = [self.where.routes(v, self.vrf, self.axis)[sample] for v in self.vteps]
        keys = np.arange(len(sample)) * size + np.array(table, np.int64) + 1
        known, at = np.unique(keys, return_inverse=True)
        at = at.reshape(keys.shape)
        found: list[tuple[int, Hop, Hop, Hop, int]] = []
        begin, hops = [0], []
        for target, number in zip(*(x.tolist() for x in np.divmod(known, size)), strict=True):
            found += self._led(target, self.where.sets[number - 1] if number else ())
            begin.append(len(found))
            hops.append(len(self.where.sets[number - 1]) if number else 1)
        ways = self._ends(found)
        at_vtep = at[np.searchsorted(self.vteps, self.pair_at)]
        decided = (np.array(hops)[at_vtep] @ self.targets.size) * np.bincount(
            pair, self.own.size[own], len(self.pair_at)
        ).astype(np.int64)
        paths.visited += int(decided.sum()) * paths.space.size
        used = np.unique(pair)
        first = np.array(begin)[at_vtep[used]]
        row, way = expanded(first.ravel(), (np.array(begin)[at_vtep[used] + 1] - first).ravel())
        return ways, used[row // len(sample)], way

    def _led(self, target: int, hops: tuple[Hop, ...]) -> Iterator[tuple[int, Hop, Hop, Hop, int]]:
        """(destinations, first hop, place before, end, reason of being lost)."""
        if not hops:
            yield target, NOWHERE, NOWHERE, NOWHERE, -1
        atom = int(self.targets.sample[target])
        for first in hops:
            for before, end, lost in self._last_tunnels(first, atom):
                why = self.paths.names.index(lost) if lost else -1
                yield target, first, before or NOWHERE, end, why

    def _last_tunnels(self, first: Hop, atom: int) -> tuple[Tunnel, ...]:
        """The last tunnels of packets over a first hop, those of all walks that their TTL allows:
        where each comes from (None: from the sender), where it leads to, and why it does not."""
        found: dict[Tunnel, None] = {}
        walks: dict[tuple[Hop | None, Hop], None] = {(None, first): None}
        for left in range(TTL - 1, 0, -1):
            further: dict[tuple[Hop | None, Hop], None] = {}
            for before, here in walks:
                if before and not self.network.underlay.reachable(before[0], here[0]):
                    found[before, here, "underlay_drop"] = None
                elif left == 1:
                    found[first, first, "ttl_drop"] = None
                elif self.network.vrfs[here[1]].hairpin and here not in (
                    on := self._on(here, atom)
                ):
                    further |= {(here, hop): None for hop in on}
                else:
                    found[before, here, None] = None
            walks = further
            if not walks:
                break
        return tuple(found)

    def _on(self, at: Hop, atom: int) -> tuple[Hop, ...]:
        """Where the route of a place leads an atom: to itself where there is none."""
        number = int(self.where.routes(*at, self.axis)[atom])
        return self.where.sets[number] if number >= 0 else (at,)

    def _ends(self, found: Sequence[tuple[int, Hop, Hop, Hop, int]]) -> Ways:
        """Ways as columns, with what is at their ends."""
        columns = np.array([(t, *f, *b, *e, why) for t, f, b, e, why in found], np.int64)
        columns = columns.reshape(-1, 8).T
        target, vtep, vrf = columns[0], columns[5], columns[6]
        atom = self.targets.sample[target]
        owner, away = np.full(len(target), -1), np.zeros(len(target), np.bool_)
        for far in np.unique(vrf[vrf >= 0]).tolist():
            mine = np.flatnonzero(vrf == far)
            owner[mine] = self.where.owners(far, self.axis)[atom[mine]]
        for at, rows in self._places(vtep, vrf):
            routes = self.where.routes(*at, self.axis)[atom[rows]]
            away[rows] = self.where.away(routes, at)
        lives = np.isin(owner * len(self.paths.reached) + vtep, self.paths.homes) & (owner >= 0)
        return Ways(
            target, columns[1], columns[2], columns[3], columns[4], vtep, vrf, columns[7],
            owner, lives, away,
        )  # fmt: skip

    def _places(self, vtep: Column, vrf: Column) -> Iterator[tuple[Hop, Column]]:
        """Each place with its rows; rows of no place are left out."""
        known = np.flatnonzero(vrf >= 0)
        key = vtep[known] * len(self.network.vrfs) + vrf[known]
        order = np.argsort(key, kind="stable")
        keys, first = np.unique(key[order], return_index=True)
        for number, rows in zip(keys.tolist(), np.split(known[order], first[1:]), strict=False):
            yield divmod(number, len(self.network.vrfs)), rows

    def _arriving(self, ways: Ways, pair: Column, way: Column) -> tuple[Column, Column]:
        """What becomes of each row whatever its source address; where it gets to the receiver's
        policies (the second column) the number of the sender's decision instead."""
        paths, names = self.paths, self.paths.names
        w = Ways(*(column[way] for column in ways))
        sender = self.pair_of[pair]
        routed, straight = w.first_vtep >= 0, w.before_vtep < 0
        there = w.lives & (w.lost < 0)
        oneself = routed & there & (w.owner == self.index[sender])
        target = np.where(there, w.owner, -1)
        decided = self._sent(w, sender, routed & ~oneself)
        reached = paths.reached[self.pair_at[pair], w.first_vtep]
        why = np.where(w.away, names.index("hairpin_drop"), names.index("eni_miss_drop"))
        why = np.where(w.lost >= 0, w.lost, why)
        why = np.where(reached, why, names.index("underlay_drop"))
        into = routed & ~oneself & reached & (w.lost < 0) & ~w.away & (target >= 0)
        short = ~reached & ~straight
        endpoint = np.where(reached | short, -1, target)
        vrf = np.where(short, w.first_vrf, w.vrf)
        code = decided.copy()
        ends = np.flatnonzero(routed & ~oneself & ~into)
        profile = self._profiles(decided[ends], -1 - why[ends], w.vrf[ends])
        code[ends] = paths.code(profile, endpoint[ends], vrf[ends])
        own = paths.code(paths.constant("self"), w.owner, w.vrf)
        code = np.where(oneself, own, code)
        none = paths.code(paths.constant("no_route_drop"), -1, -1)
        return np.where(routed, code, none), into

    def _sent(self, w: Ways, sender: Column, asked: Column) -> Column:
        """The number of the sender's decision for each row that is asked about."""
        out = np.zeros(len(sender), np.int64)
        rows = np.flatnonzero(asked)
        key = w.target[rows] * len(self.network.vrfs) + w.first_vrf[rows]
        known, at = np.unique(key, return_inverse=True)
        target, vrf = np.divmod(known, len(self.network.vrfs))
        remotes = self._remotes(vrf, self.targets.sample[target])
        for number in np.unique(sender[rows]).tolist():
            mine = np.flatnonzero(sender[rows] == number)
            index = int(self.index[number])
            found = self.paths.decisions.numbers(Direction.OUT, index, remotes)
            out[rows[mine]] = found[at[mine]]
        return out

    def _remotes(self, vrf: Column, atom: Column) -> Remotes:
        ips = [self.axis.starts[place] for place in atom.tolist()]
        return Remotes(self.where, self.version, vrf.tolist(), ips)

    def _received(
        self, ways: Ways, pair: Column, way: Column, source: Column, decided: Column
    ) -> Column:
        """What becomes of packets at the receiver: it must see their source behind the VTEP that
        sent them last, and its policies must permit them."""
        paths, size = self.paths, len(self.network.vrfs)
        w = Ways(*(column[way] for column in ways))
        straight = w.before_vtep < 0
        outer = np.where(straight, self.pair_at[pair], w.before_vtep)
        inner = np.where(straight, self.vrf, w.before_vrf)
        seen = np.full(len(way), -1)
        for at, rows in self._places(w.vtep, w.vrf):
            routes = self.where.routes(*at, self.axis)[self.own.sample[source[rows]]]
            for (sent_by, true), part in self._places(outer[rows], inner[rows]):
                seen[rows[part]] = self.where.behind(sent_by, true)[routes[part]]
        then = np.full(len(way), -1 - paths.names.index("pa_validation_drop"))
        rows = np.flatnonzero(seen >= 0)
        known, at_remote = np.unique(source[rows] * size + seen[rows], return_inverse=True)
        remotes = self._remotes(known % size, self.own.sample[known // size])
        order = np.argsort(w.owner[rows], kind="stable")
        owners, first = np.unique(w.owner[rows][order], return_index=True)
        for index, mine in zip(owners.tolist(), np.split(order, first[1:]), strict=False):
            found = paths.decisions.numbers(Direction.IN, index, remotes)
            then[rows[mine]] = found[at_remote[mine]]
        profile = self._profiles(decided, then, w.vrf)
        received: Column = paths.code(profile, w.owner, w.vrf)
        return received

    def _profiles(self, out: Column, then: Column, vrf: Column) -> Column:
        """The profile of each row: the sender's decision, then the receiver's, or -1 - a reason."""
        if not len(out):
            return out
        low, made = len(self.paths.names) + 1, len(self.paths.decisions.made) + 1
        key = (out * (low + made) + then + low) * len(self.network.vrfs) + vrf
        _, sample, of = np.unique(key, return_index=True, return_inverse=True)
        columns = (column[sample].tolist() for column in (out, then, vrf))
        found = [self.paths.combined(a, b, self.vrf, e) for a, b, e in zip(*columns, strict=True)]
        return np.array(found, np.int64)[of]
