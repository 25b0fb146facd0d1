"""Ask for a cache line before it is needed.

Tables of a large fabric do not fit the caches. Where a loop knows the places of the next loop's
look-ups, asking for them early lets the memory work on many at a time.

Theory: one LLVM intrinsic, `llvm.prefetch`, for reading and to be kept in all caches. Invariant: it
changes no value and never faults, so what kernels say does not depend on it, and plain Python does
without. Cost: one instruction; a line that nobody asks for afterwards displaces another one.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from sim.kernels import config
from sim.kernels.match.lanes import place

ir: Any = llvm
READ, KEEP, DATA = 0, 3, 1


def _ask(builder: Any, where: Any) -> None:
    """The instruction that asks for the line of an address."""
    byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
    declare: Any = cgutils.get_or_insert_function
    function = declare(builder.module, kind, "llvm.prefetch.p0")
    hints = [ir.Constant(word, value) for value in (READ, KEEP, DATA)]
    builder.call(function, [builder.bitcast(where, byte), *hints])


def _prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Fetch the line of `array[index]` (one-dimensional, index unsigned); no effect otherwise."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _ask(builder, place(context, builder, signature.args[0], arguments[0], arguments[1]))
        return context.get_dummy_value()

    return types.void(array, index), generate


def _nothing(array: Any, index: Any) -> None:
    """What is left of it when kernels run as plain Python."""


prefetch: Any = _nothing if config.DISABLE_JIT else intrinsic(_prefetch)
