"""Where endpoints live, and where what they send comes in.

Theory: most endpoints live at one VTEP, and `path` knows it from their line; these functions answer
for addresses that several have and endpoints at several VTEPs.
Invariants: what `sim.pipeline.forwarding` says of one packet. Cost: a pass over the owners of
shared addresses, one load for where an endpoint lives, a flow hash for where it comes in.
Arguments: `t` Tables, `h` Headers (named tuples that say their types), the rest scalars: u64 nodes,
VRFs and atoms, i32 endpoints.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined
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
def entry_of(t: Any, h: Any, i: Any, owner: Any) -> Any:
    """The VTEP at which what an endpoint sends comes in: of several that of the flow's hash."""
    row, vtep = t.ep_several[U(owner)], U(t.ep_vtep[U(owner)])
    if row >= 0:
        first = U(t.entry_off[U(row)])
        width = U(t.entry_off[U(row) + ONE]) - first
        ports = (U(h.protocol[i]) << S32) | (U(h.sport[i]) << S16) | U(h.dport[i])
        hashed = flow_hash(h.src_hi[i], h.src_lo[i], h.dst_hi[i], h.dst_lo[i], ports)
        vtep = U(t.entry[first + choose(hashed, COMES_IN, width)])
    return vtep


@inlined
def routes_at(t: Any, vtep: Any, vrf: Any) -> Any:
    """Where the routes of a VTEP's VRF begin in `fib`, `NONE` where it has no such VRF."""
    instance = t.inst_of[vtep, vrf]
    return U(t.fib_off[U(instance)]) if instance >= 0 else NONE
