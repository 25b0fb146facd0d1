"""Expectations about addresses: `allow: "203.0.113.0/24 -> acme/edge/gateway:443/tcp"`.

Addresses (`fabric.values.address_sets`) stand for whoever owns any of them, in every VRF, and for
these addresses alone; of two sets for the IP versions that both have. Where one owner's addresses
are another's in the eyes of the other end (`sim.proof.pairs.counted_addresses`), an `allow` is
about that other owner, if there is one. Addresses that routes and policies treat alike are one
class (`sim.proof.routes.refinements`), so a class that the set touches says what happens to the
set's part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fabric.building.network import Network
from fabric.control.rewrites import refuse_rewrites, sources
from fabric.values.address_sets import AddressSet, addresses_in
from fabric.values.interval_sets import Intervals, touch
from fabric.values.ports import PortRange, sent
from sim.proof.pairs.counted_addresses import CountedAddresses
from sim.proof.pairs.reachability import Reach

Ends = tuple[Intervals | None, Intervals | None]
"""Source and destination addresses of one IP version; None where an end is not limited."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The addresses that source and destination are about; None where an end is not limited."""

    source: AddressSet | None = None
    target: AddressSet | None = None

    def __bool__(self) -> bool:
        """Whether an end is limited."""
        return self.source is not None or self.target is not None

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions that neither end lacks."""
        given = [end.versions for end in (self.source, self.target) if end is not None]
        return tuple(v for v in (4, 6) if all(v in versions for versions in given))

    def of(self, version: int) -> Ends:
        """The addresses of one IP version."""
        source, target = (None if e is None else e.of(version) for e in (self.source, self.target))
        return source, target

    def holds(self, version: int, source: Intervals, target: Intervals) -> bool:
        """Whether some of these addresses are inside."""
        pairs = zip((source, target), self.of(version), strict=True)
        return all(limit is None or touch(ranges, limit) for ranges, limit in pairs)


def limits_of(source: str, target: str) -> Limits | None:
    """The limits that the ends of an expectation set; None when they contradict each other."""
    found = Limits(addresses_in(source), addresses_in(target))
    return found if found.versions else None


def refuse_rewritten(network: Network, limits: Limits) -> None:
    """Nothing, unless destinations that are asked about become others on their way (C851)."""
    for version in limits.versions if limits.target is not None else ():
        asked = limits.of(version)[1] or ()
        if touch(asked, sources(network.moves, version)):
            refuse_rewrites(network.rewrites, "a question about their destinations")


def breaches(
    reach: Reach,
    kind: str,
    ports: tuple[PortRange, ...],
    limits: Limits,
    version: int,
    keys: list[int],
) -> Iterator[tuple[int, bool]]:
    """Which of these pairs of an IP version break an expectation within limits, and whether
    something gets through that must not."""
    n = len(reach.network.endpoints)
    forbidden = reach.space.touching(ports, kind == "only", version)
    needed = reach.space.touching(ports, version=version)
    coverage = CountedAddresses(reach.path_space)
    ends = [(*divmod(key // 2, n), version) for key in keys]
    if not any(inside(reach, limits, *p) for pair in ends for p in coverage.classes(*pair)):
        coverage = CountedAddresses(reach.path_space, strict=False)
    for key in keys:
        src, dst = divmod(key // 2, n)
        cells = reach.cells_of(src, dst, version, every=True)
        found = {
            pair: cell
            for pair, cell in zip(reach.classes(cells), cells.tolist(), strict=True)
            if inside(reach, limits, *pair)
        }
        if kind != "allow":
            open_ = reach.sets[reach.cells.some[list(found.values())]]
            if (open_ & forbidden).any():
                yield key, True
        if kind != "deny" and any(sent(r.protocol, version) for r in ports):
            wanted = [p for p in coverage.classes(src, dst, version) if inside(reach, limits, *p)]
            sure = [reach.sets[reach.cells.sure[found[p]]] for p in wanted if p in found]
            if len(sure) < len(wanted) or any((needed & ~s).any() for s in sure):
                yield key, False


def inside(reach: Reach, limits: Limits, src_class: int, dst_class: int) -> bool:
    """Whether two classes hold addresses within the limits."""
    if not limits:
        return True
    version, *_ = reach.refinements.bounds(src_class)
    return limits.holds(version, *map(reach.refinements.ranges, (src_class, dst_class)))
