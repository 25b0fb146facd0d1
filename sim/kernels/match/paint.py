"""Painting rules onto grids of classes: how the tables of the dense engines are built.

A rule covers a union of intervals on either axis, a box at a time. Signatures of boxes are added
where they begin and subtracted where they end while a grid is swept row by row, so that finding its
distinct cells costs the same whatever the sizes of boxes.

Blocks make their tables on their own (`sim.blocks.tabulate`, which says why); alike, by law.

Theory: a grid of classes is the arrangement of all boxes; two cells are alike if the same rules
cover them. Rules get random words, a cell the sum (mod 2**64) of the words of the rules that cover
it, and two such sums, 128 bits, tell covers apart. Invariants: boxes are half open, `a <= class <
b`; a sum is the same whatever the order of the boxes; painting goes from the last rule to the
first, so what stays is the first match. Cost: `merge_cells` boxes + cells, `paint_rules` and
`list_cells` the cells that boxes cover, the others linear in their arguments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels import kernel
from sim.kernels.arrays import I32, I64, U8, U32, U64
from sim.kernels.match.number import place_of

U = np.uint64
ZERO, ONE = U(0), U(1)


class Boxes(NamedTuple):
    """The intervals of classes that each rule covers on one axis: those of rule `r` are
    `a[k] <= class < b[k]` for `k` in `off[r]..off[r + 1]`."""

    off: NDArray[np.int64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]


@kernel
def paint_product(
    a: I64, b: I64, c: I64, held_a: U8, held_b: U8, held_c: U8, weight: U64, out: U64
) -> None:
    """Add `weight[s]` to every cell of `out` whose three classes set `s` holds on its axes.

    `a`, `b`, `c` i64[sets], `held_a`, `held_b`, `held_c` u8[sets of an axis, its classes],
    `weight` u64[sets], `out` u64[classes of a, of b, of c].
    """
    for s in range(len(a)):
        for i in range(out.shape[0]):
            if held_a[a[s], i] == 0:
                continue
            for j in range(out.shape[1]):
                if held_b[b[s], j] == 0:
                    continue
                for k in range(out.shape[2]):
                    if held_c[c[s], k] != 0:
                        out[i, j, k] += weight[s]


@kernel
def merge_cells(
    event_off: I64, events: I64, dst: Any, weight: U64, delta: U64, above: U64, slots: I32,
    keys: U64, x: I32,
) -> int:  # fmt: skip
    """Number the distinct cells of a grid by the rules that cover them, row by row: `x`, in order
    of appearance. Returns how many there are, or -1 as soon as they would fill more than half of
    the hash table `slots` (all -1), or -2 if more than fit `keys`.

    `weight[l, r]`: rule r's part of sum l, of three. The first two are signatures, and a cell is
    equal to another if both are; `keys[l, id]` are the sums of each cell. `events` of row `i`, at
    `event_off[i]..event_off[i + 1]`, are rules whose boxes begin (`2 * r`) or end (`2 * r + 1`)
    there. `delta`, `above`: scratch of three rows, 0, one longer than a row of the grid.

    `event_off` i64[rows + 1], `events` i64[2 x boxes of sources], `dst` Boxes, `weight` u64[3,
    rules], `delta`, `above` u64[3, columns + 1],
    `slots` i32[power of two], `keys` u64[3, most cells], `x` i32[rows, columns].
    """
    ns, nd = len(event_off) - 1, x.shape[1]
    mask = U(len(slots) - 1)
    n = 0
    for i in range(ns):
        for e in range(event_off[i], event_off[i + 1]):
            r = events[e] >> 1
            u, v, w = weight[0, r], weight[1, r], weight[2, r]
            if events[e] & 1 != 0:
                u, v, w = ZERO - u, ZERO - v, ZERO - w
            for box in range(dst.off[r], dst.off[r + 1]):
                left, right = U(dst.a[box]), U(dst.b[box])
                delta[0, left] += u
                delta[0, right] -= u
                delta[1, left] += v
                delta[1, right] -= v
                delta[2, left] += w
                delta[2, right] -= w
        u = v = w = ZERO
        for k in range(nd):
            j = U(k)
            u, v, w = u + delta[0, j], v + delta[1, j], w + delta[2, j]
            if i > 0 and u == above[0, j] and v == above[1, j]:
                x[U(i), j] = x[U(i - 1), j]
                continue
            above[0, j], above[1, j] = u, v
            at = place_of(u, mask)
            while slots[at] >= 0 and (keys[0, U(slots[at])] != u or keys[1, U(slots[at])] != v):
                at = (at + ONE) & mask
            if slots[at] < 0:
                if 2 * n >= len(slots):
                    return -1
                if n == keys.shape[1]:
                    return -2
                slots[at] = n
                keys[0, n], keys[1, n], keys[2, n] = u, v, w
                n += 1
            x[U(i), j] = slots[at]
    return n


@kernel
def paint_rules(
    src: Any, dst: Any, x: I32, sets: I64, y_off: I64, y_list: I64, n_y: int, ids: I64,
    seen: I64, f: I32,
) -> None:  # fmt: skip
    """Write `ids[r]` to every cell of `f` that rule `r` covers, last rule first, so the first wins.

    `x[row, column]` is the cell of `f`, which has `n_y` places each. `seen` is scratch, -1.

    `src`, `dst` Boxes, `x`
    i32[rows, columns], `sets`, `ids` i64[rules], `y_off` i64[sets + 1], `y_list` i64[places of
    sets], `seen` i64[cells], `f` i32[cells x n_y].
    """
    for r in range(len(ids) - 1, -1, -1):
        for i in range(src.off[r], src.off[r + 1]):
            for row in range(src.a[i], src.b[i]):
                for j in range(dst.off[r], dst.off[r + 1]):
                    for column in range(dst.a[j], dst.b[j]):
                        cell = U(x[U(row), U(column)])
                        if seen[cell] == r:
                            continue
                        seen[cell] = r
                        base = cell * U(n_y)
                        for k in range(y_off[sets[r]], y_off[sets[r] + 1]):
                            f[base + U(y_list[k])] = ids[r]


@kernel
def list_cells(
    src: Any, dst: Any, x: I32, count: I64, first: I64, seen: I64, off: I64, out: U32
) -> None:  # fmt: skip
    """Write the `count[r]` records from `first[r]` on of every rule `r` that covers a cell at
    `off[cell]`, which moves on. `x`, `seen` as above.

    `src`, `dst`, `x` and `seen` as
    `paint_rules`; `count`, `first` i64[rules], `off` i64[cells], `out` u32[records of all cells].
    """
    for r in range(len(first)):
        if count[r] == 0:
            continue
        for i in range(src.off[r], src.off[r + 1]):
            for row in range(src.a[i], src.b[i]):
                for j in range(dst.off[r], dst.off[r + 1]):
                    for column in range(dst.a[j], dst.b[j]):
                        cell = U(x[U(row), U(column)])
                        if seen[cell] == r:
                            continue
                        seen[cell] = r
                        for record in range(first[r], first[r] + count[r]):
                            out[off[cell]] = record
                            off[cell] += 1


@kernel
def gather_lengths(item: Any, length: Any, out: Any) -> None:
    """Add `length[k]`, as a bit, to the set `out[item[k]]`.

    `item` i64[n], `length` u8[n], `out` u64[items].
    """
    for k in range(len(item)):
        out[U(item[k])] |= ONE << U(length[k])


@kernel
def count_sets(
    parent: Any, length: Any, held: Any, step: Any, reach: Any, stride: int, other_stride: int,
    most: int, slots: Any, bits: Any,
) -> int:  # fmt: skip
    """Write the sets of tuples of prefixes in preorder: those of their parents, and for each of the
    other side's steps `j` whose lengths `reach[j]` meet `held[i]` the tuple of the prefix' own step
    and `j`. Returns how many sets there are with the empty one, or 0 if they are more than `most`;
    `slots` is a hash table of more places than that, all 0. Tuples are numbered by steps: one of
    this side counts `stride`, one of the other `other_stride`.

    `parent` i64[n], `length` u8[n], `held`, `bits` u64[n], `step` i64[33], `reach` u64[steps],
    `slots` u64[power of two].
    """
    mask = U(len(slots) - 1)
    n = 1
    for i in range(len(parent)):
        word = bits[parent[i]] if parent[i] >= 0 else ZERO
        if held[i] != ZERO:
            first = step[length[i]] * stride
            for j in range(len(reach)):
                if held[i] & reach[j] != ZERO:
                    word |= ONE << U(first + j * other_stride)
        bits[i] = word
        if word == ZERO:
            continue
        at = place_of(word, mask)
        while slots[at] != ZERO and slots[at] != word:
            at = (at + ONE) & mask
        if slots[at] == ZERO:
            if n == most:
                return 0
            slots[at] = word
            n += 1
    return n


@kernel
def pair_sets(src: Any, dst: Any, slots: Any, words: Any, out: Any) -> int:
    """Number the distinct `src[i] & dst[j]` in order of appearance: `words`, and in `out` the
    number of each pair. Returns how many there are, or -1 as soon as they would fill more than half
    of `slots`, a hash table of a power of two places, all -1.

    `src` u64[n], `dst` u64[m], `slots` i32[power of two], `words` u64[half of `slots`], `out`
    u32[n, m].
    """
    mask = U(len(slots) - 1)
    n, last, last_id = 0, ZERO, -1
    for i in range(len(src)):
        for j in range(len(dst)):
            word = src[i] & dst[j]
            if last_id < 0 or word != last:
                at = place_of(word, mask)
                while slots[at] >= 0 and words[U(slots[at])] != word:
                    at = (at + ONE) & mask
                if slots[at] < 0:
                    if 2 * n >= len(slots):
                        return -1
                    slots[at] = n
                    words[n] = word
                    n += 1
                last, last_id = word, slots[at]
            out[i, j] = last_id
    return n


@kernel
def list_tuples(words: Any, item: Any, start: Any, out: Any) -> None:
    """The items of each set's tuples from `start[i]` of `out` on, and an end mark.

    `words` u64[n], `item` u32[64], `start` u32[n], `out` u32[bits of all words + n].
    """
    n = ZERO
    for i in range(len(words)):
        start[i] = n
        word, b = words[i], ZERO
        while word != ZERO:
            if word & ONE != ZERO:
                out[n] = item[b]
                n += ONE
            word >>= ONE
            b += ONE
        out[n] = 0xFFFFFFFF
        n += ONE


@kernel
def inherit_rows(parent: Any, row: Any, outside: int) -> None:
    """Prefixes in preorder without a row of their own (-1) take over their parents' (`outside`).

    `parent`, `row` i64[n].
    """
    for i in range(len(parent)):
        if row[i] < 0:
            row[i] = row[parent[i]] if parent[i] >= 0 else outside


@kernel
def gather_bits(held: Any, at: Any, out: Any) -> None:
    """Bit `k` of each row of `out` is column `at[k]` of the row of flags.

    `held` u8[n, columns], `at` i64[m], `out` u64[n, m / 64 up].
    """
    for i in range(len(held)):
        for k in range(len(at)):
            j = U(k)
            out[U(i), j >> U(6)] |= U(held[U(i), U(at[j])] != 0) << (j & U(63))


@kernel
def list_bits(words: Any, off: Any, size: int, out: Any) -> None:
    """The numbers of the bits set in each set of `size` words, ascending, those of word `i` from
    `off[i]` on.

    `words` u64[sets x size], `off` i64[sets x size], `out` i64[bits of all].
    """
    for i in range(len(words)):
        word, at = words[i], off[i]
        for b in range(64 * (i % size), 64 * (i % size + 1)):
            if word == ZERO:
                break
            if word & ONE != ZERO:
                out[at] = b
                at += 1
            word >>= ONE


@kernel
def fill_heavy(
    first: Any, end: Any, rule: Any, sets: Any, y_off: Any, y_list: Any, n_y: int, out: Any
) -> None:
    """Row `k` of `out`: by L4 class the first of the rules `rule[first[k]:end[k]]`, which are
    ascending and have these sets.

    `first`, `end` i64[rows], `rule`, `sets` i64[rules], `y_off` i64[sets + 1], `y_list` i64[places
    of sets], `out` u32[rows x n_y], `n_y` how many L4 classes there are.
    """
    for k in range(len(first)):
        for i in range(end[k] - 1, first[k] - 1, -1):
            for at in range(y_off[sets[i]], y_off[sets[i] + 1]):
                out[k * n_y + y_list[at]] = rule[i]


@kernel
def count_sharing(
    first: Any, by_length: Any, end: Any, lengths: Any, group: Any, count: Any, out: Any
) -> None:
    """`out[i, j]`: how many ordered pairs of prefixes of lengths `lengths[i]..lengths[j - 1]` have
    the first `lengths[i]` bits in common. Prefixes are sorted by address; `by_length` lists them by
    length, those of `lengths[i]` up to `end[i]`; `group`, `count` are scratch, one per prefix.

    `first` u32[n], `by_length`, `group`, `count` i64[n], `end`, `lengths` i64[m], `out` i64[m, m +
    1].
    """
    for i in range(len(lengths)):
        n, last = -1, ZERO
        for k in range(len(first)):
            key = U(first[k]) >> U(32 - lengths[i])
            if k == 0 or key != last:
                n += 1
                count[n] = 0
            last, group[k] = key, n
        total, k = 0, end[i - 1] if i > 0 else 0
        for j in range(i, len(lengths)):
            while k < end[j]:
                own = group[by_length[k]]
                total += 2 * count[own] + 1
                count[own] += 1
                k += 1
            out[i, j + 1] = total
