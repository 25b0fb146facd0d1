"""The modules of the house, read as trees, and their functions."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("fabric", "compiler", "sim", "cloison")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in MODULES
    if path.stem not in ("__init__", "__main__")
}
"""Every module by its dotted name."""


@cache
def tree_of(module: str) -> ast.Module:
    """A module, read once: collecting reads those alone that tests are drawn from."""
    return ast.parse(PATHS[module].read_text())


@cache
def trees() -> dict[str, ast.Module]:
    """All of them."""
    return {module: tree_of(module) for module in PATHS}


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports, now or when it is called for."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return frozenset(found)


def functions(module: str) -> list[ast.FunctionDef]:
    """All functions and methods of a module."""
    return [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.FunctionDef)]


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    """The parameters of a function, by whatever way they are passed."""
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def decorators(function: ast.FunctionDef) -> set[str]:
    """The names of a function's decorators."""
    return {ast.unparse(decorator) for decorator in function.decorator_list}
