"""Eight lanes of 64 bits, for what hashes multiply: made of two `Lanes`, and taken apart again.

A value of type `LongLanes` takes `+ * & | ^ >>` with lanes of 64 bits or with a `uint64`.

Theory: LLVM's type `<8 x i64>`, two registers of AVX2 or one of AVX-512, which multiplies 64 bits
at once; without it LLVM puts products together. Invariant: as for `sim.kernels.match.lanes`,
modulo 2**64. Cost: one to two instructions, a product up to a dozen.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir as llvm
from numba import types
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from sim.kernels.match.lanes import I32, I64, WIDTH, Lanes, V, gathered, place, primitive

ir: Any = llvm
LONG = ir.VectorType(I64, WIDTH)
UNDEFINED = ir.Constant(LONG, ir.Undefined)


class LongLanesType(types.Type):
    """The numba type of eight `uint64`."""

    def __init__(self) -> None:
        super().__init__("LongLanes")


LongLanes = LongLanesType()


@register_model(LongLanesType)
class LongLanesModel(models.PrimitiveModel):
    """Lives in vector registers."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, LONG)  # type: ignore[no-untyped-call]


def _splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(UNDEFINED, value, ir.Constant(I32, 0))
    none = ir.Constant(V, [ir.Constant(I32, 0)] * WIDTH)
    return builder.shuffle_vector(one, UNDEFINED, none)


def _shifted(builder: Any, value: Any, name: str) -> Any:
    return getattr(builder, name)(value, ir.Constant(LONG, [ir.Constant(I64, 32)] * WIDTH))


@primitive
def join(typing: Any, low: Any, high: Any) -> Any:
    """Words by their halves."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        low, high = (builder.zext(half, LONG) for half in args)
        return builder.or_(low, _shifted(builder, high, "shl"))

    return LongLanes(Lanes, Lanes), generate


@primitive
def low_half(typing: Any, value: Any) -> Any:
    """The low halves of words."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.trunc(args[0], V)

    return Lanes(LongLanes), generate


@primitive
def high_half(typing: Any, value: Any) -> Any:
    """The high halves of words."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.trunc(_shifted(builder, args[0], "lshr"), V)

    return Lanes(LongLanes), generate


@primitive
def gather_long(typing: Any, array: Any, index: Any) -> Any:
    """`array[index]` per lane, of an array of 64 bits."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return gathered(builder, place(context, builder, sig.args[0], args[0]), args[1], 64)

    return LongLanes(array, Lanes), generate


@primitive
def after(typing: Any, high: Any, low: Any, than_high: Any, than_low: Any) -> Any:
    """All ones in lanes where a number of 128 bits is above another one, each in two halves."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        above = builder.icmp_unsigned(">", args[0], args[2])
        same = builder.icmp_unsigned("==", args[0], args[2])
        below = builder.icmp_unsigned(">", args[1], args[3])
        return builder.sext(builder.or_(above, builder.and_(same, below)), V)

    return Lanes(LongLanes, LongLanes, LongLanes, LongLanes), generate


def _operator(symbol: Any, name: str) -> None:
    """Give numba a lowering of one operator for (lanes, lanes) and (lanes, uint64)."""

    class LongOperator(ConcreteTemplate):
        key = symbol
        cases = [
            signature(LongLanes, LongLanes, LongLanes),
            signature(LongLanes, LongLanes, types.uint64),
        ]

    def with_lanes(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, name)(*args)

    def with_scalar(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, name)(args[0], _splat(builder, args[1]))

    infer_global(symbol)(LongOperator)
    lower_builtin(symbol, LongLanes, LongLanes)(with_lanes)
    lower_builtin(symbol, LongLanes, types.uint64)(with_scalar)


for _symbol, _name in (
    (operator.add, "add"),
    (operator.mul, "mul"),
    (operator.and_, "and_"),
    (operator.or_, "or_"),
    (operator.xor, "xor"),
    (operator.rshift, "lshr"),
):
    _operator(_symbol, _name)
