"""Longest-prefix match over IPv4: nesting of prefixes, and three layouts of the answer.

* stride trie, 16-8-8 bits: a root of 65,536 words and chunks of 256; an entry with the sign bit set
  points to a chunk. Three dependent look-ups, 1 KiB per chunk: for small sets.
* byte trie, 8-8-8-8 bits: the same with a root of 256 words, for many small sets in one array.
* intervals: sorted starts, found by a short search below a root on the top 16 bits (and where a
  block is crowded, 24 or all): six bytes per interval, for large sets (after DXR, Zec et al., CCR
  2012).

Prefixes are sorted by (first address, length), which is preorder of their nesting.

Theory: a longest-prefix match is a step function of the address; a trie tabulates it level by
level, and intervals list its steps. Invariants: shorter prefixes are written first, so longer ones
win; an entry without the sign bit is a value; a chunk that is split inherits the entry that it
replaces; interval starts ascend and the first is 0. Cost of a look-up: three, four, or one to
three and log2 of a block's intervals; of building: prefixes + chunks x 256, and linear for `nest`
and `sweep` (a stack). Look-ups are inlined: `table` u32[words of all chunks], `address` u32, and of
many packets `addresses` u32[packets], of which a block begins at `base` and has `stop` (u64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined, kernel
from sim.kernels.match.lanes import at_most, below, bits, follow, gather, load, pick, splat, store

U, W = np.uint64, np.uint32
ZERO, ONE = U(0), U(1)
POINTER = W(0x80000000)
BYTE = W(255)
EIGHT, SIXTEEN, TWENTY_FOUR = W(8), W(16), W(24)


@kernel
def nest(first: Any, length: Any, stack: Any, parent: Any, end: Any) -> None:
    """`parent[i]`: the closest prefix that contains prefix i, or -1; `i + 1..end[i]` are inside.

    `first` u32[n], `length` u8[n], `parent`, `end` i64[n], `stack` i64[33 or more].
    """
    depth = 0
    for i in range(len(first)):
        while depth > 0:
            j = stack[depth - 1]
            if U(first[i]) - U(first[j]) < ONE << U(32 - length[j]):
                break
            end[j] = i
            depth -= 1
        parent[i] = stack[depth - 1] if depth > 0 else -1
        stack[depth] = i
        depth += 1
    for k in range(depth):
        end[stack[k]] = len(first)


@kernel
def insert_strides(
    first: Any, length: Any, value: Any, order: Any, levels: Any, table: Any, node: int, free: int
) -> int:
    """Write prefixes, in `order` (shorter ones first), into a trie of byte-wide chunks.

    `levels[0]` is the width in bits of the root, which begins at word `node << 8`; chunk `c` begins
    at `c << 8`. New chunks are taken from `free` on; returns the next free one.

    `first`, `value` u32[n], `length` u8[n], `order` i64[n], `levels` i64[3 or 4], `table`
    u32[words of all chunks], `node` the root's chunk.
    """
    for at in range(len(order)):
        i = order[at]
        base = U(node) << U(8)
        address, left = U(first[i]), length[i]
        shift = 32
        for level in range(len(levels)):
            width = levels[level]
            shift -= width
            index = base + ((address >> U(shift)) & ((ONE << U(width)) - ONE))
            if left <= width:
                for k in range(index, index + (ONE << U(width - left))):
                    table[k] = value[i]
                break
            left -= width
            entry = table[index]
            if entry & POINTER == 0:
                base = U(free) << U(8)
                for k in range(base, base + U(256)):
                    table[k] = entry
                table[index] = W(free) | POINTER
                free += 1
            else:
                base = U(entry ^ POINTER) << U(8)
    return free


@inlined
def step(table: Any, entry: Any, byte: Any) -> Any:
    """One level down, by `byte`, if `entry` is a pointer (u32 both)."""
    if entry & POINTER != W(0):
        return table[U(((entry ^ POINTER) << EIGHT) | byte)]
    return entry


@inlined
def stride_walk(table: Any, address: Any) -> Any:
    """The value of an address in a 16-8-8 trie whose root begins at word 0."""
    entry = table[U(address >> SIXTEEN)]
    entry = step(table, entry, (address >> EIGHT) & BYTE)
    return step(table, entry, address & BYTE)


@inlined
def stride_walks(table: Any, addresses: Any, base: Any, stop: Any, out: Any) -> None:
    """The values of `addresses[base:base + stop]` to `out`, eight at a time, level by level.

    `out` u32[stop], a multiple of eight.
    """
    for k in range(0, stop, 8):
        store(out, U(k), gather(table, load(addresses, base + U(k)) >> SIXTEEN))
    _descend(table, addresses, base, stop, 8, out)


@inlined
def byte_walk(table: Any, root: Any, address: Any) -> Any:
    """The value of an address in an 8-8-8-8 trie whose root begins at word `root` (u32)."""
    entry = table[U(root | (address >> TWENTY_FOUR))]
    entry = step(table, entry, (address >> SIXTEEN) & BYTE)
    entry = step(table, entry, (address >> EIGHT) & BYTE)
    return step(table, entry, address & BYTE)


@inlined
def byte_walks(table: Any, addresses: Any, base: Any, stop: Any, out: Any) -> None:
    """The same in 8-8-8-8 tries whose roots begin at the words `out`."""
    for k in range(0, stop, 8):
        top = load(addresses, base + U(k)) >> TWENTY_FOUR
        store(out, U(k), gather(table, load(out, U(k)) | top))
    _descend(table, addresses, base, stop, 16, out)


@inlined
def _descend(table: Any, addresses: Any, base: Any, stop: Any, shift: Any, out: Any) -> None:
    """From entries of a level, in `out`, to values: chunks by the byte at `shift`, and then the
    next ones. `out` as `stride_walks`."""
    for right in range(shift, -1, -8):
        for k in range(0, stop, 8):
            entry, byte = load(out, U(k)), (load(addresses, base + U(k)) >> W(right)) & BYTE
            store(out, U(k), follow(table, (entry << EIGHT) | byte, entry))


@kernel
def sweep(
    first: Any, length: Any, value: Any, outside: int, stack: Any, start: Any, out: Any
) -> int:
    """Intervals of equal values: `out[k]` from address `start[k]` on. Returns their number, at most
    `2 * len(first) + 1`.

    `first`, `value` u32[n], `length` u8[n], `stack` i64[33 or more], `start` u64[2n + 2], `out`
    u32[2n + 2], `outside` the value of what is in no prefix.
    """
    depth, n = 0, 1
    start[0], out[0] = ZERO, W(outside)
    for i in range(len(first) + 1):
        at = U(first[i]) if i < len(first) else ONE << U(32)
        while depth > 0:
            j = stack[depth - 1]
            end = U(first[j]) + (ONE << U(32 - length[j]))
            if end > at:
                break
            depth -= 1
            after = value[stack[depth - 1]] if depth > 0 else W(outside)
            n = _emit(start, out, n, end, after)
        if i < len(first):
            n = _emit(start, out, n, at, value[i])
            stack[depth] = i
            depth += 1
    if start[n - 1] == ONE << U(32):
        n -= 1
    return n


@inlined
def _emit(start: Any, out: Any, n: Any, at: Any, value: Any) -> Any:
    """From address `at` on (u64) the value is `value` (u32); returns how many intervals there are
    then, of the `n` before. `start`, `out` as `sweep`."""
    if start[n - 1] == at:
        n -= 1
    if n == 0 or out[n - 1] != value:
        start[n], out[n] = at, value
        n += 1
    return n


@inlined
def span(start: Any, k: Any, address: Any, past: Any) -> Any:
    """The intervals that touch the addresses up to `past`, `start[k]` being one that begins no
    later: the first, and one past the last.

    `start` u64[intervals], ascending; `k`, `address`, `past` u64, all but `k` addresses.
    """
    n = U(len(start))
    while k + ONE < n and start[k + ONE] <= address:
        k += ONE
    end = k + ONE
    while end < n and start[end] < past:
        end += ONE
    return k, end


@kernel
def crowded_blocks(start: Any, blocks: Any, fan: int, width: int, crowd: int, out: Any) -> int:
    """Which of the `fan` blocks of `2**width` addresses from each of `blocks` on touch more than
    `crowd` intervals: their addresses. Returns how many there are.

    `start` u64[intervals], `blocks` u64[n], `out` u64[n x fan], `width` in bits.
    """
    k, n, size = ZERO, 0, ONE << U(width)
    for p in range(len(blocks)):
        address, past = blocks[p], blocks[p] + (U(fan) << U(width))
        while address < past:
            k, end = span(start, k, address, address + size)
            if end - k > U(crowd):
                out[n] = address
                n += 1
            elif end - k == ONE:
                address = (start[end] if end < U(len(start)) else past) & ~(size - ONE)
                continue
            address += size
    return n


@kernel
def fill_blocks(
    start: Any, value: Any, shared: Any, blocks: Any, fan: int, width: int, crowd: int, chunk: int,
    at: int, n: int, table: Any, low: Any, out: Any,
) -> Any:  # fmt: skip
    """Write the entries of these blocks to `table` from `at` on; crowded ones point to chunks, from
    `chunk` on. Where one interval covers a block, its value is at `shared[interval]`; others are
    written to `low` and `out` from `n` on. Returns what follows there.

    `start` u64[intervals], `value` u32[intervals], `shared` i32[intervals], `blocks` u64[n],
    `table` u32[words of all chunks], `low` u16[room], `out` u32[room]; `fan`, `width`, `crowd` as
    `crowded_blocks`.
    """
    k, place, free, next_chunk, size = ZERO, U(at), U(n), U(chunk), ONE << U(width)
    for p in range(len(blocks)):
        address, past = blocks[p], blocks[p] + (U(fan) << U(width))
        while address < past:
            k, end = span(start, k, address, address + size)
            count = end - k
            if count == ONE:
                until = min(start[end], past) if end < U(len(start)) else past
                entry = W(U(shared[k]) << U(8))
                for _ in range((until - address) >> U(width)):
                    table[place] = entry
                    place += ONE
                    address += size
                continue
            if count > U(crowd):
                table[place] = W(next_chunk) | POINTER
                next_chunk += ONE
            else:
                table[place] = W(free << U(8) | (count - ONE))
                for i in range(k, end):
                    low[free] = max(start[U(i)], address) & U(0xFFFF)
                    out[free] = value[U(i)]
                    free += ONE
            place += ONE
            address += size
    return free


@inlined
def interval_entry(table: Any, address: Any) -> Any:
    """Where the intervals of an address' block begin (<< 8) and how many follow the first."""
    entry = table[U(address >> SIXTEEN)]
    entry = step(table, entry, (address >> EIGHT) & BYTE)
    return step(table, entry, address & BYTE)


@inlined
def interval_walk(table: Any, low: Any, value: Any, address: Any) -> Any:
    """The value of an address in an interval table.

    `low` u16[intervals], the low halves of starts, `value` u32[intervals].
    """
    entry = interval_entry(table, address)
    at, n, key = U(entry >> EIGHT), U(entry & BYTE), address & W(0xFFFF)
    while n > ZERO:
        half = (n + ONE) >> ONE
        if W(low[at + half]) <= key:
            at += half
        n -= half
    return value[at]


@inlined
def interval_walks(
    table: Any, low: Any, value: Any, addresses: Any, base: Any, stop: Any, out: Any
) -> None:
    """`interval_walk` of `addresses[base:base + stop]`, eight at a time.

    `low`, `value` as `interval_walk`, `out` as `stride_walks`.
    """
    for k in range(0, stop, 8):
        store(out, U(k), gather(table, load(addresses, base + U(k)) >> SIXTEEN))
    for k in range(0, stop, 8):
        entry, address = load(out, U(k)), load(addresses, base + U(k))
        if bits(entry) != ZERO:
            entry = follow(table, (entry << EIGHT) | ((address >> EIGHT) & BYTE), entry)
            if bits(entry) != ZERO:
                entry = follow(table, (entry << EIGHT) | (address & BYTE), entry)
            store(out, U(k), entry)
    for k in range(0, stop, 8):
        found = interval_find8(low, load(out, U(k)), load(addresses, base + U(k)))
        store(out, U(k), found)
    for k in range(0, stop, 8):
        store(out, U(k), gather(value, load(out, U(k))))


@inlined
def interval_find8(low: Any, entry: Any, key: Any) -> Any:
    """Places of the intervals that hold eight keys, of which the low 16 bits count.

    `low` as `interval_walk`; `entry` (`interval_entry`'s) and `key`, an address, are u32 lanes.
    """
    at, n, key = entry >> EIGHT, entry & BYTE, key & W(0xFFFF)
    while bits(below(splat(W(0)), n)) != ZERO:
        half = (n + W(1)) >> W(1)
        middle = at + half
        at = pick(at_most(gather(low, middle), key), middle, at)
        n = n - half
    return at
