"""Parts of kernels: code that is compiled within kernels only."""

from __future__ import annotations

from typing import Any

import pytest

from sim.kernels import inlined, kernel
from sim.kernels.kernel_parts import KernelPart


@inlined
def doubled(x: Any) -> Any:
    return x + x


@inlined
def four_times(x: Any) -> Any:
    return doubled(doubled(x))


@kernel
def eight_times(x: Any) -> Any:
    return doubled(four_times(x))


@kernel
def six_times(x: Any) -> Any:
    return doubled(x) + four_times(x)


def test_parts_of_parts_are_code_of_every_kernel_that_has_them() -> None:
    assert [eight_times(5), six_times(5), eight_times(0.5)] == [40, 30, 4.0]


def test_a_part_is_no_machine_code() -> None:
    """Neither of its own nor of its parts, which would be made once more for each level of them."""
    eight_times(5)
    known: Any = doubled
    if not hasattr(known, "overloads"):
        pytest.skip("nothing is compiled")
    for made in known.overloads.values():
        assert isinstance(made.library, KernelPart)
        assert not made.library._codegen._engine.is_symbol_defined(made.fndesc.llvm_func_name)
