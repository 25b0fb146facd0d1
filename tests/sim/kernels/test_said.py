"""Every module of kernels says what holds in it and what it costs, every kernel its arrays."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "sim" / "kernels"
MODULES = sorted(
    path
    for path in FOLDER.rglob("*.py")
    if re.search(r"^@(kernel|inlined)$", path.read_text(), re.M)
)
TYPE = re.compile(r"\b(u8|u16|u32|u64|i32|i64|bool)\[|named tuple")


def kernels(tree: ast.Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(d, ast.Name) and d.id == "kernel" for d in node.decorator_list)
    ]


def test_the_folder_has_kernels() -> None:
    assert len(MODULES) > 15


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(FOLDER)))
def test_a_module_opens_with_its_invariants_and_costs(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert "Cost" in said
    assert "Invariant" in said or path.stem in ("bounds", "path")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(FOLDER)))
def test_a_kernel_says_the_shape_of_every_array(path: Path) -> None:
    tree = ast.parse(path.read_text())
    above = ast.get_docstring(tree) or ""
    for function in kernels(tree):
        said = f"{ast.get_docstring(function)}\n{above}"
        assert TYPE.search(said), function.name
        for argument in function.args.args:
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Any":
                assert f"`{argument.arg}`" in said, f"{function.name}({argument.arg})"
