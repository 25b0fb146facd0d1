"""Of members of a class that fare alike a few are asked about where pairs of endpoints are many,
and each pair that is asked about stands for others.

Stand-ins (`sim.proof.routes.stand_ins`) are within one class of `sim.diff.peers`: what passes
between two of them passes between all that they stand for, so that sums over asked pairs are those
over all pairs. Whoever is compared by address, or has several addresses of a family, stands for
nobody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.diff.peers import Class
from sim.proof.crowded import LISTED
from sim.proof.pairs.reachability import Bits, Reach, reach_between
from sim.proof.routes.own_nodes import OwnNodes
from sim.proof.routes.paths import Column, PathSpace, owns_prefix
from sim.proof.routes.stand_ins import StandIns
from sim.worlds.world import World


def reach_of_classes(
    world: World, space: PathSpace, classes: Sequence[Class], where: Collection[tuple[str, str]]
) -> Reach:
    """What stand-ins of these classes can reach, in these pairs of VRFs; of few pairs everybody."""
    if _pairs(world, where) > LISTED:
        own = world.program.once(OwnNodes.of)
        stand_ins = StandIns.among(world.blocks, [_told(world, classes)], own)
        space = replace(space, stand_ins=stand_ins)
    return reach_between(world, space, where)


def stood_for(reach: Reach) -> tuple[Column, Column]:
    """How many pairs of different endpoints each of `reach.pairs` stands for: without those of a
    node and a pod of its host, and of these."""
    src, dst = reach.pairs.src, reach.pairs.dst
    if not len(src):
        return src, src
    stand_ins = reach.stand_ins
    if stand_ins is None:
        hosted = reach.network.once(_every_host).own(src, dst).astype(np.int64)
        return 1 - hosted, hosted
    total, own = stand_ins.pairs(src, dst), np.zeros(len(src), np.bool_)
    if stand_ins.own is not None:
        own = stand_ins.own.own(src, dst)
    here = np.where(own, total, _here(reach.network, stand_ins, src, dst))
    return total - here, here


def members_of(reach: Reach, end: Column) -> Column:
    """How many endpoints each of some stands for."""
    if not len(end):
        return end
    stand_ins = reach.stand_ins
    if stand_ins is None:
        return np.ones(len(end), np.int64)
    return np.bincount(stand_ins.of)[stand_ins.of[end]]


def alike(reach: Reach, a: int, b: int) -> tuple[int, ...]:
    """What is equal for pairs of endpoints of which one may stand for the other."""
    stand_ins = reach.stand_ins
    if stand_ins is None:
        return a, b
    own = stand_ins.own is not None and bool(stand_ins.own.own(np.array([a]), np.array([b]))[0])
    return int(stand_ins.of[a]), int(stand_ins.of[b]), int(own)


def outer_ends(world: World) -> Bits:
    """Which endpoints of a world are compared by address."""
    return np.array([is_outside(e) for e in world.network.endpoints], np.bool_)


def is_outside(endpoint: Endpoint) -> bool:
    """Whether an endpoint is compared by address: zones, and whatever owns whole prefixes."""
    return endpoint.kind == "zone" or owns_prefix(endpoint)


def _pairs(world: World, where: Collection[tuple[str, str]]) -> int:
    """How many pairs of endpoints there are in these pairs of VRFs, whether routes join them or
    not."""
    members = np.bincount(world.blocks.endpoint_vrf, minlength=len(world.network.vrfs)).tolist()
    count = {vrf.name: members[vrf.index] for vrf in world.network.vrfs}
    return sum(count.get(a, 0) * count.get(b, 0) for a, b in where)


def _told(world: World, classes: Sequence[Class]) -> Column:
    """A number for each endpoint, equal for those whose addresses are of the same classes."""
    of: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(classes):
        for unit in one.units:
            of[unit.endpoint].append(number)
    alone = world.once(outer_ends)
    known: dict[tuple[int, ...], int] = {}
    out = np.zeros(len(alone), np.int64)
    for e in world.network.endpoints:
        if alone[e.index] or len({p.version for p in e.prefixes}) < len(e.prefixes):
            out[e.index] = -1 - e.index
        else:
            out[e.index] = known.setdefault(tuple(of[e.index]), len(known))
    return out


def _every_host(network: Network) -> OwnNodes:
    """Nodes and all pods of their hosts, whatever policies say of them."""
    names: dict[object, int] = {}
    host = [
        -1 if e.host is None else names.setdefault((e.tenant, e.host), len(names))
        for e in network.endpoints
    ]
    node = [e.kind == "node" and e.host is not None for e in network.endpoints]
    none = np.zeros((0, len(host)), np.int64)
    return OwnNodes(none, np.array(host, np.int64), np.array(node, np.bool_))


def _here(network: Network, stand_ins: StandIns, src: Column, dst: Column) -> Column:
    """How many pairs of a node and a pod of its host some pairs of stand-ins stand for, that are
    not asked about apart."""
    nodes, pods = network.once(_every_host).pairs(np.arange(len(stand_ins.of)))
    if stand_ins.own is not None:
        apart = ~stand_ins.own.own(nodes, pods)
        nodes, pods = nodes[apart], pods[apart]
    keys, count = np.unique(_key(stand_ins, nodes, pods), return_counts=True)
    if not len(keys):
        return np.zeros(len(src), np.int64)
    wanted = _key(stand_ins, src, dst)
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    here: Column = np.where(keys[found] == wanted, count[found], 0)
    return here


def _key(stand_ins: StandIns, src: Column, dst: Column) -> Column:
    """A number for each pair, equal where both ends are of the same classes."""
    key: Column = stand_ins.of[src] * len(stand_ins) + stand_ins.of[dst]
    return key
