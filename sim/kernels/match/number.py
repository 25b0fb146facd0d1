"""Numbering keys: by a hash table in order of appearance, or sorted by radix.

Both are linear and need no comparison of more than two keys, which is what keeps tables of a
million rules cheap to build.

Theory: a numbering is the map onto classes of equal keys; a hash table finds the class of a key,
and a stable sort by one digit after the other orders keys (LSD radix sort).
Invariants: numbers are dense, from 0; `identify` gives them in order of appearance,
`number_sorted` in order of keys; neither depends on the size of the hash table. Cost: `identify`
one probe per key expected (the table is at most half full), `sort_keys` one pass per digit in
which keys differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel

U = np.uint64
ZERO, ONE = U(0), U(1)
MIX = U(0x9E3779B97F4A7C15)
DIGIT = 11
"""Bits of a key sorted at a time: 2,048 counters fit the first cache."""


@inlined
def place_of(key: Any, mask: Any) -> Any:
    """Where the search for a key begins, in a table of `mask + 1` places, at most 2**32. `key`,
    `mask` u64."""
    return (((key ^ (key >> U(32))) * MIX) >> U(32)) & mask


@kernel
def identify(keys: Any, slots: Any, ids: Any, rep: Any) -> int:
    """Number the distinct `keys` in order of appearance: `ids` per key, `rep` a place of each id.

    `slots` is a hash table of a power of two places, all -1. Returns how many there are, or -1 as
    soon as they would fill more than half of `slots`.

    `keys` u64[n], `slots` i32[power of two], `ids` i32[n], `rep` i32[half of `slots`].
    """
    mask = U(len(slots) - 1)
    n, last, last_id = 0, ZERO, -1
    for i in range(len(keys)):
        key = keys[i]
        if last_id >= 0 and key == last:
            ids[i] = last_id
            continue
        at = place_of(key, mask)
        while slots[at] >= 0 and keys[rep[slots[at]]] != key:
            at = (at + ONE) & mask
        if slots[at] < 0:
            if 2 * n >= len(slots):
                return -1
            slots[at] = n
            rep[n] = i
            n += 1
        last, last_id = key, slots[at]
        ids[i] = last_id
    return n


@kernel
def sort_keys(keys: Any, order: Any, other_keys: Any, other_order: Any, count: Any) -> bool:
    """Sort `keys` together with `order`, equal keys as they stand. The result is in the `other`
    arrays if True is returned; `count` is scratch of `1 << DIGIT`.

    `keys`, `other_keys` u64[n], `order`, `other_order` i64[n], `count` i64[1 << DIGIT].
    """
    a, b, p, q = keys, other_keys, order, other_order
    top, low = ZERO, ~ZERO
    for i in range(len(keys)):
        top |= keys[i]
        low &= keys[i]
    differs, shift, flipped = top & ~low, 0, False
    mask = U((1 << DIGIT) - 1)
    while shift < 64:
        if (differs >> U(shift)) & mask == ZERO:
            shift += DIGIT
            continue
        count[:] = 0
        for i in range(len(a)):
            count[(a[U(i)] >> U(shift)) & mask] += 1
        total = 0
        for digit in range(len(count)):
            total += count[digit]
            count[digit] = total - count[digit]
        for i in range(len(a)):
            key = a[U(i)]
            digit = (key >> U(shift)) & mask
            at = U(count[digit])
            count[digit] += 1
            b[at], q[at] = key, p[U(i)]
        a, b, p, q = b, a, q, p
        shift, flipped = shift + DIGIT, not flipped
    return flipped


@kernel
def number_sorted(keys: Any, order: Any, ids: Any) -> int:
    """Keep one of each of the sorted `keys`; `ids[order[i]]` is the number of what was `keys[i]`.
    Returns how many there are.

    `keys` u64[n], `order`, `ids` i64[n].
    """
    n = 0
    for i in range(len(keys)):
        if i == 0 or keys[i] != keys[n - 1]:
            keys[n] = keys[i]
            n += 1
        ids[order[i]] = n - 1
    return n
