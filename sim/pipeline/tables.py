"""Blocks and underlay → `Tables`: every array a kernel reads, typed once, contiguous.

One tuple of one type means one compiled specialisation of each kernel, however large the world.
Only NumPy here: whoever never classifies never pays for numba.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.control.weights import member_arrays
from sim.blocks.atoms import AddressAtoms
from sim.blocks.blocks import Blocks
from sim.blocks.exact import WORDS, build, patched, single_addresses, single_addresses_of
from sim.blocks.onward import local_endpoints
from sim.blocks.top_rows import top_index, top_row_of
from sim.packets.ecmp import seed
from sim.packets.headers import HEADER, Packets, Row, row_type
from sim.packets.reasons import Reason, reasons
from sim.pipeline.one_piece import in_one_piece
from sim.worlds.world import World


class Tables(NamedTuple):
    """`sim.blocks.blocks` and the underlay as one kernel argument; names are those of `Blocks`.

    `exact` is `sim.blocks.exact`'s table, flat; `top_row` the row of each VRF in `v4_top` and
    `v6_top`; `atom_local` the endpoint to which its own VTEP delivers an atom; `ep_fib` where an
    endpoint's routes begin in `fib`; `hairpin` which VRFs permit hairpins; `dec_reason` is the
    drop reason of each decision (0: permit); `shared_*` are owners of addresses that have several;
    `ep_several`, `lives`, `entry_off` and `entry` are `sim.blocks.homes`. `hop_*` are the
    members of the underlay's routes (`fabric.control.weights`) in CSR form, row `node * n_nodes +
    target`; `link_a` tells a link's two directions apart.
    """

    proto_class: NDArray[np.uint8]
    dport_atom: NDArray[np.uint16]
    sport_atom: NDArray[np.uint16]
    n_sport: NDArray[np.uint64]
    top_row: NDArray[np.int32]
    v4_off: NDArray[np.int64]
    v4_start: NDArray[np.uint32]
    v4_top: NDArray[np.uint32]
    v6_off: NDArray[np.int64]
    v6_top: NDArray[np.uint32]
    v6_hi: NDArray[np.uint64]
    v6_lo: NDArray[np.uint64]
    atom_base: NDArray[np.int64]
    atom_endpoint: NDArray[np.int32]
    atom_local: NDArray[np.int32]
    shared_atom: NDArray[np.int64]
    shared_endpoint: NDArray[np.int32]
    exact: NDArray[np.uint64]
    exact_shift: NDArray[np.uint64]
    remote_index: NDArray[np.int16]
    remote_count: NDArray[np.int32]
    hairpin: NDArray[np.uint8]
    inst_of: NDArray[np.int32]
    fib_off: NDArray[np.int64]
    fib: NDArray[np.int32]
    set_off: NDArray[np.int32]
    set_vtep: NDArray[np.int32]
    set_vrf: NDArray[np.int32]
    ep_vrf: NDArray[np.int32]
    ep_vtep: NDArray[np.int32]
    ep_fib: NDArray[np.int64]
    ep_several: NDArray[np.int32]
    lives: NDArray[np.uint8]
    entry_off: NDArray[np.int32]
    entry: NDArray[np.int32]
    ep_block: NDArray[np.int32]
    cell_off: NDArray[np.int64]
    cell_class: NDArray[np.uint16]
    l4_off: NDArray[np.int64]
    l4_class: NDArray[np.uint16]
    n_l4: NDArray[np.int32]
    f_off: NDArray[np.int64]
    f: NDArray[np.int32]
    dec_reason: NDArray[np.uint8]
    dec_entries: NDArray[np.int32]
    hop_off: NDArray[np.int32]
    hop_node: NDArray[np.int32]
    hop_link: NDArray[np.int32]
    node_seed: NDArray[np.uint64]
    link_a: NDArray[np.int32]


Headers = row_type("Headers", ("src_endpoint", "vrf", *HEADER), __name__)
"""The columns of `Packets` that the datapath reads: who sends, into which VRF, and `HEADER`."""


def headers(packets: Packets) -> Row:
    """The kernel's view of packets: `Headers`, of the types that `Packets` has; no copies."""
    made: Row = Headers(*(getattr(packets, name) for name in Headers._fields))
    return made


def tables_of(world: World) -> Tables:
    """Kernel arrays of a world: `world.once` of this."""
    return tables(world.blocks)


def tables(blocks: Blocks) -> Tables:
    """Kernel arrays of blocks. Large arrays that already have the right type are shared."""
    network, l4, addresses = blocks.program.network, blocks.l4, blocks.addresses
    hop_off, hop_node, hop_link = member_arrays(network.underlay)
    exact, exact_shift = build(single_addresses(addresses))
    named: dict[str, Any] = {
        **{name: getattr(blocks, name) for name in Tables._fields if hasattr(blocks, name)},
        "proto_class": l4.proto_class,
        "dport_atom": l4.dport_atom,
        "sport_atom": l4.sport_atom,
        "n_sport": np.array([l4.n_s]),
        "v4_off": addresses.v4_off,
        "v4_start": addresses.v4_start,
        "top_row": np.arange(len(addresses.v4_off) - 1),
        "v4_top": top_index(addresses.v4_off, addresses.v4_start, 32),
        "v6_off": addresses.v6_off,
        "v6_top": top_index(addresses.v6_off, addresses.v6_hi, 64),
        "v6_hi": addresses.v6_hi,
        "v6_lo": addresses.v6_lo,
        "hairpin": np.array([vrf.hairpin for vrf in network.vrfs]),
        "atom_base": addresses.base,
        "atom_endpoint": addresses.endpoint,
        "atom_local": local_endpoints(blocks),
        **shared(addresses),
        "exact": exact.reshape(-1),
        "exact_shift": exact_shift,
        "ep_vrf": blocks.endpoint_vrf,
        "ep_vtep": blocks.endpoint_vtep,
        "ep_fib": endpoint_fib(blocks),
        "ep_several": blocks.homes.several,
        "lives": blocks.homes.lives,
        "entry_off": blocks.homes.entry_off,
        "entry": blocks.homes.entry,
        "f_off": blocks.F_off,
        "f": blocks.F,
        "dec_reason": decision_reason(blocks),
        "hop_off": hop_off,
        "hop_node": hop_node,
        "hop_link": hop_link,
        "node_seed": np.array([seed(n.index) for n in network.fabric.nodes], np.uint64),
        "link_a": np.array([link.a for link in network.fabric.links]),
    }
    return in_one_piece(Tables(**{name: _typed(name, named[name]) for name in Tables._fields}))


def follow(current: Tables, before: Blocks, after: Blocks) -> Tables:
    """Kernel arrays of updated blocks (`sim.blocks.update`), from those of the blocks that were
    updated: what did not change is shared, and nothing that `current` reads is written."""
    if after.store is not before.store:
        return tables(after)
    named = {name: getattr(after, name) for name in Tables._fields if hasattr(after, name)}
    changed = {n: array for n, array in named.items() if array is not getattr(before, n)}
    if after.l4 is not before.l4:
        changed |= {"proto_class": after.l4.proto_class, "dport_atom": after.l4.dport_atom}
    if after.addresses is not before.addresses:
        moved = _moved_atoms(current, before.addresses, after.addresses)
        if moved is None:
            return tables(after)
        changed |= moved
    if after.fib_off is not before.fib_off:
        changed |= {"ep_fib": endpoint_fib(after), "atom_local": local_endpoints(after)}
    decided = len(before.dec_permit)
    reason = np.append(current.dec_reason[:decided], decision_reason(after, decided))
    changed |= {"f_off": after.F_off, "f": after.F, "dec_reason": reason}
    return current._replace(**{name: _typed(name, array) for name, array in changed.items()})


def _moved_atoms(
    current: Tables, before: AddressAtoms, after: AddressAtoms
) -> dict[str, Any] | None:
    """What changes with the atoms of some VRFs; None when there is no room."""
    vrfs = np.flatnonzero(np.diff(before.base) != np.diff(after.base)).tolist()
    rows = np.concatenate([single_addresses_of(after, vrf) for vrf in vrfs])
    exact = patched(current.exact.reshape(-1, WORDS), current.exact_shift, rows)
    first = int(current.top_row.max()) + 1
    if exact is None or first + len(vrfs) > len(current.v4_top):
        return None
    top_row = current.top_row.copy()
    for row, vrf in enumerate(vrfs, first):
        top_row[vrf] = row
        v4, v6 = (slice(off[vrf], off[vrf + 1]) for off in (after.v4_off, after.v6_off))
        current.v4_top[row] = top_row_of(after.v4_start[v4], 32)
        current.v6_top[row] = top_row_of(after.v6_hi[v6], 64)
    return {
        "top_row": top_row,
        "v4_off": after.v4_off,
        "v4_start": after.v4_start,
        "v6_off": after.v6_off,
        "v6_hi": after.v6_hi,
        "v6_lo": after.v6_lo,
        "atom_base": after.base,
        "atom_endpoint": after.endpoint,
        **shared(after),
        "exact": exact.reshape(-1),
    }


def shared(addresses: AddressAtoms) -> dict[str, Any]:
    """Owners of anycast addresses; one row that is about no atom where there are none."""
    atom, endpoint = addresses.sharers()
    return {
        "shared_atom": atom if len(atom) else np.array([-1]),
        "shared_endpoint": endpoint if len(endpoint) else np.array([-1]),
    }


def decision_reason(blocks: Blocks, first: int = 0) -> NDArray[np.uint8]:
    """The drop reason of each decision from number `first` on, 0 for a permit."""
    known = reasons(blocks.program.stages)
    of = np.array([*known.of_place, Reason.DELIVERED], np.uint8)
    return of[blocks.dec_stage[first:]]


def endpoint_fib(blocks: Blocks) -> NDArray[np.int64]:
    """Where in `fib` the routes begin that an endpoint's VTEP has in its VRF, -1 for nowhere."""
    instance = blocks.inst_of[blocks.endpoint_vtep, blocks.endpoint_vrf]
    return np.where(instance >= 0, blocks.fib_off[instance], -1)


def _typed(name: str, array: Any) -> Any:
    """Contiguous, writable (numba tells read-only arrays apart), of the right dtype, not empty."""
    dtype = DTYPES[name]
    flat = np.ascontiguousarray(array, dtype)
    if not flat.flags.writeable:
        flat = flat.copy()
    return flat if flat.size else np.zeros((1,) * flat.ndim, dtype)


_UNSIGNED_8 = {"proto_class", "dec_reason", "hairpin", "lives"}
_UNSIGNED_16 = {"dport_atom", "sport_atom", "cell_class", "l4_class"}
_UNSIGNED_32 = {"v4_start", "v4_top", "v6_top"}
_UNSIGNED_64 = {"n_sport", "exact", "exact_shift", "v6_hi", "v6_lo", "node_seed"}
_SIGNED_64 = {
    "v4_off",
    "v6_off",
    "atom_base",
    "shared_atom",
    "fib_off",
    "ep_fib",
    "cell_off",
    "l4_off",
    "f_off",
}


def _dtype(name: str) -> Any:
    if name in _UNSIGNED_8:
        return np.uint8
    if name in _UNSIGNED_16:
        return np.uint16
    if name in _UNSIGNED_64:
        return np.uint64
    if name in _SIGNED_64:
        return np.int64
    if name in _UNSIGNED_32:
        return np.uint32
    return {"remote_index": np.int16}.get(name, np.int32)


DTYPES = {name: _dtype(name) for name in Tables._fields}
