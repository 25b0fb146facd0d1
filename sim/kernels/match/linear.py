"""First match by trying every rule in order: what a rule set means, with nothing clever in it.

Addresses are two 64-bit words in either IP version (IPv4 lies in the first). Linear in the rules:
for samples and as the oracle of every other engine.

Theory: a rule is a product of sets, one per field, and the first that holds a packet decides: this
is the definition, evaluated as it stands.
Invariant: lists are CSR, those of rule `r` at `off[r]..off[r + 1]`; an empty list matches nothing.
Cost: rules x packets, with an exit at the first field that does not match.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels import inlined, kernel

U = np.uint64
ONE = U(1)
SIX, WORD = U(6), U(63)
ANY = -1


class Rules(NamedTuple):
    """A rule set: keys, bit sets, and lists in CSR form (`*_off`) for one IP version."""

    vni: NDArray[np.int64]
    direction: NDArray[np.int8]
    endpoint: NDArray[np.int64]
    protocol: NDArray[np.uint64]
    state: NDArray[np.uint8]
    dscp: NDArray[np.uint64]
    src_off: NDArray[np.int64]
    src: NDArray[np.uint64]
    src_mask: NDArray[np.uint64]
    dst_off: NDArray[np.int64]
    dst: NDArray[np.uint64]
    dst_mask: NDArray[np.uint64]
    sport_off: NDArray[np.int64]
    sport: NDArray[np.uint16]
    sport_last: NDArray[np.uint16]
    dport_off: NDArray[np.int64]
    dport: NDArray[np.uint16]
    dport_last: NDArray[np.uint16]


@inlined
def _is(wanted: Any, value: Any) -> Any:
    return (wanted == ANY) | (wanted == value)


@inlined
def _below(off: Any, words: Any, masks: Any, rule: Any, hi: Any, lo: Any) -> Any:
    found = False
    for k in range(off[rule], off[rule + ONE]):
        at = U(k)
        if (hi & masks[at, U(0)]) == words[at, U(0)] and (lo & masks[at, ONE]) == words[at, ONE]:
            found = True
            break
    return found


@inlined
def _in_range(off: Any, first: Any, last: Any, rule: Any, port: Any) -> Any:
    found = False
    for k in range(off[rule], off[rule + ONE]):
        if first[U(k)] <= port and port <= last[U(k)]:
            found = True
            break
    return found


@kernel
def scan(rules: Any, packets: Any, out: Any) -> None:
    """Write the first matching rule of each packet, -1 for none.

    `rules` Rules, `packets` the named tuple `sim.classify.linear.Headers128`, `out` i32[n].
    """
    p = packets
    for packet in range(len(out)):
        i = U(packet)
        number, state, dscp = U(p.protocol[i]), U(p.state[i]), U(p.dscp[i])
        word, bit = number >> SIX, number & WORD
        out[i] = -1
        for rule in range(len(rules.vni)):
            r = U(rule)
            if (
                _is(rules.vni[r], p.vni[i])
                and _is(rules.direction[r], p.direction[i])
                and _is(rules.endpoint[r], p.endpoint[i])
                and (rules.protocol[r, word] >> bit) & ONE
                and (U(rules.state[r]) >> (state & WORD)) & ONE
                and (rules.dscp[r] >> (dscp & WORD)) & ONE
                and _in_range(rules.dport_off, rules.dport, rules.dport_last, r, p.dport[i])
                and _in_range(rules.sport_off, rules.sport, rules.sport_last, r, p.sport[i])
                and _below(rules.dst_off, rules.dst, rules.dst_mask, r, p.dst[i], p.dst_lo[i])
                and _below(rules.src_off, rules.src, rules.src_mask, r, p.src[i], p.src_lo[i])
            ):
                out[i] = rule
                break
