"""Walk the groups of a program entry by entry, as a DPU does, for one packet.

Slower than `sim.blocks.blocks`, and built from nothing but the groups: this is the yardstick
between `semantics` (policies) and `blocks` (arrays), and what `explain` shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.policy.fields import hold
from compiler.policy.ir import Action, Condition, Packet, Stage, Verdict
from compiler.policy.stages import Combine, To, leads
from compiler.program.program import ANY_VRF, Entry, Group, Intervals, Program
from compiler.requests.asked_requests import any_of
from fabric.values.ports import ANY


def walk(
    program: Program, packet: Packet, without: int | None = None
) -> Iterator[tuple[Group, Entry]]:
    """The entry that decides each group, up to and including the one that ends the evaluation; as
    if there were no entries of origin `without`."""
    goes, stages, at = leads(program.stages), program.stages, 0
    for group in program.bound(packet.direction, packet.local):
        place = stages.index(group.stage)
        if place < at:
            continue
        found = (e for e in group.entries if e.origin != without and entry_matches(e, packet))
        entry = next(found, group.default_entry)
        yield group, entry
        at = goes[place][entry.action]


def behind(group: Group, entry: Entry, packet: Packet) -> tuple[Entry, ...]:
    """The entries that stand behind what `entry` decided: itself; where all rules count, every one
    that matches and says the same."""
    if group.stage.combine is Combine.FIRST_MATCH or entry is group.default_entry:
        return (entry,)
    alike = (e for e in group.entries if e.action is entry.action)
    return tuple(e for e in alike if entry_matches(e, packet))


def verdict(program: Program, packet: Packet) -> Verdict:
    """The walk as a verdict, comparable with `semantics.decide`."""
    matched: dict[Stage, tuple[Entry, ...]] = {}
    denied: Stage | None = None
    for group, entry in walk(program, packet):
        matched[group.stage] = behind(group, entry, packet)
        if group.stage.doing(entry.action).to is To.DROP:
            denied = group.stage
    causes = {
        stage: tuple(dict.fromkeys(program.origins[entry.origin] for entry in entries))
        for stage, entries in matched.items()
    }
    besides = {c for entries in matched.values() for c in required(entries)}
    return Verdict(denied is None, denied, causes, tuple(sorted(besides)))


def required(entries: tuple[Entry, ...]) -> tuple[Condition, ...]:
    """What must hold where several entries say the same: nothing if one asks for nothing; any of
    permits that are the last word is enough, of others all that they ask for."""
    if not all(entry.conditions for entry in entries):
        return ()
    if entries[0].action is Action.PERMIT_FINAL:
        return any_of([entry.conditions for entry in entries])
    return tuple(sorted({c for entry in entries for c in entry.conditions}))


def entry_matches(entry: Entry, packet: Packet) -> bool:
    """Whether one region and one L4 range of the entry hold the packet."""
    return any(
        region.vrf in (ANY_VRF, packet.remote_vrf)
        and inside(region.v4 if packet.version == 4 else region.v6, packet.remote_ip)
        for region in entry.regions
    ) and any(
        l4.protocol in (ANY, packet.protocol)
        and l4.sport[0] <= packet.sport <= l4.sport[1]
        and l4.dport[0] <= packet.dport <= l4.dport[1]
        and hold(l4.fields, packet.fields)
        for l4 in entry.l4
    )


def inside(intervals: Intervals, value: int) -> bool:
    """Whether any interval holds the value."""
    return any(low <= value <= high for low, high in intervals)
