"""Where a captured packet enters the fabric: frames → packets of a network.

In this order:

1. A VXLAN frame names a VRF by its VNI. That VRF is the packet's own if the source address is an
   endpoint's there. Else the packet was leaked: VNIs are those of the destination, and the source
   is looked for in the VRFs that have endpoints behind the outer source VTEP.
2. A plain frame belongs to the one VRF in which its source address is an endpoint's own single
   address; without such a VRF, to the one in which its source lies in an endpoint's prefix.
3. What remains (unknown, or the same address in several tenants) belongs to the VRF where it
   answers (`sim.pipeline.conversations`), else to the one that the caller names, if any. Otherwise
   the packet has an unknown source, and is counted as such.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import further
from fabric.building.network import Network, refuse_anycast
from fabric.control.rewrites import refuse_rewrites
from fabric.values.ports import WITH_PORTS
from sim.blocks.numbering import same_rows
from sim.packets import carried, decode
from sim.packets.decode import Decoded
from sim.packets.headers import Packets
from sim.packets.icmp import ERROR, OTHER, REPLY, REQUEST, Marks
from sim.packets.pcap import Batch
from sim.pipeline.conversations import Conversations
from sim.pipeline.tables import Tables, tables_of
from sim.worlds.world import World

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Packets with the time of each in ns. `portless` ones are fragments, or were cut off, before
    their ports: no policy can decide them. `row` is each packet's row in `source`; `icmp` is what
    connection tracking sees in ICMP packets, unless nothing is known of any. `elsewhere` ones came
    through a tunnel whose outer source is not the VTEP of their own source."""

    packets: Packets
    time: NDArray[np.int64]
    portless: NDArray[np.bool_]
    row: Ints
    source: Batch
    icmp: Marks | None = None
    elsewhere: NDArray[np.bool_] | None = None


def attach(
    world: World,
    batch: Batch,
    fields: Iterable[str],
    vrf: int | None = None,
    before: Conversations | None = None,
) -> Arrivals:
    """The IP packets of a batch, each with the VRF in which it enters (-1: unknown source), and
    with these further fields; `before` are the conversations of batches before."""
    network, tables = world.network, world.once(tables_of)
    refuse_anycast(network, "a replay of captures")
    refuse_rewrites(network.rewrites, "a replay of captures")
    known = batch.header.version > 0
    row, header = np.flatnonzero(known), batch.header.those(known)
    plain, where = header.vni < 0, np.empty(len(header), np.int64)
    tunnelled = np.flatnonzero(~plain)
    by_address = partial(_plain, tables, world.once(single_ends))
    where[plain] = (before or Conversations(world)).entered(header.those(plain), by_address)
    if len(tunnelled):
        outer = batch.outer.take(row[tunnelled])
        where[tunnelled] = _tunnelled(world, tables, header.take(tunnelled), outer)
    if vrf is not None:
        where[where < 0] = vrf
    packets = Packets.make(**header.header(), vrf=where, length=header.length)
    found = {
        name: carried.read(batch.data, header.ip, header.version, further(name)) for name in fields
    }
    packets = packets.carrying(found) if found else packets
    portless = np.isin(header.protocol, list(WITH_PORTS)) & ~header.ported
    icmp = marks(batch, row, header)
    elsewhere = np.zeros(len(header), np.bool_)
    if len(tunnelled):
        own = owners(tables, header.take(tunnelled), where[tunnelled])
        known = (where[tunnelled] >= 0) & (own >= 0)
        elsewhere[tunnelled] = known & ~_comes_in(world, own, vteps(network, outer))
    return Arrivals(packets, batch.records.time[row], portless, row, batch, icmp, elsewhere)


def _comes_in(world: World, end: Ints, vtep: Ints) -> NDArray[np.bool_]:
    """Whether what these endpoints send comes in at these VTEPs."""
    at = [world.network.entries(endpoint) for endpoint in world.network.endpoints]
    pairs = zip(end.tolist(), vtep.tolist(), strict=True)
    return np.array([there in at[one] for one, there in pairs], np.bool_)


def vteps(network: Network, outer: Decoded) -> Ints:
    """The node whose loopback each outer packet comes from, -1 for none."""
    nodes = {address: node for node, address in enumerate(network.plan.loopback) if address}
    found = np.array([nodes.get(ip, -1) for ip in outer.src_lo.tolist()], np.int64)
    found[outer.version != 4] = -1
    return found


def marks(batch: Batch, row: Ints, header: Decoded) -> Marks:
    """Marks of the packets of a batch. An error is one only if what it quotes was sent by whoever
    gets the error, and shows its ports or its identifier."""
    mark = header.mark.copy()
    inner = np.full(len(header), -1, np.int32)
    errors = np.flatnonzero(mark >> 24 == ERROR)
    found = decode.quoted(batch.data, batch.records, row[errors], header.take(errors))
    outer = header.take(errors)
    good = (
        (found.version == outer.version)
        & (found.src_hi == outer.dst_hi)
        & (found.src_lo == outer.dst_lo)
        & (found.fragment >= 0)
        & (found.ported | ~np.isin(found.protocol, list(WITH_PORTS)))
        & ((found.mark == 0) | np.isin(found.mark >> 24, (REQUEST, REPLY)))
    )
    mark[errors[~good]] = OTHER << 24
    inner[errors[good]] = np.arange(good.sum())
    kept = found.take(np.flatnonzero(good))
    return Marks(mark, inner, Packets.make(**kept.header()), kept.mark)


def owners(tables: Tables, header: Decoded, vrf: Ints) -> Ints:
    """The endpoint that owns each source address in the VRF given per packet, -1 for none."""
    from sim.kernels.pipeline.atoms import atoms

    local = np.empty(len(header), np.int64)
    atoms(tables, vrf, header.version, header.src_hi, header.src_lo, local)
    found = tables.atom_endpoint[tables.atom_base[np.maximum(vrf, 0)] + np.maximum(local, 0)]
    return np.where(local >= 0, found, -1).astype(np.int64)


def single_ends(world: World) -> NDArray[np.bool_]:
    """Which endpoints have single addresses alone (pods, nodes), with a last False for nobody."""
    prefixes = (endpoint.prefixes for endpoint in world.network.endpoints)
    return np.array([*(all(p.num_addresses == 1 for p in own) for own in prefixes), False])


def _plain(tables: Tables, lonely: NDArray[np.bool_], header: Decoded) -> Ints:
    """The only VRF that knows the source, by single addresses first; -1 for none or several."""
    of, sample = same_rows([header.version, header.src_hi, header.src_lo])
    header, n = header.take(sample), len(sample)
    single, wide = (np.full((2, n), -1, np.int64) for _ in range(2))
    for vrf in range(len(tables.atom_base) - 1):
        owner = owners(tables, header, np.full(n, vrf))
        rows = np.flatnonzero(owner >= 0)
        alone = lonely[owner[rows]]
        for found, here in ((single, rows[alone]), (wide, rows[~alone])):
            again = found[0, here] >= 0
            found[1, here[again]] = vrf
            found[0, here[~again]] = vrf
    chosen = np.where(single[0] >= 0, single[0], wide[0])
    ambiguous = np.where(single[0] >= 0, single[1] >= 0, wide[1] >= 0)
    return np.asarray(np.where(ambiguous, -1, chosen)[of], np.int64)


def _tunnelled(world: World, tables: Tables, header: Decoded, outer: Decoded) -> Ints:
    """VRFs by VNI, or by who lives behind the outer source."""
    network, homes = world.network, world.blocks.homes
    by_vni = {vrf.vni: vrf.index for vrf in network.vrfs}
    vrf = np.array([by_vni.get(vni, -1) for vni in outer.vni.tolist()], np.int64)
    lost = np.flatnonzero((vrf < 0) | (owners(tables, header, vrf) < 0))
    vtep = vteps(network, outer.take(lost))
    vrf[lost] = -1
    hits = np.zeros(len(lost), np.int64)
    sources = header.take(lost)
    for candidate in range(len(network.vrfs)):
        owner = owners(tables, sources, np.full(len(lost), candidate))
        lives = homes.at(owner, tables.ep_vtep[owner], vtep)
        here = (owner >= 0) & (vtep >= 0) & lives
        vrf[lost[here]] = candidate
        hits += here
    vrf[lost[hits > 1]] = -1
    return vrf
