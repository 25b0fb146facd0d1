"""What lists do with packets of connections that are known already: the same as those that would be
written now.

First packets are held against the groups (`sim.round_trip.same_lists`). What keeps replies alive is
the format's own matter: which entries ask for the state of connections, and which protocols have
none. So lists are asked beside lists here, both by their definition, one packet of each class that
any of both tell apart. Files whose bytes are those that would be written are equal without asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import chain

from compiler.imports.acl_verdict import AclPacket
from compiler.imports.device_facts import Device
from compiler.policy.ir import Direction
from compiler.program.program import Intervals, Program
from fabric.values.inventory import Endpoint
from sim.round_trip.same_ends import own
from sim.round_trip.same_lists import WAYS, Held, Lists, cuts_of, packets, within_starts

KNOWN = ("established", "related", "invalid")
"""States of packets that are no first ones."""


@dataclass(frozen=True, slots=True)
class AsWritten:
    """Devices as they were read, and as they would be written, by name."""

    read: Mapping[str, Device]
    fresh: Mapping[str, Device]

    def differing(
        self, program: Program, names: Mapping[int, Mapping[int, str]], same: Iterable[str]
    ) -> Iterator[str]:
        """Where packets of known connections fare otherwise; `same` are devices that need not be
        asked."""
        skipped = {*same}
        for node, mine in names.items():
            name = program.network.fabric.nodes[node].name
            if name in skipped:
                continue
            ends = [end for end in program.ends_at(node) if end.index in mine]
            for end, has in zip(ends, own(program.network, ends, node), strict=True):
                for direction in Direction:
                    for version in (4, 6):
                        if has[version]:
                            way = WAYS[direction]
                            sides = (
                                Lists.of(self.read.get(name), mine[end.index], way, version),
                                Lists.of(self.fresh.get(name), mine[end.index], way, version),
                            )
                            yield from at_end(end, name, direction, version, has[version], sides)


def at_end(
    end: Endpoint, node: str, direction: Direction, version: int, has: Intervals,
    sides: tuple[Lists | None, Lists | None],
) -> Iterator[str]:  # fmt: skip
    """Where the lists of an endpoint say otherwise in one direction and family."""
    entries = [entry for lists in sides if lists for entry in lists.entries]
    leaves = direction is Direction.OUT
    near, far = ("source", "destination") if leaves else ("destination", "source")
    kind = IPv4Address if version == 4 else IPv6Address
    remotes = sorted(
        c for c in {0, *cuts_of(entries, far, version)} if c < 1 << (32 if version == 4 else 128)
    )
    seen: set[object] = set()
    for mine in within_starts(has, cuts_of(entries, near, version)):
        for remote in remotes:
            source, target = kind(mine if leaves else remote), kind(remote if leaves else mine)
            speak = [lists.about(source, target) if lists else [] for lists in sides]
            key = tuple(id(entry) for entry in chain.from_iterable(chain(*speak)))
            if key in seen:
                continue
            seen.add(key)
            told = [(e.protocol, e.sports, e.dports) for e in chain.from_iterable(chain(*speak))]
            held = [
                Held(lists, s) if lists else None for lists, s in zip(sides, speak, strict=True)
            ]
            for protocol, sport, dport in packets([], told):
                for state in KNOWN:
                    packet = AclPacket(source, target, protocol, sport, dport, state)
                    read, fresh = (one.verdict(packet) if one else "nothing" for one in held)
                    if read != fresh:
                        way = f"to {target}" if leaves else f"from {source}"
                        yield (
                            f"{end.name} at {node} {way}, protocol {protocol}, ports {sport} to "
                            f"{dport}, {state}: {fresh}, and as read {read}"
                        )
