"""Ports, protocol, state and DSCP → the L4 class of a packet (`sim.classify.l4_classes`).

Theory: ports, protocol, state and DSCP are cut into classes field by field; a packet's class is
the mixed radix number `(sport * n_dport + dport) * n_meta + meta`. Invariant: the tables have an
entry for every value of a field, so nothing is checked. Cost: one look-up per field that any rule
looks at, two at least. Inlined parts: `t` has the tables `dport` u8|u16[65536], `sport` the same,
`meta` u8|u16[256] (or [65536] with state and DSCP), `c` the columns; `i` is a packet, with 8 in
the name eight from there on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.policy.fields import FIELDS
from sim.kernels import inlined
from sim.kernels.match.lanes import gather, load

U, W = np.uint64, np.uint32
SIX, STATE, DSCP = (W(n) for n in (FIELDS["dscp"].bits, FIELDS["state"].last, FIELDS["dscp"].last))
EIGHT = W(FIELDS["state"].bits + FIELDS["dscp"].bits)


@inlined
def meta_at(t: Any, c: Any, i: Any) -> Any:
    """Where the meta class of packet i is."""
    at = W(c.protocol[i])
    if t.uses_meta:
        at = at << EIGHT | (W(c.state[i]) & STATE) << SIX | (W(c.dscp[i]) & DSCP)
    return at


@inlined
def meta_at8(t: Any, c: Any, i: Any) -> Any:
    """Where the meta classes of packets i .. i + 7 are."""
    at = load(c.protocol, i)
    if t.uses_meta:
        at = (at << EIGHT) | ((load(c.state, i) & STATE) << SIX) | (load(c.dscp, i) & DSCP)
    return at


@inlined
def raw_class(t: Any, c: Any, i: Any, meta: Any) -> Any:
    """`z` of packet i, whose meta class is known."""
    z = W(t.dport[U(c.dport[i])])
    if t.uses_sport:
        z += W(W(t.sport[U(c.sport[i])]) * t.n_dport)
    return z * t.n_meta + W(meta)


@inlined
def raw_class8(t: Any, c: Any, i: Any, meta: Any) -> Any:
    """`z` of packets i .. i + 7."""
    z = gather(t.dport, load(c.dport, i))
    if t.uses_sport:
        z = z + gather(t.sport, load(c.sport, i)) * t.n_dport
    return z * t.n_meta + meta


@inlined
def l4_class(t: Any, c: Any, i: Any) -> Any:
    """`z` of packet i."""
    return raw_class(t, c, i, t.meta[U(meta_at(t, c, i))])


@inlined
def l4_class8(t: Any, c: Any, i: Any) -> Any:
    """`z` of packets i .. i + 7."""
    return raw_class8(t, c, i, gather(t.meta, meta_at8(t, c, i)))
