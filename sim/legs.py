"""Legs: every way in which the routes carry an address range from a source to a VTEP.

One row per (source endpoint, destination span, next hop) that has a route, per source VRF. This is
steps 1 to 3 of the datapath without the policies:

1. the source's FIB maps the destination to a set of next hops (VTEP, VRF);
2. the underlay carries the packet to that VTEP, or drops it;
3. there the destination must belong to an endpoint that lives at this VTEP; the source address must
   have a route back through the VTEP that sent the packet, and that route names the VRF behind
   which the source is seen.

`drop` is a `Reason`: DELIVERED up to the receiving policy, or UNDERLAY_DROP, ENI_MISS_DROP,
PA_VALIDATION_DROP. A leg holds one range of source addresses as well as one of destinations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.blocks import Blocks
from compiler.ir import Direction
from fabric.network import Network
from sim.reasons import Reason
from sim.spans import Spans, expand

Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Legs:
    """Columns. `hop` indexes `set_vtep`/`set_vrf`, `hops` is the size of its set; `dst` is -1 when
    nobody owns the destination there; `out_key` and `in_key` name rows of the policy blocks."""

    src: Column
    dst: Column
    version: Column
    src_span: Column
    dst_span: Column
    hop: Column
    hops: Column
    drop: Column
    back_vrf: Column
    out_key: Column
    in_key: Column

    def __len__(self) -> int:
        return len(self.src)

    def take(self, rows: Column) -> Legs:
        """The rows that an index or mask selects."""
        return Legs(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def concat(parts: list[Legs]) -> Legs:
        """All rows, in order."""
        if not parts:
            return Legs(*(np.zeros(0, np.int64) for _ in fields(Legs)))
        return Legs(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Legs)))


@dataclass(frozen=True, slots=True)
class World:
    """What legs are computed from. `underlay[a, b]`: node b is reachable from node a."""

    network: Network
    blocks: Blocks
    spans: Spans
    underlay: NDArray[np.bool_]

    @staticmethod
    def of(network: Network, blocks: Blocks) -> World:
        """A world of a network and its compiled policy."""
        n = len(network.fabric.nodes)
        reach = np.diff(np.asarray(network.underlay.hop_off)).reshape(n, n) > 0
        reach |= np.eye(n, dtype=bool)
        return World(network, blocks, Spans(blocks.addresses), reach)

    def routes(self, vrf: int) -> tuple[Column, Column]:
        """Endpoints of a VRF and their next-hop sets by atom, [endpoints, atoms], -1 for none."""
        b = self.blocks
        members = np.flatnonzero(b.endpoint_vrf == vrf)
        instance = b.inst_of[b.endpoint_vtep[members], vrf][:, None]
        cells = b.fib_off[instance] + np.arange(b.addresses.count(vrf))
        if not len(b.fib):
            return members, np.full(cells.shape, -1)
        return members, np.where(instance >= 0, np.take(b.fib, cells, mode="clip"), -1)


def legs(world: World, vrf: int) -> Iterator[Legs]:
    """The legs of every source in `vrf`, per VRF in which they arrive; source spans joined in."""
    b = world.blocks
    members, sets = world.routes(vrf)
    source, atom = np.nonzero(sets >= 0)
    chosen = sets[source, atom]
    count = b.set_off[chosen + 1] - b.set_off[chosen]
    row, hop = expand(b.set_off[chosen], count)
    source, atom, hops = members[source[row]], atom[row], count[row]
    arrives = b.set_vrf[hop]
    for egress in np.unique(arrives).tolist():
        here = np.flatnonzero(arrives == egress)
        yield _arrive(world, vrf, egress, source[here], atom[here], hop[here], hops[here])


def _arrive(
    world: World, vrf: int, egress: int, src: Column, atom: Column, hop: Column, hops: Column
) -> Legs:
    b = world.blocks
    ref = world.spans.of(vrf, egress)
    row, span = expand(ref.off[atom], ref.off[atom + 1] - ref.off[atom])
    src, atom, hop, hops = src[row], atom[row], hop[row], hops[row]
    owner = b.addresses.endpoint[b.addresses.base[egress] + ref.atom_b[span]]
    at = b.set_vtep[hop]
    drop = np.where(
        (owner < 0) | (b.endpoint_vtep[owner] != at), Reason.ENI_MISS_DROP, Reason.DELIVERED
    )
    drop = np.where(world.underlay[b.endpoint_vtep[src], at], drop, Reason.UNDERLAY_DROP)
    block = b.ep_block[Direction.OUT, src]
    cell = atom * int(b.remote_count[vrf]) + int(b.remote_index[vrf, egress])
    out_key = row_key(b, block, cell)
    version = np.where(span < ref.n_v4, 4, 6)
    none = np.full(len(src), -1, np.int64)
    columns = Legs(src, owner, version, none, span + ref.base, hop, hops, drop, none, out_key, none)
    return _with_sources(world, vrf, egress, columns.take(owner != src))


def _with_sources(world: World, vrf: int, egress: int, rows: Legs) -> Legs:
    """Join the source's own address spans and check the way back."""
    b = world.blocks
    ref = world.spans.of(vrf, egress)
    owner = b.addresses.endpoint[b.addresses.base[vrf] + ref.atom_a]
    is_v6 = np.arange(len(ref)) >= ref.n_v4
    key = np.where(owner >= 0, owner * 2 + is_v6, -1)
    order = np.argsort(key, kind="stable")
    wanted = rows.src * 2 + (rows.version == 6)
    first = np.searchsorted(key[order], wanted, "left")
    last = np.searchsorted(key[order], wanted, "right")
    row, position = expand(first, last - first)
    span = order[position]
    joined = rows.take(row)
    back = _way_back(world, vrf, egress, joined, ref.atom_b[span])
    drop = np.where(
        (joined.drop == Reason.DELIVERED) & (back < 0), Reason.PA_VALIDATION_DROP, joined.drop
    )
    block = b.ep_block[Direction.IN, joined.dst]
    cell = ref.atom_b[span] * int(b.remote_count[egress]) + b.remote_index[egress, back]
    in_key = np.full(len(drop), -1, np.int64)
    good = drop == Reason.DELIVERED
    in_key[good] = row_key(b, block[good], cell[good])
    return Legs(
        joined.src,
        joined.dst,
        joined.version,
        span + ref.base,
        joined.dst_span,
        joined.hop,
        joined.hops,
        drop,
        back,
        joined.out_key,
        in_key,
    )


def _way_back(world: World, vrf: int, egress: int, rows: Legs, atom: Column) -> Column:
    """The VRF behind which the receiver sees the source, -1 without a route through its VTEP. Of
    several next hops at that VTEP the source's own VRF is preferred, then the first."""
    b = world.blocks
    out = np.full(len(rows), -1, np.int64)
    instance = b.inst_of[b.set_vtep[rows.hop], egress]
    known = np.flatnonzero((rows.drop == Reason.DELIVERED) & (instance >= 0))
    chosen = b.fib[b.fib_off[instance[known]] + atom[known]]
    known, chosen = known[chosen >= 0], chosen[chosen >= 0]
    row, hop = expand(b.set_off[chosen], b.set_off[chosen + 1] - b.set_off[chosen])
    via = b.set_vtep[hop] == b.endpoint_vtep[rows.src[known[row]]]
    row, hop = row[via], hop[via]
    order = np.lexsort((hop, b.set_vrf[hop] != vrf, row))
    row, hop = row[order], hop[order]
    best = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, bool)
    out[known[row[best]]] = b.set_vrf[hop[best]]
    return out


def row_key(blocks: Blocks, block: Column, cell: Column) -> Column:
    """The row of a block that decides a cell, as one integer: block and cell class."""
    cls = blocks.cell_class[blocks.cell_off[block] + cell]
    return (block.astype(np.int64) << 16) | cls
