"""A perfect hash by displacement (CHD: Belazzougui, Botelho, Dietzfelbinger, ESA 2009).

Keys are three words. Their first hash names a bucket, whose displacement says where its keys lie:
one look-up, one probe, no collisions among the keys of the table. A bucket is a word,
`marks << 16 | displacement`: every key of it sets the one of 16 marks that the top of its second
hash names, so that most strangers are known without a probe.

Theory: hash and displace. Buckets, fuller ones first, each take the first displacement by which all
of their keys hit free slots.
Invariants: no two keys of a table have one slot; a stranger may pass the marks and the tag, never
the comparison of the key itself. Cost of a look-up: one bucket word and one record; of building:
expected linear, with at most 65,536 displacements tried per bucket, after which another seed is
due.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.arrays import I32, I64, U32

U, W = np.uint64, np.uint32
LSB, HALF, SIXTEEN, MARK = W(1), W(15), W(16), W(28)
A, B, C, D, E = (W(x) for x in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x2C1B3C6D, 0x297A2D39))


@inlined
def hash_word(x: Any, y: Any, t: Any, seed: Any) -> Any:
    """Two hashes of 32 bits of a key. numba widens sums and products of words, hence the casts.

    `x`, `y`, `t` the key's words, `seed`: u32.
    """
    a, b, c = W((x ^ seed) * A), W(y * B), W(t * C)
    h = W(a + W(W(b << W(13)) | (b >> W(19))) + c)
    g = W(W(b + W(W(a << W(7)) | (a >> W(25)))) ^ c)
    h, g = W((h ^ (h >> HALF)) * D), W((g ^ (g >> SIXTEEN)) * E)
    return W(h ^ (h >> W(12))), W(g ^ (g >> HALF))


@inlined
def hash_lanes(x: Any, y: Any, t: Any, seed: Any) -> Any:
    """The same for eight keys: `x`, `y`, `t` u32 lanes, `seed` u32."""
    a, b, c = (x ^ seed) * A, y * B, t * C
    h = a + ((b << W(13)) | (b >> W(19))) + c
    g = (b + ((a << W(7)) | (a >> W(25)))) ^ c
    h, g = (h ^ (h >> HALF)) * D, (g ^ (g >> SIXTEEN)) * E
    return h ^ (h >> W(12)), g ^ (g >> HALF)


@kernel
def hash_keys(x: Any, y: Any, t: Any, seed: Any, out: Any) -> None:
    """`hash_word` of columns: the first hash above the second.

    `x`, `y`, `t` u32[n], `seed` u32, `out` u64[n].
    """
    for i in range(len(x)):
        h, g = hash_word(x[i], y[i], t[i], seed)
        out[i] = U(h) << U(32) | U(g)


@kernel
def displace(
    hashes: Any, order: Any, off: Any, largest: int, mask: int, used: Any, buckets: Any, slot: Any
) -> bool:
    """A perfect hash (CHD) of `hash_keys`: bucket `h >> shift`, slot
    `(g + displacement * (h | 1)) & mask`.

    `order` lists keys by bucket, `off[b]..off[b + 1]`; fuller buckets choose first. False if a
    bucket finds no place: keys with the same `g` and `h | 1` (modulo the slots) never do. As anyone
    can choose such keys, another seed must be tried then.

    `hashes` u64[n], `order`, `slot` i64[n], `off` i64[buckets + 1], `used` u8[slots], `buckets`
    u32[buckets]; `largest` the most keys of a bucket, `mask` the number of slots less one.
    """
    for size in range(largest, 0, -1):
        for b in range(len(off) - 1):
            if off[b + 1] - off[b] != size:
                continue
            placed, marks = False, W(0)
            for d in range(65536):
                n = 0
                while n < size:
                    key = order[off[b] + n]
                    h, g = W(hashes[key] >> U(32)), W(hashes[key])
                    at = (g + W(d) * (h | W(1))) & W(mask)
                    if used[at] != 0:
                        break
                    used[at] = 1
                    slot[key] = at
                    marks |= LSB << (g >> MARK)
                    n += 1
                if n == size:
                    buckets[b] = marks << SIXTEEN | W(d)
                    placed = True
                    break
                for k in range(n):
                    used[slot[order[off[b] + k]]] = 0
            if not placed:
                return False
    return True


@kernel
def chain(key: I32, slot: I64, off: I64, more: I64, place: I64, following: I64) -> None:
    """Where records lie, and where the next one of each key does (0: there is none): the first of
    key `k` at `slot[k]`, the `more[k]` others from `off[k]` on. All three are used up.

    `key` i32[records], `slot`, `off`, `more` i64[keys], `place`, `following` i64[records].
    """
    for i in range(len(key)):
        k = key[i]
        place[i] = slot[k]
        if more[k] > 0:
            slot[k] = off[k]
            off[k] += 1
            more[k] -= 1
            following[i] = slot[k]
        else:
            following[i] = 0


@kernel
def write_records(
    src: U32, dst: U32, bounds: U32, rule: I64, row: I64, sport: U32, dport: U32, kinds: U32,
    place: I64, following: I64, out: U32,
) -> None:  # fmt: skip
    """Write records, the first four columns by row, others by record, to their places.

    `src`, `dst`, `bounds` u32[rows], `rule` i64[rows], `row`, `place`, `following` i64[records],
    `sport`, `dport`, `kinds` u32[records], `out` u32[8 x places].
    """
    for i in range(len(row)):
        r, at = row[i], U(place[i]) << U(3)
        out[at] = src[r]
        out[at + U(1)] = dst[r]
        out[at + U(2)] = bounds[r]
        out[at + U(3)] = rule[r]
        out[at + U(4)] = sport[i]
        out[at + U(5)] = dport[i]
        out[at + U(6)] = kinds[i]
        out[at + U(7)] = following[i]
