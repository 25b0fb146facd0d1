"""A second engine: sets of packets as binary decision diagrams.

Built from the groups and entries of a program, bit by bit of the header, with none of the atoms,
classes and tables that everything else stands on, by a library that others wrote. What both engines
say about all packets must be the same function:

* `changed`: the regions of `sim.diff.changes`, one by one disjoint, together exactly the packets
  about which two programs disagree;
* `crossed`: the bits that `sim.proof.isolation.vrf_pairs` folds every VRF's blocks into.

It takes a hundred times as long as what it checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from oxidd.bdd import BDDFunction as Set
from oxidd.bdd import BDDManager

from compiler.policy.fields import FIELDS, Within
from compiler.policy.ir import Action, Direction
from compiler.policy.stages import leads
from compiler.program.program import ANY_VRF, Entry, Intervals, L4Range, Program, fields_of
from fabric.values.ports import ANY, WITH_PORTS
from sim.blocks.port_sets import Box
from sim.diff.changes import ChangedRegion
from sim.proof.isolation.permits import PERMITTED, UNDECLARED
from sim.proof.isolation.vrf_pairs import Isolation

NODES, CACHE = 1 << 22, 1 << 18
BITS = {4: 32, 6: 128}
Span = tuple[int, int]


class Verdict(NamedTuple):
    """Packets that are permitted, and those of them that no declared intent explains."""

    permitted: Set
    undeclared: Set


class Space:
    """All packets of one family that an enforcement point can be asked about, the remote VRF apart:
    remote address, protocol, ports, and these further fields. Most significant bits come first."""

    def __init__(self, version: int, fields: Iterable[str] = ()) -> None:
        self.version = version
        manager = BDDManager(NODES, CACHE, 1)
        rows = [FIELDS[name] for name in fields]
        size = BITS[version] + 40 + sum(row.bits for row in rows)
        variables = [manager.var(i) for i in manager.add_vars(size)]
        self.ip, rest = variables[: BITS[version]], variables[BITS[version] :]
        self.protocol, self.sport, self.dport, rest = rest[:8], rest[8:24], rest[24:40], rest[40:]
        self.fields: dict[str, list[Set]] = {}
        for row in rows:
            self.fields[row.name], rest = rest[: row.bits], rest[row.bits :]
        self.nothing, self.everything = manager.false(), manager.true()
        self.real = self._real()
        self._known: dict[tuple[int, ...], Verdict] = {}
        self._keys: dict[object, Set] = {}

    def between(self, bits: Sequence[Set], span: Span) -> Set:
        """Numbers from first to last."""
        low = high = self.everything
        for place, bit in enumerate(reversed(bits)):
            first, last = (bound >> place & 1 for bound in span)
            low = bit & low if first else bit | low
            high = ~bit | high if last else ~bit & high
        return low & high

    def addresses(self, intervals: Intervals) -> Set:
        """Packets whose remote address is in one of these."""
        return self.any(self.between(self.ip, span) for span in intervals)

    def any(self, parts: Iterable[Set]) -> Set:
        """The union."""
        out = self.nothing
        for part in parts:
            out = out | part
        return out

    def ports(
        self, protocols: Span, sport: Span, dport: Span, fields: Iterable[Within] = ()
    ) -> Set:
        """A box of protocols, ports and further fields."""
        axes = (self.protocol, protocols), (self.sport, sport), (self.dport, dport)
        out = self.everything
        for bits, span in axes:
            out = out & self.between(bits, span)
        for limit in fields:
            out = out & self.between(self.fields[limit.name], (limit.first, limit.last))
        return out

    def l4(self, r: L4Range) -> Set:
        """What a range of an entry matches."""
        protocols = (0, 255) if r.protocol == ANY else (r.protocol, r.protocol)
        return self.ports(protocols, r.sport, r.dport, r.fields)

    def box(self, box: Box) -> Set:
        """A box of a region."""
        return self.ports(box.protocols, box.sport, box.dport, box.fields)

    def _real(self) -> Set:
        """Packets that exist: without ports both are 0; fields hold every value of their bits."""
        with_ports = self.any(self.between(self.protocol, (p, p)) for p in WITH_PORTS)
        none = self.between(self.sport, (0, 0)) & self.between(self.dport, (0, 0))
        return with_ports | none

    def entry(self, entry: Entry, remote_vrf: int) -> Set:
        """What an entry matches behind a VRF."""
        key = entry.regions, entry.l4, remote_vrf
        if key not in self._keys:
            spans = (
                region.v4 if self.version == 4 else region.v6
                for region in entry.regions
                if region.vrf in (ANY_VRF, remote_vrf)
            )
            ports = self.any(self.l4(r) for r in entry.l4)
            self._keys[key] = self.any(self.addresses(span) for span in spans) & ports
        return self._keys[key]

    def verdict(
        self, program: Program, direction: Direction, endpoint: int, remote_vrf: int
    ) -> Verdict:
        """What the groups of an endpoint permit: the first entry that matches decides, a permit
        goes on to the next group or skips some. `waiting` has, per stage to go on with, packets
        that no intent explains so far and those that one does."""
        groups = tuple(program.bound(direction, endpoint))
        key = (id(program), direction, remote_vrf, *(group.id for group in groups))
        if key in self._known:
            return self._known[key]
        goes = leads(program.stages)
        none = self.nothing, self.nothing
        waiting = {0: (self.everything, self.nothing)}
        for group in groups:
            place = program.stages.index(group.stage)
            due = [waiting.pop(at) for at in sorted(waiting) if at <= place]
            silent, asked = (self.any(parts) for parts in zip(*due, strict=True)) if due else none
            left = self.everything
            for entry in (*group.entries, group.default_entry):
                here = left & (
                    self.entry(entry, remote_vrf)
                    if entry is not group.default_entry
                    else self.everything
                )
                left = left & ~here
                if entry.action is Action.DENY:
                    continue
                quiet, named = silent & here, asked & here
                if program.origins[entry.origin].kind.declared:
                    quiet, named = self.nothing, quiet | named
                at = goes[place][entry.action]
                known = waiting.get(at, none)
                waiting[at] = known[0] | quiet, known[1] | named
        undeclared, declared = (
            self.any(parts) for parts in zip(none, *waiting.values(), strict=True)
        )
        found = Verdict(undeclared | declared, undeclared)
        self._known[key] = found
        return found


def changed(old: Program, new: Program, regions: Sequence[ChangedRegion]) -> Iterator[str]:
    """Where these regions are not what differs between two programs; nothing when all is well."""
    ends = {e.name: e.index for e in new.domain.endpoints}
    vrfs = {v.name: v.index for v in new.domain.vrfs}
    entries = [e for program in (old, new) for group in program.groups for e in group.entries]
    for version in BITS:
        space = Space(version, fields_of(entries))
        parts = [
            (r, [(m.vrfs, space.addresses((m.v4, m.v6)[version == 6])) for m in r.remotes],
             space.any(map(space.box, r.ports)))
            for r in regions
        ]  # fmt: skip
        for direction in Direction:
            for end in (e for e in old.domain.endpoints if e.name in ends):
                mine = [
                    part
                    for part in parts
                    if part[0].direction is direction and end.name in part[0].endpoints
                ]
                for vrf in (v for v in old.domain.vrfs if v.name in vrfs):
                    was = space.verdict(old, direction, end.index, vrf.index).permitted
                    now = space.verdict(new, direction, ends[end.name], vrfs[vrf.name]).permitted
                    left = {True: now & ~was & space.real, False: was & ~now & space.real}
                    for region, remotes, ports in mine:
                        there = space.any(ips for names, ips in remotes if vrf.name in names)
                        part = there & ports
                        if (part & ~left[region.gained]).satisfiable():
                            yield f"{end.name} {direction.name} {vrf.name}: {region} says too much"
                        left[region.gained] = left[region.gained] & ~part
                    if any(rest.satisfiable() for rest in left.values()):
                        yield f"{end.name} {direction.name} {vrf.name}: regions are missing"


def crossed(proof: Isolation) -> Iterator[str]:
    """Pairs of VRFs about which a proof is wrong; nothing when all is well."""
    program = proof.blocks.program
    network = program.network
    spaces = [Space(version) for version in BITS]
    for direction, table in zip(Direction, (proof.out, proof.into), strict=True):
        for local in network.vrfs:
            members = [e.index for e in network.endpoints if e.vrf == local.index]
            for remote in network.vrfs:
                if remote.index == local.index:
                    continue
                found = [
                    space.verdict(program, direction, e, remote.index)
                    for space in spaces
                    for e in members
                ]
                bits = PERMITTED * any(v.permitted.satisfiable() for v in found)
                bits |= UNDECLARED * any(v.undeclared.satisfiable() for v in found)
                if bits != table[local.index, remote.index]:
                    said = int(table[local.index, remote.index])
                    yield f"{direction.name} {local.name} {remote.name}: {said} is {bits}"
