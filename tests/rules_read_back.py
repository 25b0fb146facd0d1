"""What the rule set of a VTEP decides, as nft reads it back, against the groups of the program, for
all first packets of its endpoints.

Packets are in classes of both sides: addresses and ports are cut wherever a region of a group, a
route, or any address or port in the text of the rule set begins or ends; of each class one packet
goes through the rule set as the kernel takes it (`compiler.imports.nft.verdict`). A packet comes
out of the tunnel of the VTEP behind which its sender lies, and once more out of another one's, whom
nobody believes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network

from compiler.imports.nft.commands import Building
from compiler.imports.nft.nft_text import TextReading
from compiler.imports.nft.rule_set import NftRuleSet
from compiler.imports.nft.verdict import NftPacket, decide
from compiler.policy.ir import Direction
from compiler.program.program import Group, Intervals, Program
from fabric.control.fib import ranges
from fabric.diagnostics import Diagnostics
from fabric.values.inventory import Endpoint
from sim.round_trip.same_ends import own
from sim.round_trip.same_lists import SameLists, packets, speaks

ADDRESS = re.compile(r"(?<![\w.:])([0-9a-f:.]*[.:][0-9a-f:.]*[0-9a-f:])(/\d+)?(?![\w:])")
PORTS = re.compile(r"th [sd]port (\{[^}]*\}|[\d-]+)")
OTHER = "ep-other"
"""An interface of nobody's: whoever is behind it is at the same VTEP."""
NO_MAC = 0x02_FF_FF_FF_FF_FF


def rule_set(name: str, text: str) -> NftRuleSet:
    """A rule set, as nft reads its text. Raises `InputError` for what is none."""
    found = Diagnostics()
    rules = Building(found).carry_out([*TextReading(name, text, found).commands()])
    found.check()
    return rules


def cuts(text: str) -> tuple[dict[int, set[int]], set[int]]:
    """Where addresses of a text begin and end, by family, and so its ports."""
    addresses: dict[int, set[int]] = {4: {0}, 6: {0}}
    for found in ADDRESS.finditer(text):
        try:
            network = ip_network(f"{found[1]}{found[2] or ''}", strict=False)
        except ValueError:
            continue
        first, last = int(network[0]), int(network[-1])
        addresses[network.version] |= {first, last + 1}
    numbers = {int(n) for found in PORTS.finditer(text) for n in re.findall(r"\d+", found[1])}
    return addresses, {edge for n in numbers for edge in (n, n + 1)}


def differing_rules(
    program: Program, node: int, text: str, mac_of: dict[tuple[int, int], str]
) -> Iterator[str]:
    """Where the rule set of a VTEP decides otherwise; `mac_of` has the MAC of the tunnel of each
    other VTEP by VTEP and VRF."""
    compared = SameLists(program, ())
    ends = list(program.ends_at(node))
    rules, constants = rule_set(program.network.fabric.nodes[node].name, text), cuts(text)
    for end, home in zip(ends, own(program.network, ends, node), strict=True):
        for direction in Direction:
            groups = [*program.own(direction, end.index)]
            for version in (4, 6):
                if home[version]:
                    at = RulesOf(compared, rules, constants, node, end, direction, version, mac_of)
                    yield from at.differing(groups, home[version])


class RulesOf:
    """What a rule set says of one endpoint, direction and family."""

    def __init__(
        self, compared: SameLists, rules: NftRuleSet,
        constants: tuple[dict[int, set[int]], set[int]], node: int, end: Endpoint,
        direction: Direction, version: int, mac_of: dict[tuple[int, int], str],
    ) -> None:  # fmt: skip
        self.compared, self.rules, self.node, self.end = compared, rules, node, end
        self.direction, self.version, self.mac_of = direction, version, mac_of
        self.addresses, self.ports = constants

    def differing(self, groups: Sequence[Group], home: Intervals) -> Iterator[str]:
        """Every class of packets of which it says otherwise."""
        found = ranges(self.compared.program.network.fib, self.node, self.end.vrf, self.version)
        edges = {*self.addresses[self.version], *(e for (a, b), _ in found for e in (a, b + 1))}
        for group in groups:
            for entry in group.entries:
                for region in entry.regions:
                    for low, high in region.v4 if self.version == 4 else region.v6:
                        edges |= {low, high + 1}
        top = 1 << (32 if self.version == 4 else 128)
        for remote in sorted(edge for edge in edges if edge < top):
            for into, mac, behind in self._makes(remote):
                yield from self._between(groups, home[0][0], remote, into, mac, behind)

    def _makes(self, remote: int) -> Iterator[tuple[str, int | None, int | None]]:
        """The ways on which packets come, by interface and MAC, and the VRF behind which the remote
        lies on each; of what leaves, where its route leads first."""
        fib, vrf = self.compared.program.network.fib, f"vx{self.end.vrf}"
        (number,) = fib.lookup_many(self.node, self.end.vrf, self.version, [remote]).tolist()
        hops = () if number < 0 else fib.nexthop_sets[number]
        if self.direction is Direction.OUT:
            yield f"ep{self.end.index}", None, hops[0].vrf if hops else None
            return
        ways: dict[tuple[str, int | None], int | None] = {(vrf, NO_MAC): None}
        for hop in hops:
            mac = self.mac_of[hop.vtep, self.end.vrf] if hop.vtep != self.node else None
            way = (OTHER, None) if mac is None else (vrf, int(mac.replace(":", ""), 16))
            ways.setdefault(way, hop.vrf)
        for (into, mac_number), behind in ways.items():
            yield into, mac_number, behind

    def _between(
        self, groups: Sequence[Group], mine: int, remote: int, into: str, mac: int | None,
        behind: int | None,
    ) -> Iterator[str]:  # fmt: skip
        """All packets between two addresses, on one way."""
        asked = [
            (g, [e for e in g.entries if speaks(e, behind, self.version, remote)]) for g in groups
        ]
        limits = [l4 for _, entries in asked for entry in entries for l4 in entry.l4]
        every = tuple((p, p) for p in sorted(self.ports) if p < 65536)
        leaves = self.direction is Direction.OUT
        source, target = (mine, remote) if leaves else (remote, mine)
        out = f"vx{self.end.vrf}" if leaves else f"ep{self.end.index}"
        for protocol, sport, dport in packets(
            [(r.protocol, r.sport, r.dport) for r in limits], [(-1, (), every)]
        ):
            through = behind is not None and self.compared.passes(asked, protocol, sport, dport)
            wanted = "permit" if through else "deny"
            packet = NftPacket(
                self.version, protocol, source, target, sport, dport, into, out, smac=mac
            )
            said = decide(self.rules, packet).said
            if said != wanted:
                yield self._told(packet, wanted, said)

    def _told(self, packet: NftPacket, wanted: str, said: str) -> str:
        kind = IPv4Address if self.version == 4 else IPv6Address
        source, target = kind(packet.source), kind(packet.destination)
        return (
            f"{self.end.name}: {source} to {target}, protocol {packet.protocol}, ports "
            f"{packet.sport} to {packet.dport}, in by {packet.into}: {wanted}, and as read {said}"
        )
