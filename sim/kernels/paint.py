"""Painting rules onto grids of classes: how the tables of the dense engines are built.

A rule covers a union of intervals on either axis, a box at a time. Signatures of boxes are added at
their corners and integrated afterwards, so painting costs four additions per box whatever its size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel

U = np.uint64
ZERO, ONE = U(0), U(1)


@kernel
def paint_product(
    a: Any, b: Any, c: Any, held_a: Any, held_b: Any, held_c: Any, weight: Any, out: Any
) -> None:
    """Add `weight[s]` to every cell of `out` whose three classes set `s` holds on its axes."""
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
def held_classes(
    a: Any, b: Any, c: Any, held_a: Any, held_b: Any, held_c: Any, ra: Any, rb: Any, rc: Any,
    off: Any, out: Any,
) -> None:  # fmt: skip
    """Classes `y` (cell `ra[y], rb[y], rc[y]`) that each set holds. With an empty `out` only their
    numbers are written, to `off[s + 1]`; else the classes, from `off[s]` on."""
    for s in range(len(a)):
        n = 0
        for y in range(len(ra)):
            if (held_a[a[s], ra[y]] & held_b[b[s], rb[y]] & held_c[c[s], rc[y]]) != 0:
                if len(out) > 0:
                    out[off[s] + n] = y
                n += 1
        if len(out) == 0:
            off[s + 1] = n


@kernel
def paint_boxes(
    src_off: Any,
    src_a: Any,
    src_b: Any,
    dst_off: Any,
    dst_a: Any,
    dst_b: Any,
    weight: Any,
    grid: Any,
) -> None:
    """Add `weight[r]` to the cells of rule `r`, for all rules: corners first, then integrate."""
    ns, nd = grid.shape
    for r in range(len(weight)):
        w = weight[r]
        for i in range(src_off[r], src_off[r + 1]):
            top, bottom = src_a[i], src_b[i]
            for j in range(dst_off[r], dst_off[r + 1]):
                left, right = dst_a[j], dst_b[j]
                grid[top, left] += w
                if right < nd:
                    grid[top, right] -= w
                if bottom < ns:
                    grid[bottom, left] -= w
                    if right < nd:
                        grid[bottom, right] += w
    for i in range(ns):
        total = ZERO
        for j in range(nd):
            total += grid[i, j]
            grid[i, j] = total + (grid[i - 1, j] if i > 0 else ZERO)


@kernel
def identify(keys: Any, slots: Any, ids: Any, rep: Any) -> int:
    """Number the distinct `keys` in order of appearance: `ids` per key, `rep` a place of each id.

    `slots` is a hash table of a power of two places, all -1. Returns how many there are, or -1 as
    soon as they would fill more than half of `slots` or all of `rep`.
    """
    mask = U(len(slots) - 1)
    n, last, last_id = 0, ZERO, -1
    for i in range(len(keys)):
        key = keys[i]
        if last_id >= 0 and key == last:
            ids[i] = last_id
            continue
        at = (key * U(0x9E3779B97F4A7C15)) >> U(20) & mask
        while slots[at] >= 0 and keys[rep[slots[at]]] != key:
            at = (at + ONE) & mask
        if slots[at] < 0:
            if n == len(rep) or 2 * n >= len(slots):
                return -1
            slots[at] = n
            rep[n] = i
            n += 1
        last, last_id = key, slots[at]
        ids[i] = last_id
    return n


@inlined
def covered(off: Any, a: Any, b: Any, merged: Any, r: Any, scratch: Any) -> Any:
    """The distinct merged classes of rule `r` on one axis: their number; they are in column 1 of
    `scratch`, whose column 0 holds no `r` before."""
    n = 0
    for i in range(off[r], off[r + 1]):
        for k in range(a[i], b[i]):
            if scratch[merged[k], 0] != r:
                scratch[merged[k], 0] = r
                scratch[n, 1] = merged[k]
                n += 1
    return n


@kernel
def paint_rules(
    src_off: Any, src_a: Any, src_b: Any, dst_off: Any, dst_a: Any, dst_b: Any, row: Any,
    column: Any, x: Any, n_columns: int, sets: Any, y_off: Any, y_list: Any, n_y: int, ids: Any,
    rows: Any, columns: Any, seen: Any, found: Any, f: Any,
) -> None:  # fmt: skip
    """Write `ids[r]` to every cell of `f` that rule `r` covers, last rule first, so the first wins.

    `row`, `column`: merged class of each class of the axes; `x[row * n_columns + column]` is the
    cell of `f`, which has `n_y` places each. `rows`, `columns`, `seen`, `found` are scratch; the
    first three hold -1.
    """
    for r in range(len(ids) - 1, -1, -1):
        n_rows = covered(src_off, src_a, src_b, row, r, rows)
        n_columns_here = covered(dst_off, dst_a, dst_b, column, r, columns)
        n = 0
        for i in range(n_rows):
            base = rows[i, 1] * n_columns
            for j in range(n_columns_here):
                cell = x[base + columns[j, 1]]
                if seen[cell] != r:
                    seen[cell] = r
                    found[n] = cell
                    n += 1
        for i in range(n):
            base = found[i] * n_y
            for k in range(y_off[sets[r]], y_off[sets[r] + 1]):
                f[base + y_list[k]] = ids[r]


@kernel
def inherit_bits(parent: Any, bits: Any) -> None:
    """Prefixes in preorder take over the bits of their parents."""
    for i in range(len(parent)):
        if parent[i] >= 0:
            bits[i] |= bits[parent[i]]


@kernel
def inherit_rows(parent: Any, row: Any, outside: int) -> None:
    """Prefixes in preorder without a row of their own (-1) take over their parents' (`outside`)."""
    for i in range(len(parent)):
        if row[i] < 0:
            row[i] = row[parent[i]] if parent[i] >= 0 else outside


@kernel
def list_bits(words: Any, off: Any, out: Any) -> None:
    """The numbers of the bits set in each word, ascending, from `off[i]` on."""
    for i in range(len(words)):
        at = off[i]
        for b in range(64):
            if (words[i] >> U(b)) & ONE != ZERO:
                out[at] = b
                at += 1


@kernel
def fill_heavy(
    first: Any, end: Any, rule: Any, sets: Any, y_off: Any, y_list: Any, n_y: int, out: Any
) -> None:
    """Row `k` of `out`: by L4 class the first of the rules `rule[first[k]:end[k]]`, which are
    ascending and have these sets."""
    for k in range(len(first)):
        for i in range(end[k] - 1, first[k] - 1, -1):
            for at in range(y_off[sets[i]], y_off[sets[i] + 1]):
                out[k * n_y + y_list[at]] = rule[i]


@kernel
def count_sharing(first: Any, length: Any, lengths: Any, out: Any) -> None:
    """`out[i, j]`: how many ordered pairs of prefixes of lengths `lengths[i]..lengths[j - 1]` have
    the first `lengths[i]` bits in common; prefixes sorted by address."""
    for i in range(len(lengths)):
        shift = U(32 - lengths[i])
        for j in range(i + 1, len(lengths) + 1):
            total, run, last = 0, 0, U(1) << U(40)
            for k in range(len(first)):
                if length[k] < lengths[i] or length[k] > lengths[j - 1]:
                    continue
                key = U(first[k]) >> shift
                if key != last:
                    total += run * run
                    run, last = 0, key
                run += 1
            out[i, j] = total + run * run
