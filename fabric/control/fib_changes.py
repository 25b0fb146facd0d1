"""What two FIBs of one network have in common: two versions, or before and after a failure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabric.control.fib import Fib

I32 = NDArray[np.int32]


def moved(before: Fib, after: Fib) -> frozenset[int]:
    """VRFs of which an instance has other next hops for some prefix; all of them where the two are
    not of the same instances and prefixes."""
    vrfs = frozenset(range(len(after.vrf_routes)))
    if not alike(before, after):
        return vrfs
    tables = zip(before.vrf_routes, after.vrf_routes, strict=True)
    found = {vrf for vrf, (was, now) in enumerate(tables) if was is not now}
    if len(found) == len(vrfs):
        return vrfs
    number, same = renumbered(before, after), numbers_kept(before, after)
    for (_, vrf), a, b in zip(after.instances, before.chosen, after.chosen, strict=True):
        if vrf not in found and not (same and a is b) and not np.array_equal(number[a], b):
            found.add(vrf)
    return vrfs & found


def alike(before: Fib, after: Fib) -> bool:
    """Whether both are of the same instances, and each of one version."""
    return before.instances == after.instances and not (before.versions or after.versions)


def numbers_kept(before: Fib, after: Fib) -> bool:
    """Whether next-hop sets of `before` have the same numbers in `after`."""
    return after.nexthop_sets[: len(before.nexthop_sets)] == before.nexthop_sets


def renumbered(before: Fib, after: Fib) -> I32:
    """The number in `after` of each next-hop set of `before`, -2 where it has no such set, and a
    last element -1 for none."""
    if numbers_kept(before, after):
        return np.append(np.arange(len(before.nexthop_sets), dtype=np.int32), np.int32(-1))
    numbers = {hops: number for number, hops in enumerate(after.nexthop_sets)}
    return np.array([*(numbers.get(hops, -2) for hops in before.nexthop_sets), -1], np.int32)
