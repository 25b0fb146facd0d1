"""Blocks and underlay → `Tables`: every array a kernel reads, typed once, contiguous.

One tuple of one type means one compiled specialisation of each kernel, however large the world.
Only NumPy here: whoever never classifies never pays for numba.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.blocks import Blocks
from fabric.network import Network
from sim.ecmp import seed
from sim.exact import build, single_addresses
from sim.packets import Packets
from sim.reasons import Reason

TOP_BITS = 12


class Tables(NamedTuple):
    """`compiler.blocks` and the underlay as one kernel argument; names are those of `Blocks`.

    `exact` is `sim.exact`'s table, flat; `ep_fib` where an endpoint's routes begin in `fib`;
    `dec_reason` is the drop reason of each decision (0: permit). `hop_*` are the underlay's ECMP
    hops in CSR form, row `node * n_nodes + target`; `link_a` tells a link's two directions apart.
    """

    proto_class: NDArray[np.uint8]
    dport_atom: NDArray[np.uint16]
    sport_atom: NDArray[np.uint16]
    n_sport: NDArray[np.uint64]
    v4_off: NDArray[np.int64]
    v4_start: NDArray[np.uint32]
    v4_top: NDArray[np.uint32]
    v6_off: NDArray[np.int64]
    v6_top: NDArray[np.uint32]
    v6_hi: NDArray[np.uint64]
    v6_lo: NDArray[np.uint64]
    atom_base: NDArray[np.int64]
    atom_endpoint: NDArray[np.int32]
    exact: NDArray[np.uint64]
    exact_shift: NDArray[np.uint64]
    remote_index: NDArray[np.int16]
    remote_count: NDArray[np.int32]
    fib: NDArray[np.int32]
    set_off: NDArray[np.int32]
    set_vtep: NDArray[np.int32]
    set_vrf: NDArray[np.int32]
    ep_vrf: NDArray[np.int32]
    ep_vtep: NDArray[np.int32]
    ep_fib: NDArray[np.int64]
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


class Headers(NamedTuple):
    """The columns of `Packets` that the datapath reads."""

    src_endpoint: NDArray[np.int32]
    vrf: NDArray[np.int32]
    version: NDArray[np.uint8]
    src_hi: NDArray[np.uint64]
    src_lo: NDArray[np.uint64]
    dst_hi: NDArray[np.uint64]
    dst_lo: NDArray[np.uint64]
    protocol: NDArray[np.uint8]
    sport: NDArray[np.uint16]
    dport: NDArray[np.uint16]


def headers(packets: Packets) -> Headers:
    """The kernel's view of packets; no copies."""
    return Headers(*(getattr(packets, name) for name in Headers._fields))


def tables(blocks: Blocks, network: Network) -> Tables:
    """Kernel arrays of a compiled world. Arrays that already have the right type are shared."""
    l4, addresses, underlay = blocks.l4, blocks.addresses, network.underlay
    exact, exact_shift = build(single_addresses(addresses))
    named: dict[str, Any] = {
        **{name: getattr(blocks, name) for name in Tables._fields if hasattr(blocks, name)},
        "proto_class": l4.proto_class,
        "dport_atom": l4.dport_atom,
        "sport_atom": l4.sport_atom,
        "n_sport": np.array([l4.n_sport]),
        "v4_off": addresses.v4_off,
        "v4_start": addresses.v4_start,
        "v4_top": top_index(addresses.v4_off, addresses.v4_start, 32),
        "v6_off": addresses.v6_off,
        "v6_top": top_index(addresses.v6_off, addresses.v6_hi, 64),
        "v6_hi": addresses.v6_hi,
        "v6_lo": addresses.v6_lo,
        "atom_base": addresses.base,
        "atom_endpoint": addresses.endpoint,
        "exact": exact.reshape(-1),
        "exact_shift": exact_shift,
        "ep_vrf": blocks.endpoint_vrf,
        "ep_vtep": blocks.endpoint_vtep,
        "ep_fib": endpoint_fib(blocks),
        "f_off": blocks.F_off,
        "f": blocks.F,
        "dec_reason": np.where(blocks.dec_permit, 0, Reason.ZONE0_DROP + blocks.dec_stage),
        "hop_off": underlay.hop_off,
        "hop_node": underlay.hop_node,
        "hop_link": underlay.hop_link,
        "node_seed": np.array([seed(n.index) for n in network.fabric.nodes], np.uint64),
        "link_a": np.array([link.a for link in network.fabric.links]),
    }
    return Tables(**{name: _typed(name, named[name]) for name in Tables._fields})


def endpoint_fib(blocks: Blocks) -> NDArray[np.int64]:
    """Where in `fib` the routes begin that an endpoint's VTEP has in its VRF, -1 for nowhere."""
    instance = blocks.inst_of[blocks.endpoint_vtep, blocks.endpoint_vrf]
    return np.where(instance >= 0, blocks.fib_off[instance], -1)


def top_index(off: NDArray[np.int64], words: Any, width: int) -> NDArray[np.int64]:
    """Per VRF and top `TOP_BITS` bits: the last start that is not above the first such address.

    Shape [n_vrfs, 2**TOP_BITS + 1]; a search between one element and the next finds every address.
    `words` are the starts' leading words of `width` bits.
    """
    bounds = np.arange(2**TOP_BITS, dtype=np.uint64) << np.uint64(width - TOP_BITS)
    out = np.empty((len(off) - 1, 2**TOP_BITS + 1), np.int64)
    for vrf, (first, end) in enumerate(pairwise(off.tolist())):
        starts = words[first:end].astype(np.uint64)
        out[vrf, :-1] = first + np.maximum(np.searchsorted(starts, bounds, "left") - 1, 0)
        out[vrf, -1] = max(first, end - 1)
    return out


def _typed(name: str, array: Any) -> Any:
    """Contiguous, writable (numba tells read-only arrays apart), of the right dtype, not empty."""
    dtype = DTYPES[name]
    flat = np.ascontiguousarray(array, dtype)
    if not flat.flags.writeable:
        flat = flat.copy()
    return flat if flat.size else np.zeros((1,) * flat.ndim, dtype)


_UNSIGNED_8 = {"proto_class", "dec_reason"}
_UNSIGNED_16 = {"dport_atom", "sport_atom", "cell_class", "l4_class"}
_UNSIGNED_32 = {"v4_start", "v4_top", "v6_top"}
_UNSIGNED_64 = {"n_sport", "exact", "exact_shift", "v6_hi", "v6_lo", "node_seed"}
_SIGNED_64 = {"v4_off", "v6_off", "atom_base", "ep_fib", "cell_off", "l4_off", "f_off"}


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
