"""Kernels say what they stand on, what they take, and who may call them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from house_trees import PATHS, decorators, functions, imports, parameters, tree_of, trees


def kernels(module: str) -> list[ast.FunctionDef]:
    """The functions of a module that numba compiles, and parts of such."""
    return [f for f in functions(module) if {"kernel", "inlined"} & decorators(f)]


COMPILED = sorted(
    module
    for module in PATHS
    if module.startswith("sim.kernels.")
    and (kernels(module) or "numba.extending.intrinsic" in imports(module))
)
"""Modules of kernels, and of operations that kernels are made of."""


@pytest.mark.parametrize("module", COMPILED)
def test_kernels_open_with_theory_invariants_cost_and_shapes(module: str) -> None:
    top = ast.get_docstring(trees()[module]) or ""
    assert [word for word in ("Theory:", "Invariant", "Cost") if word not in top] == []
    for function in kernels(module):
        if "kernel" not in decorators(function):
            continue
        said = " ".join(re.findall(r"`([^`]*)`", f"{top} {ast.get_docstring(function)}"))
        arrays = {
            p.arg
            for p in parameters(function)
            if p.annotation and ast.unparse(p.annotation) != "int"
        }
        assert arrays - set(re.findall(r"\w+", said)) == set(), function.name


NAMED = re.compile(r"`(\w+)(?:\.\.(\w+))?`")
"""A name on its own, or the two of a range: what stands in an expression is not told of there."""


@pytest.mark.parametrize("module", [module for module in COMPILED if kernels(module)])
def test_every_argument_of_a_kernel_and_of_its_parts_is_told_of(module: str) -> None:
    """In the docstring of the function, or once in that of its module."""
    top = ast.get_docstring(trees()[module]) or ""
    untold = [
        f"{function.name}({p.arg})"
        for function in kernels(module)
        for p in parameters(function)
        if p.arg not in told(f"{top} {ast.get_docstring(function)}")
    ]
    assert untold == []


def test_python_calls_no_part_of_a_kernel() -> None:
    """Parts have no way in (`sim.kernels.inlined`): who calls one calls address 0."""
    parts = {
        f"{module}.{function.name}"
        for module in COMPILED
        for function in kernels(module)
        if "inlined" in decorators(function)
    }
    called = [
        f"{module}: {name}"
        for module in trees()
        for known in [known_as(module, parts).keys()]
        for function in functions(module)
        if known and not {"kernel", "inlined", "primitive"} & decorators(function)
        for name in calls(function) & known
    ]
    assert len(parts) > 99
    assert called == []


def calls(function: ast.FunctionDef) -> set[str]:
    """What a function calls, as it says it."""
    return {ast.unparse(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}


def known_as(module: str, wanted: set[str]) -> dict[str, str]:
    """What a module says for things of this house, its own among them."""
    said = {full.rpartition(".")[2]: full for full in wanted if full.startswith(f"{module}.")}
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                full, short = f"{node.module}.{name.name}", name.asname or name.name
                inside = (w for w in wanted if w.rpartition(".")[0] == full)
                said |= {f"{short}.{w.rpartition('.')[2]}": w for w in inside}
                said |= {short: full} if full in wanted else {}
    return said


def told(docstring: str) -> set[str]:
    """The names that a docstring tells of."""
    return {name for names in NAMED.findall(docstring) for name in names}


SCALARS = {"bool", "int", "np.uint32", "np.uint64"}
SHAPED = re.compile(r"((?:`\w+`(?:,? (?:and )?)?)+)(?:[iu](?:8|16|32|64)\|?)+\[")
"""Names of arrays, what they hold, and how many."""


OF_KERNELS = "What `sim.kernels"
"""How a table that a kernel is handed says so."""


def bundles() -> Iterator[tuple[str, ast.ClassDef]]:
    """Tables of arrays that a kernel is handed as one."""
    for module, path in PATHS.items():
        tree = tree_of(module) if OF_KERNELS in path.read_text() else ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and [*map(ast.unparse, node.bases)] == ["NamedTuple"]:
                said = ast.get_docstring(node) or ""
                if said.startswith(OF_KERNELS):
                    yield f"{module}.{node.name}", node


@pytest.mark.parametrize("bundle", [pytest.param(b, id=name) for name, b in bundles()])
def test_tables_of_kernels_say_the_shape_of_every_array(bundle: ast.ClassDef) -> None:
    fields = [field for field in bundle.body if isinstance(field, ast.AnnAssign)]
    arrays = {ast.unparse(f.target) for f in fields if ast.unparse(f.annotation) not in SCALARS}
    said = " ".join((ast.get_docstring(bundle) or "").split())
    shaped = {word for names in SHAPED.findall(said) for word in re.findall(r"\w+", names)}
    assert arrays - shaped == set()


def test_every_engine_has_its_tables_among_them() -> None:
    assert len([*bundles()]) >= 6
