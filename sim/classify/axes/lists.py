"""Which rules have equal lists: ids of distinct lists, found by signature and then compared.

A signature is a 64-bit sum of pseudo-random weights, so that it can be painted by differences and
summed in one pass. Signatures only propose equality; every proposal is checked member by member,
and a wrong one leads to other weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import Numbering, weights
from sim.classify.ruleset import I64

U64 = NDArray[np.uint64]


def numbered(keys: NDArray[Any]) -> Numbering:
    """`sim.blocks.numbering.distinct` of integers of 64 bits, in order of appearance and by a hash
    table; int32."""
    from sim.kernels.match.number import identify

    words = keys.view(np.uint64)
    ids, rep = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    slots, n = 1 << 12, -1
    while n < 0:
        n = int(identify(words, np.full(slots, -1, np.int32), ids, rep))
        slots <<= 3
    return Numbering(ids, rep[:n])


def in_order(keys: U64) -> tuple[U64, I64]:
    """The keys, sorted, and where each of them was; equal ones as they stood."""
    from sim.kernels.match.number import DIGIT, sort_keys

    n = len(keys)
    at, other_at = np.arange(n), np.empty(n, np.int64)
    keys, other = keys.copy(), np.empty(n, np.uint64)
    if sort_keys(keys, at, other, other_at, np.empty(1 << DIGIT, np.int64)):
        return other, other_at
    return keys, at


def members(keys: U64) -> tuple[U64, I64]:
    """Distinct members, sorted, and the member id of each list item."""
    from sim.kernels.match.number import number_sorted

    distinct, at = in_order(keys)
    ids = np.empty(len(keys), np.int64)
    n = int(number_sorted(distinct, at, ids))
    return distinct[:n], ids


def distinct_lists(off: I64, items: I64, n_members: int) -> Numbering:
    """Ids of equal lists; `items` are member ids. Order matters: lists that differ only in it may
    get ids of their own, which costs classes but no correctness."""
    count = np.diff(off)
    n = len(count)
    if n and (count == 1).all():
        owner, first = np.full(n_members, -1, np.int64), np.arange(n - 1, -1, -1)
        owner[items[first]] = first
        return Numbering(items, owner)
    position = np.arange(len(items)) - np.repeat(off[:-1], count)
    sequences = weights(max(n_members, int(count.max(initial=0))))
    for weight, place in zip(sequences, sequences, strict=True):
        terms = weight[items] * place[position]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)])
        signature = sums[off[1:]] - sums[off[:-1]] + count.astype(np.uint64)
        number, rep = numbered(signature)
        twin = rep[number]
        if (count == count[twin]).all():
            at = np.repeat(off[twin] - off[:-1], count) + np.arange(len(items))
            if (items == items[at]).all():
                return Numbering(number.astype(np.int64), rep.astype(np.int64))
    raise AssertionError


def distinct_rows(columns: list[NDArray[Any]]) -> Numbering:
    """Ids of rows that are equal in every column (of integers), in order of appearance."""
    ids, rep = numbered(np.ascontiguousarray(columns[0], np.uint64))
    for column in columns[1:]:
        other, values = numbered(np.ascontiguousarray(column, np.uint64))
        if len(values) > 1:
            ids, rep = numbered(ids.astype(np.uint64) << np.uint64(32) | other.view(np.uint32))
    return Numbering(ids.astype(np.int64), rep.astype(np.int64))


def merge_columns(held: NDArray[Any]) -> Numbering:
    """Equal columns of flags, in order of appearance."""
    columns = np.ascontiguousarray(held.T)
    words = bit_rows(columns, np.arange(len(held)))
    return distinct_rows(list(np.ascontiguousarray(words.T)))


def bit_rows(held: NDArray[Any], at: I64) -> U64:
    """These columns of each row of flags (of one byte) as bits of words, [rows, words]; at least
    one word."""
    from sim.kernels.match.paint import gather_bits

    words = np.zeros((len(held), max(-(-len(at) // 64), 1)), np.uint64)
    gather_bits(held.view(np.uint8), at, words)
    return words
