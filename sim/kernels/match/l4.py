"""Ports, protocol and further fields → the L4 class of a packet (`sim.classify.axes.l4_classes`).

Theory: ports, protocol and the further fields that are classified (`compiler.policy.fields`:
connection state, DSCP) are cut into classes field by field; a packet's class is the mixed radix
number `(sport * n_dport + dport) * n_meta + meta`. Invariant: the tables have an
entry for every value of a field, so nothing is checked. Cost: one look-up per field that any rule
looks at, two at least. Inlined parts: `t` has the tables `dport` u8|u16[65536], `sport` the same,
`meta` u8|u16[256] (or, with further fields, one entry for all values of these: [65536]), `c` the
columns, those of further fields the last ones, u8 each, in the order of their rows; `i` is a
packet (u64), with 8 in the name eight from there on. Steps take `at`, the place in `meta` by the
fields before theirs: u32, or eight lanes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler.policy.fields import Field, looked_up
from sim.kernels import inlined
from sim.kernels.match.lanes import gather, load

U, W = np.uint64, np.uint32
Step = Callable[[Any, Any, Any], Any]


@inlined
def _as_it_is(at: Any, c: Any, i: Any) -> Any:
    return at


def _then(before: Step, row: Field, column: int, lanes: bool) -> Step:
    """The steps before, and the bits of one more field: its column counts from the end of `c`."""
    bits, last = W(row.bits), W(row.last)

    @inlined
    def one(at: Any, c: Any, i: Any) -> Any:
        return before(at, c, i) << bits | (W(c[column][i]) & last)

    @inlined
    def eight(at: Any, c: Any, i: Any) -> Any:
        return (before(at, c, i) << bits) | (load(c[column], i) & last)

    return eight if lanes else one


def _steps(lanes: bool) -> Step:
    """What follows the protocol: a step per row, each inlined into the next."""
    rows = looked_up()
    made: Step = _as_it_is
    for place, row in enumerate(rows):
        made = _then(made, row, place - len(rows), lanes)
    return made


_further, _further8 = _steps(lanes=False), _steps(lanes=True)


@inlined
def meta_at(t: Any, c: Any, i: Any) -> Any:
    """Where the meta class of packet i is."""
    at = W(c.protocol[i])
    if t.uses_meta:
        at = _further(at, c, i)
    return at


@inlined
def meta_at8(t: Any, c: Any, i: Any) -> Any:
    """Where the meta classes of packets i .. i + 7 are."""
    at = load(c.protocol, i)
    if t.uses_meta:
        at = _further8(at, c, i)
    return at


@inlined
def raw_class(t: Any, c: Any, i: Any, meta: Any) -> Any:
    """`z` of packet i, whose meta class is known: `meta`, a word."""
    z = W(t.dport[U(c.dport[i])])
    if t.uses_sport:
        z += W(W(t.sport[U(c.sport[i])]) * t.n_dport)
    return z * t.n_meta + W(meta)


@inlined
def raw_class8(t: Any, c: Any, i: Any, meta: Any) -> Any:
    """`z` of packets i .. i + 7; `meta` are eight lanes, their meta classes."""
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
