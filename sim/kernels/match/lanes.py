"""Eight lanes of 32 bits as a numba type, so that a kernel is written once for eight packets.

Inside a kernel a value of type `Lanes` takes `+ - * & | ^ << >>` (shifts are logical) with lanes or
with a `uint32`, and the functions below. `follow`, `keep`, `shift_left` and `shift_right` are
instructions of AVX2: kernels with these are called only where `AVX2` is true, and have a scalar
twin for other machines and for tests. The others are any machine's.

`gather` is eight loads, put together: on Zen 3 whole kernels are a tenth to a quarter faster so
than with the gather instruction. Where lanes need a mask (`follow`), the instruction is faster.

Theory: one vector register of LLVM's type `<8 x i32>`; each operation is a few instructions that
LLVM knows, so that it optimises over them. Invariants: lane `k` of a result depends on no lane of
the arguments but `k`, except in `keep`, `records` and `bits`; arithmetic is modulo 2**32; whoever
loads or gathers sees to it that all eight places exist. Cost: one to three instructions each,
`gather` eight loads, `records` eight loads of 32 bytes and 24 shuffles.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir as llvm
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from sim.kernels import config
from sim.kernels.match import plain_lanes

ir: Any = llvm
WIDTH = 8
I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
V = ir.VectorType(I32, WIDTH)
UNDEFINED = ir.Constant(V, ir.Undefined)


def _has_avx2() -> bool:
    try:
        return bool(llvmlite.binding.get_host_cpu_features().get("avx2", False))
    except RuntimeError:
        return False


AVX2 = _has_avx2()


def primitive(function: Callable[..., Any], name: str = "") -> Any:
    """A function that numba compiles by the code generator that it returns; where kernels run as
    plain Python, what `sim.kernels.match.plain_lanes` has by its name."""
    if config.DISABLE_JIT:
        return getattr(plain_lanes, name or function.__name__, None)
    return intrinsic(function)


class LanesType(types.Type):
    """The numba type of eight `uint32`."""

    def __init__(self) -> None:
        super().__init__("Lanes")


Lanes = LanesType()


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Lives in one vector register."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, V)  # type: ignore[no-untyped-call]


def _all(value: int) -> Any:
    return ir.Constant(V, [ir.Constant(I32, value & 0xFFFFFFFF)] * WIDTH)


def _splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(UNDEFINED, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(one, UNDEFINED, _all(0))


def place(context: Any, builder: Any, kind: Any, array: Any, index: Any = None) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return data if index is None else builder.gep(data, [index])


@primitive
def splat(typing: Any, value: Any) -> Any:
    """The same `uint32` in all lanes."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return Lanes(types.uint32), generate


@primitive
def load(typing: Any, array: Any, index: Any) -> Any:
    """Elements `index .. index + 7` of an array of 8, 16 or 32 bits, widened."""
    bits = array.dtype.bitwidth

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.VectorType(ir.IntType(bits), WIDTH)
        at = place(context, builder, sig.args[0], args[0], args[1])
        value = builder.load(builder.bitcast(at, kind.as_pointer()))
        value.align = bits // 8
        return value if bits == 32 else builder.zext(value, V)

    return Lanes(array, types.uint64), generate


def _half(shift: int) -> Any:
    def typed(typing: Any, array: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind = ir.VectorType(I64, WIDTH)
            at = place(context, builder, sig.args[0], args[0], args[1])
            value = builder.load(builder.bitcast(at, kind.as_pointer()))
            value.align = 8
            by = ir.Constant(kind, [ir.Constant(I64, shift)] * WIDTH)
            return builder.trunc(builder.lshr(value, by), V)

        return Lanes(array, types.uint64), generate

    return primitive(typed, "load_high" if shift else "load_low")


load_high = _half(32)
"""The high halves of elements `index .. index + 7` of an array of 64 bits."""
load_low = _half(0)
"""Their low halves."""


@primitive
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write elements `index .. index + 7` of an array of 8, 16 or 32 bits: the low bits of each."""
    bits = array.dtype.bitwidth

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.VectorType(ir.IntType(bits), WIDTH)
        value = args[2] if bits == 32 else builder.trunc(args[2], kind)
        at = place(context, builder, sig.args[0], args[0], args[1])
        done = builder.store(value, builder.bitcast(at, kind.as_pointer()))
        done.align = bits // 8
        return context.get_dummy_value()

    return types.void(array, types.uint64, Lanes), generate


def gathered(builder: Any, base: Any, index: Any, bits: int) -> Any:
    """Eight loads at the lanes of `index`, two lanes of which move to a register at a time."""
    pairs = builder.bitcast(index, ir.VectorType(I64, WIDTH // 2))
    found = ir.Constant(ir.VectorType(ir.IntType(bits), WIDTH), ir.Undefined)
    for pair in range(WIDTH // 2):
        both = builder.extract_element(pairs, ir.Constant(I32, pair))
        low = builder.and_(both, ir.Constant(I64, 0xFFFFFFFF))
        for lane, at in enumerate((low, builder.lshr(both, ir.Constant(I64, 32)))):
            one = builder.load(builder.gep(base, [at]))
            found = builder.insert_element(found, one, ir.Constant(I32, 2 * pair + lane))
    return builder.zext(found, V) if bits < 32 else found


@primitive
def gather(typing: Any, array: Any, index: Any) -> Any:
    """`array[index]` per lane, widened."""
    bits = array.dtype.bitwidth

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return gathered(builder, place(context, builder, sig.args[0], args[0]), args[1], bits)

    return Lanes(array, Lanes), generate


@primitive
def follow(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Lanes of `value` with the sign bit set become `array[index]` (words, indices below 2**31);
    others stay and read nothing.

    The hardware takes the sign bit as its mask, so a pointer marked by it costs no select.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        byte = I8.as_pointer()
        kind = ir.FunctionType(V, [V, byte, V, V, I8])
        declare: Any = cgutils.get_or_insert_function
        function = declare(builder.module, kind, "llvm.x86.avx2.gather.d.d.256")
        data = builder.bitcast(place(context, builder, sig.args[0], args[0]), byte)
        return builder.call(function, [args[2], data, args[1], args[2], ir.Constant(I8, 4)])

    return Lanes(array, Lanes, Lanes), generate


@primitive
def least(typing: Any, a: Any, b: Any) -> Any:
    """The smaller one per lane, unsigned."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        below = builder.icmp_unsigned("<", args[0], args[1])
        return builder.select(below, args[0], args[1])

    return Lanes(Lanes, Lanes), generate


def _compare(symbol: str) -> Any:
    def typed(typing: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.sext(builder.icmp_unsigned(symbol, args[0], args[1]), V)

        return Lanes(Lanes, Lanes), generate

    return primitive(typed, {"==": "same", "<=": "at_most", "<": "below"}[symbol])


same = _compare("==")
"""All ones in lanes that are equal, else zero."""
at_most = _compare("<=")
"""All ones in lanes where the first is not above the second (unsigned), else zero."""
below = _compare("<")
"""All ones in lanes where the first is below the second (unsigned), else zero."""


@primitive
def pick(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """`a` where `mask` is all ones, `b` where it is zero."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        chosen = builder.icmp_signed("<", args[0], _all(0))
        return builder.select(chosen, args[1], args[2])

    return Lanes(Lanes, Lanes, Lanes), generate


@primitive
def bits(typing: Any, mask: Any) -> Any:
    """The lanes' sign bits as the low eight bits of a `uint64`."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        signs = builder.icmp_signed("<", args[0], _all(0))
        return builder.zext(builder.bitcast(signs, I8), I64)

    return types.uint64(Lanes), generate


@primitive
def records(typing: Any, array: Any, index: Any) -> Any:
    """Eight records of eight words each, transposed: word `w` of the record at `array[index]` of
    every lane is member `w` of the result. Records start at multiples of eight words.

    Eight loads and 24 shuffles, where eight gathers would take eight times as many operations.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = place(context, builder, sig.args[0], args[0])
        rows = []
        for lane in range(WIDTH):
            at = builder.zext(builder.extract_element(args[1], ir.Constant(I32, lane)), I64)
            row = builder.load(builder.bitcast(builder.gep(data, [at]), V.as_pointer()))
            row.align = 4
            rows.append(row)
        return context.make_tuple(builder, sig.return_type, _transpose(builder, rows))

    return types.UniTuple(Lanes, WIDTH)(array, Lanes), generate


def _transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """8 × 8 words by three rounds of shuffles: pairs, quads, halves."""

    def shuffle(a: Any, b: Any, order: tuple[int, ...]) -> Any:
        mask = ir.Constant(V, [ir.Constant(I32, i) for i in order])
        return builder.shuffle_vector(a, b, mask)

    low, high = (0, 8, 1, 9, 4, 12, 5, 13), (2, 10, 3, 11, 6, 14, 7, 15)
    t = [shuffle(rows[i], rows[i + 1], order) for i in (0, 2, 4, 6) for order in (low, high)]
    low, high = (0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15)
    u = [shuffle(t[i], t[i + 2], order) for i in (0, 1, 4, 5) for order in (low, high)]
    low, high = (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15)
    return [shuffle(u[i], u[i + 4], order) for order in (low, high) for i in range(4)]


def _operator(symbol: Any, name: str) -> None:
    """Give numba a lowering of one operator for (lanes, lanes) and (lanes, uint32)."""

    class OperatorTemplate(ConcreteTemplate):
        key = symbol
        cases = [signature(Lanes, Lanes, Lanes), signature(Lanes, Lanes, types.uint32)]

    def with_lanes(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, name)(*args)

    def with_scalar(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, name)(args[0], _splat(builder, args[1]))

    infer_global(symbol)(OperatorTemplate)
    lower_builtin(symbol, Lanes, Lanes)(with_lanes)
    lower_builtin(symbol, Lanes, types.uint32)(with_scalar)


for _symbol, _name in (
    (operator.add, "add"),
    (operator.sub, "sub"),
    (operator.mul, "mul"),
    (operator.and_, "and_"),
    (operator.or_, "or_"),
    (operator.xor, "xor"),
    (operator.lshift, "shl"),
    (operator.rshift, "lshr"),
):
    _operator(_symbol, _name)


ORDERS = np.array(
    [[i for i in range(WIDTH) if mask >> i & 1] + [0] * (WIDTH - mask.bit_count())
     for mask in range(1 << WIDTH)],
    np.uint32,
).reshape(-1)  # fmt: skip
"""For each set of lanes, those lanes first: eight lane numbers per set."""


@primitive
def keep(typing: Any, value: Any, order: Any) -> Any:
    """The lanes of `value` in the order that `order` says (lane numbers)."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        declare: Any = cgutils.get_or_insert_function
        kind = ir.FunctionType(V, [V, V])
        function = declare(builder.module, kind, "llvm.x86.avx2.permd")
        return builder.call(function, list(args))

    return Lanes(Lanes, Lanes), generate


@primitive
def count_bits(typing: Any, value: Any) -> Any:
    """How many bits of a `uint64` are set."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        function = builder.module.declare_intrinsic("llvm.ctpop", [I64])
        return builder.call(function, [args[0]])

    return types.uint64(types.uint64), generate


def _shift(name: str) -> Any:
    def typed(typing: Any, value: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            declare: Any = cgutils.get_or_insert_function
            function = declare(builder.module, ir.FunctionType(V, [V, V]), name)
            return builder.call(function, list(args))

        return Lanes(Lanes, Lanes), generate

    return primitive(typed, name)


shift_right = _shift("llvm.x86.avx2.psrlv.d.256")
"""Each lane right by its own count; 32 and more give zero, where `>>` would be undefined."""
shift_left = _shift("llvm.x86.avx2.psllv.d.256")
"""Each lane left by its own count; 32 and more give zero."""
