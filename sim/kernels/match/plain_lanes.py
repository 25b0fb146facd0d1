"""Lanes where kernels run as plain Python (`NUMBA_DISABLE_JIT=1`): eight `uint32` in an array,
which has the same operators. By the names that these functions have in `sim.kernels.match.lanes`,
and for eight `uint64` in `sim.kernels.match.long_lanes`.

Theory: the definition of each function, in NumPy. Invariant: what it returns is what the compiled
one returns, for all arguments. Cost: tests only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LOW, WIDTH = np.uint64(0xFFFFFFFF), 8
S32 = np.uint64(32)


def splat(value: Any) -> Any:
    return np.full(WIDTH, value, np.uint32)


def load(array: Any, index: Any) -> Any:
    return array.reshape(-1)[int(index) : int(index) + WIDTH].astype(np.uint32)


def load_low(array: Any, index: Any) -> Any:
    return (array[int(index) : int(index) + WIDTH] & LOW).astype(np.uint32)


def load_high(array: Any, index: Any) -> Any:
    return (array[int(index) : int(index) + WIDTH] >> S32).astype(np.uint32)


def store(array: Any, index: Any, value: Any) -> None:
    array[int(index) : int(index) + WIDTH] = value.astype(array.dtype)


def gather(array: Any, index: Any) -> Any:
    return array.reshape(-1)[index].astype(np.uint32)


def records(array: Any, index: Any) -> Any:
    return tuple(array[index + np.uint32(word)] for word in range(8))


def least(a: Any, b: Any) -> Any:
    return np.minimum(a, b)


def same(a: Any, b: Any) -> Any:
    return _mask(a == b)


def at_most(a: Any, b: Any) -> Any:
    return _mask(a <= b)


def below(a: Any, b: Any) -> Any:
    return _mask(a < b)


def pick(mask: Any, a: Any, b: Any) -> Any:
    return np.where(mask.astype(np.int32) < 0, a, b)


def bits(mask: Any) -> Any:
    return np.uint64(sum(1 << k for k, one in enumerate(mask.astype(np.int32).tolist()) if one < 0))


def count_bits(value: Any) -> Any:
    return np.uint64(int(value).bit_count())


def join(low: Any, high: Any) -> Any:
    return low.astype(np.uint64) | (high.astype(np.uint64) << S32)


def low_half(value: Any) -> Any:
    return (value & LOW).astype(np.uint32)


def high_half(value: Any) -> Any:
    return (value >> S32).astype(np.uint32)


def gather_long(array: Any, index: Any) -> Any:
    return array.reshape(-1)[index]


def after(high: Any, low: Any, than_high: Any, than_low: Any) -> Any:
    return _mask((high > than_high) | ((high == than_high) & (low > than_low)))


def _mask(found: Any) -> Any:
    return np.where(found, np.uint32(LOW), np.uint32(0))
