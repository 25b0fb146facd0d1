"""Policies that permit exactly what was observed, tried on the files before they are said.

Rules that hold here:

1. Policies are written for whole namespaces: what is permitted there is all that their policies say
   together, so none of before may be left. Those of other kinds, of other namespaces, of zones and
   tenants stay, and go on to deny what they deny.
2. `gained` is what the policies of any end permit in the new world and did not in the old one, of
   all packets, whether routes lead there today or not: a link that comes back opens nothing either.
   Nothing of that is a suggestion.
3. `stopped` are observed flows that the old world lets through and the new one does not: those that
   NetworkPolicies cannot say, or there is a fault.
4. `beyond` is what gets through between pods of the chosen namespaces in the new world and is not
   in the closure of what was observed: every pair of pods on every port that is told apart, over
   both IP versions. What labels permit over one that was not seen is `one_version`.
5. `compared` says what else loses or gains, from end to end.
6. Where no flow was taken that policies can permit, nothing is suggested: no observation is no
   wish to deny all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.program.program import conditions_of
from fabric.kubernetes.unmodelled.unevaluated import pending
from sim.diff.changes import Became, changes, packet_text
from sim.diff.diff import Diff, diff
from sim.diff.permitted.label_groups import Room, groups
from sim.diff.permitted.observed import Observed, ObservedFlow, packets_of
from sim.diff.permitted.policies import (
    Closure,
    GroupNames,
    OneVersion,
    Width,
    WrittenPolicy,
    written,
)
from sim.diff.suggested.file_edits import FileEdit, policy_objects
from sim.packets.notation import show
from sim.pipeline.datapath import Datapath
from sim.pipeline.senders import Hosts, packets_between
from sim.pipeline.traffic import interesting_ports
from sim.worlds.world import World

Read = Callable[[Sequence[FileEdit]], World]
MOST_PACKETS = 20_000_000
"""Pairs of pods by ports that are looked at (rule 4)."""
STEP = 1 << 18


@dataclass(frozen=True, slots=True)
class LeastPrivilege:
    """Rules 2 to 5. `unasked` says why rule 4 was not looked at; `undecided` what is not evaluated
    and may decide otherwise; `flows` is how many flows the policies are about; `merged` are
    workloads that no label tells apart, `in_hosts` pods that no policy is about."""

    observed: Observed
    rooms: tuple[Room, ...]
    policies: tuple[WrittenPolicy, ...]
    flows: int
    compared: Diff
    gained: tuple[str, ...]
    stopped: tuple[str, ...]
    unsayable: tuple[str, ...]
    beyond: tuple[str, ...]
    unasked: str = ""
    undecided: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    in_hosts: tuple[str, ...] = ()
    one_version: tuple[OneVersion, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether the policies permit exactly what was observed, and nothing new; `nothing` where
        there are none (rule 6)."""
        if not self.policies:
            return "nothing"
        gains = any(c.kind in ("gained", "steady") for c in self.compared.changes)
        if self.gained or self.stopped or self.beyond or gains:
            return "fails"
        if self.unasked or self.undecided or not self.compared.decided:
            return "unknown"
        return "holds"


def least(
    world: World, observed: Observed, read: Read, width: Width, rooms: frozenset[Room] | None = None
) -> LeastPrivilege:
    """Policies of these namespaces, or of all that have an end of an observed flow. `read` has the
    world of the input after edits."""
    network = world.network
    names = GroupNames(network, groups(network), width)
    if rooms is None:
        ends = (names.of.get(e) for f in observed.passing for e in (f.source, f.target))
        rooms = frozenset(group.room for group in ends if group is not None)
    about = [f for f in observed.passing if _concerns(names, f, rooms)]
    sayable = [f for f in about if not names.unsayable(f, rooms)]
    cannot = [f for f in about if names.unsayable(f, rooms)]
    rooms = rooms if sayable else frozenset()
    closure = names.closure(observed.passing, rooms)
    before = [policy for _, policy in policy_objects(network)]
    policies = tuple(written(names, closure, rooms, before))
    other = read([policy.edit for policy in policies]) if policies else world
    other = other.beside(world) if other is not world else other
    regions = changes(world.blocks, other.blocks) if policies else ()
    beyond, unasked = _beyond(other, names, closure, rooms)
    return LeastPrivilege(
        observed,
        tuple(sorted(rooms)),
        policies,
        len(sayable),
        diff(world, other),
        tuple(
            f"{region.change.value}: {packet_text(other.network, region.after)}"
            for region in regions
            if region.change is not Became.LOST
        ),
        tuple(_stopped(other, sayable)),
        tuple(map(_text, cannot)),
        beyond,
        unasked,
        (*dict.fromkeys(map(str, pending(network.not_evaluated))), *_conditions(world)),
        tuple(_merged(names, rooms)),
        tuple(_in_hosts(world, rooms)),
        tuple(names.one_version(sayable, rooms)),
    )


def _concerns(names: GroupNames, flow: ObservedFlow, rooms: frozenset[Room]) -> bool:
    ends = (names.of.get(flow.source), names.of.get(flow.target))
    return any(end is not None and end.room in rooms for end in ends)


def _conditions(world: World) -> Iterable[str]:
    """What permits of today ask for and no header tells: a flow that passed may not have."""
    yield from (f"permitted only if {one}" for one in conditions_of(world.program))


def _in_hosts(world: World, rooms: frozenset[Room]) -> Iterable[str]:
    """Pods of these namespaces in the network of their host."""
    for end in world.network.endpoints:
        for name in end.aliases:
            tenant, _, rest = name.partition("/")
            if (tenant, rest.partition("/")[0]) in rooms:
                yield name


def _merged(names: GroupNames, rooms: frozenset[Room]) -> Iterable[str]:
    """Workloads that no label tells apart."""
    ends = names.network.endpoints
    for group in names.groups:
        workloads = sorted({ends[at].workload or ends[at].name for at in group.members})
        if group.room in rooms and len(workloads) > 1:
            yield f"{'/'.join(group.room)}: {', '.join(workloads)}"


def _rows(world: World, flows: Sequence[ObservedFlow]) -> Iterable[tuple[int, ...]]:
    for flow in flows:
        vrf = world.network.endpoints[flow.source].vrf
        yield vrf, flow.version, flow.src, flow.dst, flow.protocol, flow.dport, flow.sport


def _stopped(other: World, flows: Sequence[ObservedFlow]) -> Iterable[str]:
    """Rule 3."""
    if not flows:
        return
    packets = packets_of(_rows(other, flows))
    verdicts = Datapath.of(other).decide(packets)
    for row in np.flatnonzero(~verdicts.delivered).tolist():
        yield show(packets.flow(row))


def _text(flow: ObservedFlow) -> str:
    return show(packets_of([(0, *_header(flow))]).flow(0))


def _header(flow: ObservedFlow) -> tuple[int, ...]:
    return flow.version, flow.src, flow.dst, flow.protocol, flow.dport, flow.sport


def _beyond(
    other: World, names: GroupNames, closure: Closure, rooms: frozenset[Room]
) -> tuple[tuple[str, ...], str]:
    """Rule 4."""
    hosts = Hosts.of(other.blocks)
    inside = np.array(
        [at in names.of and names.of[at].room in rooms for at in hosts.endpoint], bool
    )
    rows = np.flatnonzero(inside)
    ports = np.array(interesting_ports(other.blocks)).reshape(-1, 2)
    if other.blocks.l4.fields.names:
        return (), "rules ask for more than addresses and ports"
    if len(rows) ** 2 * len(ports) > MOST_PACKETS:
        return (), f"{len(rows):,} addresses of pods on {len(ports):,} ports are too many to list"
    src, dst = (grid.ravel() for grid in np.meshgrid(rows, rows, indexing="ij"))
    own = hosts.endpoint[src] != hosts.endpoint[dst]
    same = own & (hosts.version[src] == hosts.version[dst])
    src, dst = src[same], dst[same]
    out: list[str] = []
    datapath = Datapath.of(other)
    step = max(1, STEP // max(1, len(ports)))
    for at in range(0, len(src), step):
        a, b = (np.repeat(column[at : at + step], len(ports)) for column in (src, dst))
        protocol, dport = np.tile(ports, (len(a) // len(ports), 1)).T
        packets = packets_between(hosts, a, b, protocol, np.full(len(a), 40000), dport, None)
        delivered = datapath.decide(packets).delivered
        for row in np.flatnonzero(delivered).tolist():
            flow = packets.flow(row)
            ends = int(hosts.endpoint[a[row]]), int(hosts.endpoint[b[row]])
            found = ObservedFlow(
                *ends, flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport
            )
            if not names.permits(closure, found, rooms):
                out.append(show(flow))
    return tuple(out), ""
