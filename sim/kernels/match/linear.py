"""First match by trying every rule in order: what a rule set means, with nothing clever in it.

Addresses are two 64-bit words in either IP version (IPv4 lies in the first). Linear in the rules:
for samples and as the oracle of every other engine.

Theory: a rule is a product of sets, one per field, and the first that holds a packet decides: this
is the definition, evaluated as it stands.
Invariant: lists are CSR, those of rule `r` at `off[r]..off[r + 1]`; an empty list matches nothing.
Cost: rules x packets, with an exit at the first field that does not match.

Arguments: `rules` Rules (below), `packets` or `p` `sim.classify.engines.linear.Headers128`, `r` or
`rule` a rule and `i` a packet (u64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.policy.fields import looked_up
from sim.kernels import inlined, kernel
from sim.packets.headers import row_type

U = np.uint64
ONE = U(1)
SIX, WORD = U(6), U(63)
ANY = -1


FURTHER = tuple(row.name for row in looked_up())
Rules = row_type(
    "Rules",
    (
        *("vni", "direction", "endpoint", "protocol"),
        *("src_off", "src", "src_mask", "dst_off", "dst", "dst_mask"),
        *("sport_off", "sport", "sport_last", "dport_off", "dport", "dport_last"),
        *FURTHER,
    ),
    __name__,
)
"""A rule set for one IP version, of `n` rules. Keys: `vni` i64[n], `direction` i8[n], `endpoint`
i64[n], -1 for any. Bit sets: `protocol` u64[n, 4], and of each further field u8[n] to u64[n]. Lists
in CSR form: `*_off` i64[n + 1], prefixes and masks u64[members, 2], ports u16[members]."""


@inlined
def _any(rules: Any, r: Any, p: Any, i: Any) -> Any:
    return True


def _and(before: Any, column: int) -> Any:
    """The sets before, and one more: its columns count from the end of rules and packets."""

    @inlined
    def holds(rules: Any, r: Any, p: Any, i: Any) -> Any:
        value = U(p[column][i]) & WORD
        return before(rules, r, p, i) and (U(rules[column][r]) >> value) & ONE != U(0)

    return holds


def _sets() -> Any:
    """Whether the sets of a rule hold a packet, field by field."""
    made = _any
    for place in range(len(FURTHER)):
        made = _and(made, place - len(FURTHER))
    return made


_further = _sets()


@inlined
def _is(wanted: Any, value: Any) -> Any:
    """Whether a rule's key, `wanted`, holds a packet's, `value`: numbers."""
    return (wanted == ANY) | (wanted == value)


@inlined
def _below(off: Any, words: Any, masks: Any, rule: Any, hi: Any, lo: Any) -> Any:
    """Whether an address, `hi` and `lo` (u64), is in one of a rule's prefixes.

    `off` i64[n + 1], where the prefixes of each rule begin; `words`, `masks` u64[members, 2], the
    high word first.
    """
    found = False
    for k in range(off[rule], off[rule + ONE]):
        at = U(k)
        if (hi & masks[at, U(0)]) == words[at, U(0)] and (lo & masks[at, ONE]) == words[at, ONE]:
            found = True
            break
    return found


@inlined
def _in_range(off: Any, first: Any, last: Any, rule: Any, port: Any) -> Any:
    """Whether `port` (u16) is in one of a rule's ranges.

    `off` i64[n + 1], where the ranges of each rule begin; `first`, `last` u16[members].
    """
    found = False
    for k in range(off[rule], off[rule + ONE]):
        if first[U(k)] <= port and port <= last[U(k)]:
            found = True
            break
    return found


@kernel
def scan(rules: Any, packets: Any, out: Any) -> None:
    """Write the first matching rule of each packet, -1 for none.

    `rules` Rules, `packets` the named tuple `sim.classify.engines.linear.Headers128`, `out` i32[n].
    """
    p = packets
    for packet in range(len(out)):
        i = U(packet)
        number = U(p.protocol[i])
        word, bit = number >> SIX, number & WORD
        out[i] = -1
        for rule in range(len(rules.vni)):
            r = U(rule)
            if (
                _is(rules.vni[r], p.vni[i])
                and _is(rules.direction[r], p.direction[i])
                and _is(rules.endpoint[r], p.endpoint[i])
                and (rules.protocol[r, word] >> bit) & ONE
                and _further(rules, r, p, i)
                and _in_range(rules.dport_off, rules.dport, rules.dport_last, r, p.dport[i])
                and _in_range(rules.sport_off, rules.sport, rules.sport_last, r, p.sport[i])
                and _below(rules.dst_off, rules.dst, rules.dst_mask, r, p.dst[i], p.dst_lo[i])
                and _below(rules.src_off, rules.src, rules.src_mask, r, p.src[i], p.src_lo[i])
            ):
                out[i] = rule
                break
