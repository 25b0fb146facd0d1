"""Walk the groups of a program entry by entry, as a DPU does, for one packet.

Slower than `sim.blocks.blocks`, and built from nothing but the groups: this is the yardstick
between `semantics` (policies) and `blocks` (arrays), and what `explain` shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.policy.ir import Action, Packet, Stage, Verdict
from compiler.program.program import ANY_VRF, Entry, Group, Intervals, Program
from fabric.ports import ANY


def walk(program: Program, packet: Packet) -> Iterator[tuple[Group, Entry]]:
    """The entry that decides each group, up to and including the one that ends the evaluation."""
    for group in program.bound(packet.direction, packet.local):
        entry = next((e for e in group.entries if entry_matches(e, packet)), group.default_entry)
        yield group, entry
        if entry.action is not Action.PERMIT:
            return


def verdict(program: Program, packet: Packet) -> Verdict:
    """The walk as a verdict, comparable with `semantics.decide`."""
    matched: dict[Stage, Entry] = {group.stage: entry for group, entry in walk(program, packet)}
    causes = {stage: program.origins[entry.origin] for stage, entry in matched.items()}
    denied = [stage for stage, entry in matched.items() if entry.action is Action.DENY]
    return Verdict(not denied, denied[0] if denied else None, causes)


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
        for l4 in entry.l4
    )


def inside(intervals: Intervals, value: int) -> bool:
    """Whether any interval holds the value."""
    return any(low <= value <= high for low, high in intervals)
