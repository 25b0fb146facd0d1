"""Regions: every source × every destination address × every protocol and port, with its verdict.

The same paths as `sim.proof.pairs.reachability`, but nothing is left out: also what has no route,
what is dropped on the way, and which stage denies. Destination ranges of a source cover the whole
address space of a family. This is what certificates are made of; it costs more than reachability,
and is only computed when a certificate is asked for.

Paths are walked once for each class of own addresses and of destinations that fare alike
(`sim.proof.certificates.address_classes`), and spread over their ranges afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fabric.values.interval_sets import union
from sim.blocks.blocks import Blocks
from sim.blocks.conditions import conditional
from sim.blocks.numbering import distinct, expand, same_rows
from sim.packets.reasons import Reason, reasons
from sim.proof.certificates.address_classes import AddressClasses, VrfClasses
from sim.proof.pairs.reachability import Bits, Reach, decisions
from sim.proof.routes.paths import Column, Paths, PathSpace, paths
from sim.proof.routes.refinements import TOP, Refinements

SELF = -1
"""In the place of a reason: to oneself, out of scope."""
CONDITIONAL = -2
"""Delivered if something holds besides that no header shows."""
PASSING = (int(Reason.DELIVERED), CONDITIONAL)
Choice = tuple[int, int, int]
"""(profile, endpoint, VRF) that one next hop leads to, -1: none."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One endpoint's addresses `ranges` of a family. From the place `first[i]` of the family's axis
    on, destinations have the choices of ECMP that `chosen[i]` names."""

    endpoint: int
    version: int
    ranges: tuple[tuple[int, int], ...]
    first: Column
    chosen: Column


@dataclass
class Profiles:
    """Distinct verdicts over L4 atoms; `values[i]` has a reason per atom."""

    blocks: Blocks
    known: dict[bytes, int] = field(default_factory=dict)
    values: list[Column] = field(default_factory=list)

    def constant(self, reason: int) -> int:
        """The profile with one reason for every packet."""
        return self._intern(np.full(self.blocks.l4.size, reason, np.int64))

    def of(self, drop: Column, out_key: Column, in_key: Column) -> Column:
        """The profile of each path: OUT policy, the way, IN policy."""
        alike = same_rows([drop, out_key, in_key])
        if not len(alike.sample):
            return np.zeros(0, np.int64)
        drop, out_key, in_key = (column[alike.sample] for column in (drop, out_key, in_key))
        reason = np.repeat(drop.astype(np.int64)[:, None], self.blocks.l4.size, axis=1)
        arrives = drop == Reason.DELIVERED
        reason[arrives] = self._policy(in_key[arrives])
        out = self._policy(out_key)
        both = np.where(np.isin(out, PASSING), reason, out)
        asks = (out == CONDITIONAL) & (both == Reason.DELIVERED)
        rows = np.where(asks, CONDITIONAL, both)
        numbers: Column = np.array([self._intern(row) for row in rows], np.int64)[alike.of]
        return numbers

    def _policy(self, keys: Column) -> Column:
        of, sample = distinct(keys)
        found = decisions(self.blocks, keys[sample])
        names = [*reasons(self.blocks.program.stages).of_place, Reason.DELIVERED]
        verdict = np.array(names, np.int64)[self.blocks.dec_stage[found]]
        told: Column = np.where(self.asks[found], CONDITIONAL, verdict)
        return told.take(of, axis=0)

    @cached_property
    def asks(self) -> Bits:
        """Which decisions permit under conditions only."""
        return conditional(self.blocks)

    def _intern(self, values: Column) -> int:
        key = values.tobytes()
        if key not in self.known:
            self.known[key] = len(self.values)
            self.values.append(values)
        return self.known[key]


@dataclass
class Choices:
    """Distinct sets of choices of ECMP, by number: that of one choice is its code, others are
    counted down from -1. Codes are in the order of choices."""

    endpoints: int
    vrfs: int
    several: dict[bytes, int] = field(default_factory=dict)
    codes: list[Column] = field(default_factory=list)

    def code(self, profile: Column, endpoint: Column, vrf: Column) -> Column:
        """One number for each choice."""
        found: Column = (profile * (self.endpoints + 1) + endpoint + 1) * (self.vrfs + 1) + vrf + 1
        return found

    def of(self, number: int) -> tuple[Choice, ...]:
        """The choices of a set, sorted."""
        codes = [number] if number >= 0 else self.codes[-1 - number].tolist()
        ends = ((*divmod(code // (self.vrfs + 1), self.endpoints + 1), code) for code in codes)
        return tuple((p, endpoint - 1, code % (self.vrfs + 1) - 1) for p, endpoint, code in ends)

    def numbers(self, codes: Column, size: Column) -> Column:
        """The number of each set; they stand one behind the other, of these sizes, sorted."""
        first = np.cumsum(size) - size
        out: Column = codes[first]
        for count in np.unique(size[size > 1]).tolist():
            sets = np.flatnonzero(size == count)
            table = codes[first[sets][:, None] + np.arange(count)]
            alike = same_rows(list(table.T))
            found = [self._intern(row) for row in table[alike.sample]]
            out[sets] = np.array(found, np.int64)[alike.of]
        return out

    def _intern(self, codes: Column) -> int:
        number = self.several.setdefault(codes.tobytes(), -1 - len(self.codes))
        if number == -1 - len(self.codes):
            self.codes.append(codes)
        return number


@dataclass(frozen=True, slots=True)
class AllRegions:
    """Profiles and choices of all sources, filled while these are read; `axes` has the addresses at
    which runs of a family may begin."""

    profiles: Profiles
    choices: Choices
    axes: tuple[list[int], list[int]]
    sources: Iterator[Sender]

    def runs(self, source: Sender) -> Iterator[tuple[int, int, tuple[Choice, ...]]]:
        """(first, last, distinct choices of ECMP) of all destination addresses."""
        axis = self.axes[source.version == 6]
        starts = [axis[place] for place in source.first.tolist()]
        ends = [*(start - 1 for start in starts[1:]), TOP[source.version]]
        for first, last, number in zip(starts, ends, source.chosen.tolist(), strict=True):
            yield first, last, self.choices.of(number)


def regions(reach: Reach) -> AllRegions:
    """All regions, by endpoint and family."""
    n = len(reach.network.vrfs)
    egress = {vrf: _egresses(reach.path_space, vrf) for vrf in range(n)}
    refinements = Refinements.over(reach.blocks.addresses, egress)
    space = replace(reach.path_space, refinements=refinements, crossings={}, stand_ins=None)
    profiles, choices = Profiles(reach.blocks), Choices(len(reach.network.endpoints), n)
    classes = AddressClasses(space)
    found = (
        sender
        for vrf in range(n)
        for sender in _VrfSending(space, classes.of(vrf, egress[vrf]), profiles, choices).senders()
    )
    return AllRegions(profiles, choices, refinements.axes, found)


def _egresses(space: PathSpace, vrf: int) -> list[int]:
    """VRFs in which packets of a VRF may arrive."""
    _, sets = space.tables(vrf)
    return space.egresses(sets)


class _VrfSending:
    """What endpoints of one VRF send."""

    def __init__(
        self, space: PathSpace, classes: VrfClasses, profiles: Profiles, choices: Choices
    ) -> None:
        self.space, self.classes = space, classes
        self.profiles, self.choices = profiles, choices
        self.senders_of, self.entries, self.sets, self.at_vtep = space.routes(classes.vrf)

    def senders(self) -> Iterator[Sender]:
        """Sources of the VRF, by endpoint and family."""
        rows = Paths.concat([self._localised(part) for part in paths(self.space, self.classes.vrf)])
        rows = rows.take(rows.drop != Reason.SPOOF_DROP)
        code = self._codes(rows)
        found = [
            sender
            for family in (0, 1)
            for sender in self._of_family(family, rows.src_class, rows.dst_class, code)
        ]
        yield from sorted(found, key=lambda sender: (sender.endpoint, sender.version))

    def _localised(self, part: Paths) -> Paths:
        """Numbers of classes within their pair of VRFs."""
        src, dst = (self.space.refinements.numbers(x) for x in (part.src_class, part.dst_class))
        return replace(part, src_class=src, dst_class=dst)

    def _codes(self, rows: Paths) -> Column:
        """What becomes of packets on each path. Whoever does not get them is not named."""
        b, closure = self.space.blocks, self.space.closure
        at = closure.vtep[rows.hop]
        there = (rows.dst >= 0) & b.homes.at(rows.dst, b.endpoint_vtep[rows.dst], at)
        there &= rows.drop != Reason.HAIRPIN_DROP
        passed_on = (closure.via_vtep[rows.hop] >= 0) & (rows.drop == Reason.UNDERLAY_DROP)
        there &= ~passed_on & (closure.drop[rows.hop] == 0)
        early = passed_on & ~self.space.underlay[rows.entry, closure.first_vtep[rows.hop]]
        vrf = np.where(early, closure.first_vrf[rows.hop], closure.vrf[rows.hop])
        profile = self.profiles.of(rows.drop, rows.out_key, rows.in_key)
        return self.choices.code(profile, np.where(there, rows.dst, -1), vrf)

    def _of_family(self, family: int, src: Column, dst: Column, code: Column) -> Iterator[Sender]:
        """Own addresses that fare alike are one source, neighbours that fare alike one range."""
        classes = self.classes
        sources, targets = classes.sources.of_family(family), classes.targets.of_family(family)
        mine = (src >= sources.start) & (src < sources.stop)
        src, dst = src[mine] - sources.start, dst[mine] - targets.start
        shape = len(sources), len(targets)
        cell, code = self._cells(sources, targets, src * shape[1] + dst, code[mine])
        numbers = self.choices.numbers(code, np.bincount(cell, minlength=shape[0] * shape[1]))
        begins, of = classes.runs(family)
        alike: dict[tuple[int, bytes], list[int]] = {}
        for row, chosen in enumerate(numbers.reshape(shape)[:, of - targets.start]):
            owner = int(classes.owner[sources.start + row])
            alike.setdefault((owner, chosen.tobytes()), []).append(sources.start + row)
        for (endpoint, told), found in alike.items():
            chosen = np.frombuffer(told, np.int64)
            new = np.flatnonzero(np.diff(chosen, prepend=chosen[:1] - 1))
            ranges = union(*map(classes.ranges, found))
            yield Sender(endpoint, 6 if family else 4, ranges, begins[new], chosen[new])

    def _cells(
        self, sources: range, targets: range, cell: Column, code: Column
    ) -> tuple[Column, Column]:
        """Distinct choices of each (source, target), sorted; also those for which there is no path.
        What an entry routes `away` it does not let in; a next hop without a path leads back to the
        sender."""
        choices, vrf = self.choices, self.classes.vrf
        size = len(sources) * len(targets)
        owner = self.classes.owner[sources.start : sources.stop]
        row, at, away = self._entries(sources, owner)
        atoms = self.classes.target_atoms[targets.start : targets.stop]
        chosen = self.sets[:, atoms][self.at_vtep[at]]
        hops = np.where(chosen < 0, 0, self.space.closure.width(chosen)) * ~away[:, None]
        every, lost = (np.zeros((len(sources), len(targets)), np.int64) for _ in range(2))
        np.add.at(every, row, hops)
        np.add.at(lost, row, (chosen < 0) & ~away[:, None])
        spoofed = np.bincount(row, away, len(sources)) > 0
        back = np.flatnonzero(np.bincount(cell, minlength=size) < every.ravel())
        none = np.flatnonzero(lost.ravel())
        spoof = np.flatnonzero(np.repeat(spoofed, len(targets)))
        spoof_code, none_code = (
            choices.code(np.array([self.profiles.constant(reason)]), np.array([-1]), np.array([-1]))
            for reason in (Reason.SPOOF_DROP, Reason.NO_ROUTE_DROP)
        )
        self_profile = self.profiles.constant(SELF)
        to_self = np.array([self_profile]), owner[back // len(targets)], np.array([vrf])
        own = choices.code(*to_self)
        cell = np.concatenate([cell, back, none, spoof])
        more = np.repeat(none_code, len(none)), np.repeat(spoof_code, len(spoof))
        code = np.concatenate([code, own, *more])
        order = np.lexsort((code, cell))
        cell, code = cell[order], code[order]
        new = (np.diff(cell, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)
        return cell[new], code[new]

    def _entries(self, sources: range, owner: Column) -> tuple[Column, Column, Bits]:
        """Each source with each VTEP where what it sends comes in, as rows of `routes`, and whether
        that VTEP routes its addresses away."""
        first, last = (np.searchsorted(self.senders_of, owner, side) for side in ("left", "right"))
        row, at = expand(first, last - first)
        atom = self.classes.source_atoms[sources.start : sources.stop][row]
        return row, at, self.classes.leads_on(self.entries[at], atom)
