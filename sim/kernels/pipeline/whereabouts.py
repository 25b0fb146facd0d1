"""Where endpoints live, and where what they send comes in.

Theory: most endpoints live at one VTEP, and `path` knows it from their line; these functions answer
for addresses that several have and endpoints at several VTEPs. Invariants: what
`sim.forwarding.one_step` says of one packet. Cost: a pass over the owners of shared addresses, one
load for where an endpoint lives, a flow hash for where it comes in. Arguments: `t` Tables (a named
tuple that says its types), `w` a block (`sim.kernels.pipeline.block_rows`), the rest scalars: u64
`vtep` (a node), `vrf`, `of` (an atom, counted through all VRFs) and `j` (a column of `w`), i32
`endpoint` and `owner`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined
from sim.kernels.pipeline.block_rows import DPORT, DST_0, PROTOCOL, SPORT, SRC_0, address
from sim.kernels.pipeline.ecmp import choose, flow_hash
from sim.packets.ecmp import ENTRY

U = np.uint64
ONE, S16, S32 = U(1), U(16), U(32)
NONE = U(2**64 - 1)
COMES_IN = U(ENTRY)


@inlined
def is_owner(t: Any, of: Any, endpoint: Any) -> Any:
    """Whether an endpoint is one of several owners of an atom."""
    found = False
    for k in range(len(t.shared_atom)):
        found |= (t.shared_atom[k] == np.int64(of)) & (t.shared_endpoint[k] == endpoint)
    return found


@inlined
def owner_at(t: Any, of: Any, vtep: Any) -> Any:
    """The first of several owners of an atom that lives at a VTEP, -1 for none."""
    found = np.int32(-1)
    for k in range(len(t.shared_atom)):
        if found < 0 and t.shared_atom[k] == np.int64(of):
            end = t.shared_endpoint[k]
            found = end if U(t.ep_vtep[U(end)]) == vtep else found
    return found


@inlined
def lives_at(t: Any, endpoint: Any, vtep: Any) -> Any:
    """Whether an endpoint lives at a VTEP, its only one or one of several."""
    row = t.ep_several[U(endpoint)]
    return U(t.ep_vtep[U(endpoint)]) == vtep if row < 0 else t.lives[U(row), vtep] != 0


@inlined
def hash_of(w: Any, j: Any) -> Any:
    """The hash of a packet's flow."""
    ports = (U(w[PROTOCOL, j]) << S32) | (U(w[SPORT, j]) << S16) | U(w[DPORT, j])
    src_hi, src_lo = address(w, SRC_0, j)
    dst_hi, dst_lo = address(w, DST_0, j)
    return flow_hash(src_hi, src_lo, dst_hi, dst_lo, ports)


@inlined
def entry_of(t: Any, w: Any, j: Any, owner: Any) -> Any:
    """The VTEP at which what an endpoint sends comes in: of several that of the flow's hash."""
    row, vtep = t.ep_several[U(owner)], U(t.ep_vtep[U(owner)])
    if row >= 0:
        first = U(t.entry_off[U(row)])
        width = U(t.entry_off[U(row) + ONE]) - first
        vtep = U(t.entry[first + choose(hash_of(w, j), COMES_IN, width)])
    return vtep


@inlined
def routes_at(t: Any, vtep: Any, vrf: Any) -> Any:
    """Where the routes of a VTEP's VRF begin in `fib`, `NONE` where it has no such VRF."""
    instance = t.inst_of[vtep, vrf]
    return U(t.fib_off[U(instance)]) if instance >= 0 else NONE
