"""Two counters at once: packets and bytes stand side by side, and are added side by side.

Theory: a vector of two words of 64 bits; counters are sums, so bytes of the outer headers, so many
per packet, may be added when all is counted. Invariants: both indices are even, so that a pair lies
in one line. Cost: two loads, an addition and a store, half of what two counters cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba import types
from numba.extending import intrinsic

from sim.kernels import config, inlined
from sim.kernels.match.lanes import I64, place

ir: Any = llvm
U, ONE = np.uint64, np.uint64(1)
PAIR = ir.VectorType(I64, 2)


def _add_pair(typing: Any, sums: Any, at: Any, terms: Any, of: Any) -> Any:
    """`sums[at] += terms[of]`, and the same of the words behind these (uint64, flat)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds, words = signature.args, []
        for array in (0, 2):
            data = place(context, builder, kinds[array], *arguments[array : array + 2])
            words.append(builder.bitcast(data, PAIR.as_pointer()))
        both = [builder.load(word) for word in words]
        done = builder.store(builder.add(*both), words[0])
        for one in (*both, done):
            one.align = 8
        return context.get_dummy_value()

    return types.void(sums, types.uint64, terms, types.uint64), generate


def _add_both(sums: Any, at: Any, terms: Any, of: Any) -> None:
    """The same where kernels run as plain Python."""
    for k in range(2):
        sums[int(at) + k] += terms[int(of) + k]


add_pair: Any = _add_both if config.DISABLE_JIT else intrinsic(_add_pair)


@inlined
def weigh(n: Any, length: Any, count: Any, at: Any, pairs: Any) -> None:
    """Packets and bytes of each header of a block, which is row `at` of columns on.

    `length`, `count` u32[packets], `pairs` u64[2 x block], `n` how many the block has.
    """
    for k in range(n):
        i, j = U(at + k), U(k) << ONE
        packets = U(count[i])
        pairs[j] = packets
        pairs[j | ONE] = packets * U(length[i])
