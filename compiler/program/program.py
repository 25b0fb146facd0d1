"""`Program`: the policy tables that the enforcement points hold.

A `Group` is an ordered list of entries with a default, as a DPU's ACL group is; it is *bound* to
endpoints. Endpoints with the same policy share their groups, whatever DPU they live on; a VTEP
holds the groups that its endpoints are bound to, and nothing else.

An entry matches when one of its regions holds the remote (address and the VRF behind which it lies)
and one of its L4 ranges holds the packet's protocol, ports and further fields. Addresses are
inclusive integer intervals, sorted and disjoint. `ANY_VRF` matches every VRF, also an unknown one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from compiler.policy.domain import Domain, Unrouted, unread
from compiler.policy.fields import Within
from compiler.policy.ir import Action, Condition, Direction, Origin, Point, Policy, Stage
from compiler.policy.points import at_border
from compiler.policy.stages import STAGES, Stages
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.values.interval_sets import Intervals as Intervals
from fabric.values.inventory import Endpoint, Vrf
from fabric.values.memo import Memo
from fabric.values.one_line import OneLine
from fabric.values.ports import ANY, MAX_PORT
from fabric.wiring.topology import Node, Role

T = TypeVar("T")
ANY_VRF = -1
ALL_V4: Intervals = ((0, 2**32 - 1),)
ALL_V6: Intervals = ((0, 2**128 - 1),)


class Region(NamedTuple):
    """Remote addresses behind one VRF index (or `ANY_VRF`), per family."""

    vrf: int = ANY_VRF
    v4: Intervals = ALL_V4
    v6: Intervals = ALL_V6


class L4Range(NamedTuple):
    """Inclusive ranges; `protocol` is an IANA number or `ANY`; `fields` limit what else a header
    carries, all of them together."""

    protocol: int = ANY
    sport: tuple[int, int] = (0, MAX_PORT)
    dport: tuple[int, int] = (0, MAX_PORT)
    fields: tuple[Within, ...] = ()


class Entry(NamedTuple):
    """`id` is unique in the program (counters are indexed by it); `origin` indexes `origins`. Who
    enforces it, the stage of its group says."""

    id: int
    order: int
    regions: tuple[Region, ...]
    l4: tuple[L4Range, ...]
    action: Action
    origin: int
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Entries in evaluation order. The default is an entry too (`default_entry`), so that a default
    deny is counted and explained like any other."""

    id: int
    stage: Stage
    direction: Direction
    entries: tuple[Entry, ...]
    default_entry: Entry

    @property
    def at(self) -> Point:
        """Who enforces its entries."""
        return self.stage.at


@dataclass(frozen=True, slots=True, repr=False)
class Program(OneLine):
    """Compiled policy of a domain, which most often is a network.

    `bindings[direction, endpoint, place]` is a group id or -1 (stage skipped), int32; places are
    those of the stages in `stages`.
    """

    domain: Domain
    policy: Policy
    groups: tuple[Group, ...]
    bindings: NDArray[np.int32]
    origins: tuple[Origin, ...]
    n_entries: int
    _memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    def _said(self) -> str:
        return f"{self.domain}, {len(self.groups)} groups, {self.n_entries} entries"

    def once(self, make: Callable[[Program], T]) -> T:
        """What some module makes of this program, made when it is first asked for."""
        return self._memo.of(self, make)

    @staticmethod
    def of_tables(
        name: str,
        groups: tuple[Group, ...],
        origins: tuple[Origin, ...],
        points: Mapping[str, Sequence[int]],
        stages: Stages = STAGES,
    ) -> Program:
        """Tables of no network, for decisions that no route leads to: `points` has by name the
        groups that each enforcement point asks, in both directions. Each is a node with one
        endpoint, which has no addresses."""
        bindings = np.full((len(Direction), len(points), len(stages)), -1, np.int32)
        for number, mine in enumerate(points.values()):
            for group in mine:
                bindings[groups[group].direction, number, stages.index(groups[group].stage)] = group
        n_entries = sum(len(group.entries) + 1 for group in groups)
        ends = (Endpoint(n, at, "zone", name, 0, 1, n, None, ()) for n, at in enumerate(points))
        nodes = (Node(n, at, Role.DPU, name) for n, at in enumerate(points))
        domain = Unrouted(name, (Vrf(0, name, name, 1, 0, ()),), tuple(ends), tuple(nodes))
        return Program(domain, Policy(stages=stages), groups, bindings, origins, n_entries)

    @property
    def routed(self) -> Network | None:
        """The network in which its packets travel; None where it is of none."""
        return self.domain if isinstance(self.domain, Network) else None

    @property
    def network(self) -> Network:
        """The same, for who needs one. Raises `UndecidedError` C859."""
        if not isinstance(self.domain, Network):
            raise unread(self.domain)
        return self.domain

    @property
    def stages(self) -> Stages:
        """The table of its stages."""
        return self.policy.stages

    def bound(self, direction: Direction, endpoint: int) -> Iterator[Group]:
        """The groups that decide for this endpoint and direction, in stage order."""
        for group in self.bindings[direction, endpoint]:
            if group >= 0:
                yield self.groups[group]

    def entry(self, number: int) -> tuple[Group, Entry]:
        """The entry with this id and the group that holds it."""
        first = [group.default_entry.id for group in self.groups]
        group = self.groups[bisect_left(first, number)]
        return group, (*group.entries, group.default_entry)[number - group.default_entry.id - 1]

    def ends_at(self, vtep: int) -> tuple[Endpoint, ...]:
        """The endpoints of a VTEP, by index."""
        return tuple(self.once(_by_vtep).get(vtep, ()))

    def groups_at(self, vtep: int, here: Sequence[int] | None = None) -> tuple[Group, ...]:
        """The groups that this VTEP holds, by id: those that it asks for its own endpoints, and
        for others. `here` are its endpoints, if who asks knows them."""
        if here is None:
            here = [e.index for e in self.ends_at(vtep)]
        own = [place for place, stage in enumerate(self.stages) if stage.at is Point.HERE]
        ids = {int(i) for i in np.unique(self.bindings[:, here][..., own]) if i >= 0}
        if len(own) < len(self.stages):
            ids |= {group.id for _, groups in asked_for(self, vtep) for group in groups}
        return tuple(self.groups[i] for i in sorted(ids))

    def own(self, direction: Direction, endpoint: int) -> Iterator[Group]:
        """Those of the groups bound to an endpoint that its own VTEP asks."""
        return (group for group in self.bound(direction, endpoint) if group.at is Point.HERE)


def asked_for(program: Program, vtep: int) -> list[tuple[Endpoint, tuple[Group, ...]]]:
    """The endpoints for which a VTEP asks groups as the peer or as a border, and these groups: what
    it may exchange packets with by its routes or theirs."""
    network, ahead = program.network, cache(partial(leads, program.network))
    border = network.fabric.nodes[vtep].role is Role.BORDER
    mine = [(vtep, vrf) for vrf in network.fib.vrfs_at(vtep)]
    out = []
    for end in network.endpoints:
        at_its_own = at_border(end, network)
        asks = {Point.PEER}
        if vtep in end.vteps if at_its_own else border:
            asks.add(Point.BORDER)
        groups = tuple(
            g for way in Direction for g in program.bound(way, end.index) if g.at in asks
        )
        if groups and (
            vtep in end.vteps
            or any(vtep in {at for at, _ in ahead(home, end.vrf)} for home in end.vteps)
            or any((home, end.vrf) in ahead(*at) for at in mine for home in end.vteps)
        ):
            out.append((end, groups))
    return out


def leads(network: Network, vtep: int, vrf: int) -> set[tuple[int, int]]:
    """Where the routes of a VTEP's VRF lead."""
    fib = network.fib
    place = fib.instance(vtep, vrf)
    chosen = np.unique(fib.chosen[place]).tolist() if place >= 0 else []
    return {(hop.vtep, hop.vrf) for n in chosen if n >= 0 for hop in fib.nexthop_sets[n]}


def fields_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The further fields (`compiler.policy.fields`) that entries speak of, sorted."""
    return tuple(sorted({w.name for entry in entries for l4 in entry.l4 for w in l4.fields}))


def known_fields(program: Program) -> tuple[str, ...]:
    """The further fields that entries of a program speak of, sorted; found once."""
    return program.once(_fields)


def refuse_fields(program: Program, who: str) -> None:
    """Nothing, unless rules match on further fields of packets, which `who` does not look at:
    `UndecidedError` C864."""
    if names := known_fields(program):
        message = f"rules match on {' and '.join(names)}, which {who} does not look at"
        hint = "proofs, replay and explain do"
        raise UndecidedError(Diagnostic("C864", message, None, hint, "unknown"))


def conditions_of(program: Program) -> tuple[Condition, ...]:
    """What some permits ask for besides what a header tells, sorted."""
    return program.once(_conditions)


def refuse_conditions(program: Program, who: str) -> None:
    """Nothing, unless permits ask for what no header tells, which `who` does not look at:
    `UndecidedError` C877."""
    if words := conditions_of(program):
        message = f"rules permit only if {' and '.join(words)}, which {who} does not look at"
        hint = "proofs, replay and explain say it"
        raise UndecidedError(Diagnostic("C877", message, None, hint, "unknown"))


def _by_vtep(program: Program) -> dict[int, list[Endpoint]]:
    """Endpoints by each of their VTEPs."""
    found: dict[int, list[Endpoint]] = {}
    for end in program.domain.endpoints:
        for vtep in dict.fromkeys(end.vteps):
            found.setdefault(vtep, []).append(end)
    return found


def _fields(program: Program) -> tuple[str, ...]:
    return fields_of(entry for group in program.groups for entry in group.entries)


def _conditions(program: Program) -> tuple[Condition, ...]:
    entries = (entry for group in program.groups for entry in group.entries)
    return tuple(sorted({words for entry in entries for words in entry.conditions}))


def goes_by_address(entry: Entry) -> bool:
    """Whether the entry speaks of some addresses: not of pods, nor of everybody of a family."""
    return any(
        r.vrf == ANY_VRF and not (r.v4 in (ALL_V4, ()) and r.v6 in (ALL_V6, ()))
        for r in entry.regions
    )
