"""Two worlds that are to be compared, built alike.

Which IP versions pods of manifests have is assumed where no status says it: IPv6 too when anything
speaks of it. A policy that is the first to do so would give every pod an address and change
everything; so two clusters are compared with the versions that either of them speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cloison.loading.how import How
from cloison.views.world import World
from fabric.building.cluster import is_cluster


def both(make: Sequence[Callable[[How], World]], how: How) -> list[World]:
    """The worlds that these functions make."""
    from compiler.passes.resolve import side_by_side

    with side_by_side():
        worlds = [one(how) for one in make]
    if all(is_cluster(world.network) for world in worlds):
        versions = {frozenset(_assumed(world)) for world in worlds} - {frozenset()}
        if len(versions) > 1:
            return [one(replace(how, dual=True)) for one in make]
    return worlds


def _assumed(world: World) -> set[int]:
    """IP versions of addresses that were assumed."""
    ends = (e for e in world.network.endpoints if "address" in e.assumed)
    return {prefix.version for e in ends for prefix in e.prefixes}
