"""Who is where in what was written and read back: every endpoint behind the interface that was
written for it, with the addresses that it has at its VTEP, and nobody else.

What was read has VRFs by device; the parts of an endpoint that lists tell apart are its together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from compiler.imports.sites.site import UNSEEN, ImportedSite
from compiler.imports.sites.unseen import OUTSIDE
from compiler.program.at_home import at_home, held
from compiler.program.program import Intervals, Program
from fabric.building.network import Network
from fabric.control.fib import Fib
from fabric.values.interval_sets import union
from fabric.values.inventory import Endpoint

At = tuple[str, str]
"""A node and an interface of it, or a VRF on it."""


@dataclass(frozen=True, slots=True)
class Both:
    """A program and what was read of what it wrote. `names` are the interfaces of its endpoints by
    node, `vrfs` the numbers of VRFs of the site by node and name."""

    program: Program
    site: ImportedSite
    names: Mapping[int, Mapping[int, str]]
    vrfs: Mapping[At, int]

    @staticmethod
    def of(program: Program, site: ImportedSite, names: Mapping[int, Mapping[int, str]]) -> Both:
        """The two of them side by side."""
        split = (vrf.name.partition("/") for vrf in site.network.vrfs)
        vrfs = {(node, name): number for number, (name, _, node) in enumerate(split)}
        return Both(program, site, names, vrfs)

    @property
    def network(self) -> Network:
        """The network that was written."""
        return self.program.network

    def node(self, number: int) -> str:
        """A node's name, which is that of its device."""
        return self.network.fabric.nodes[number].name

    def vrf(self, number: int) -> str:
        """What a VRF is called on devices."""
        return f"vrf{self.network.vrfs[number].vni}"

    def device(self, name: str) -> int | None:
        """The number of a device in the site."""
        nodes = self.site.network.fabric.nodes
        return next((n.index for n in nodes if n.name == name != UNSEEN), None)


Addresses = dict[int, Intervals]
"""By family."""


def own(network: Network, ends: list[Endpoint], node: int) -> list[Addresses]:
    """What each of some endpoints of a node sends from there."""
    found = at_home(network, ends, held(network, ends), node)
    return [dict(found[end.index]) for end in ends]


def differing_ends(both: Both, evenly: Fib) -> Iterator[str]:
    """Where somebody else is, or somebody has other addresses than as routes over an even underlay
    stand."""
    written = replace(both.network, fib=evenly)
    found: dict[tuple[str, str, str], list[Addresses]] = defaultdict(list)
    by_node: dict[int, list[Endpoint]] = defaultdict(list)
    for end in both.site.network.endpoints:
        if end.workload != OUTSIDE:
            by_node[end.vtep].append(end)
    for number, ends in by_node.items():
        name = both.site.network.fabric.nodes[number].name
        for end, mine in zip(ends, own(both.site.network, ends, number), strict=True):
            vrf = both.site.network.vrfs[end.vrf].name.partition("/")[0]
            found[name, vrf, end.workload or ""].append(mine)
    for node, names in both.names.items():
        here = [end for end in both.program.ends_at(node) if end.index in names]
        for end, mine in zip(here, own(written, here, node), strict=True):
            place = both.node(node), both.vrf(end.vrf), names[end.index]
            parts = found.pop(place, [])
            for version in (4, 6):
                read = union(*(part[version] for part in parts))
                if read != mine[version]:
                    yield (
                        f"{end.name} at {place[0]} has {told(mine[version], version)}, "
                        f"and {place[2]} was read with {told(read, version)}"
                    )
    for node_name, vrf, interface in sorted(found):
        if any(any(part.values()) for part in found[node_name, vrf, interface]):
            yield f"{vrf}/{node_name}/{interface} was read, and nobody was written there"


def told(addresses: Intervals, version: int) -> str:
    """The first of some addresses and how many there are, for a message."""
    if not addresses:
        return f"no address of IPv{version}"
    first = (IPv4Address if version == 4 else IPv6Address)(addresses[0][0])
    more = sum(high - low + 1 for low, high in addresses) - 1
    return f"{first}" + (f" and {more:,} more" if more else "")
