"""Law: nobody asks for a kind of cause by its name: what is peculiar to it is declared."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import compiler
from compiler.policy.origin_kinds import KINDS

ROOT = Path(compiler.__file__).parents[1]
NAMES = {*KINDS, *(f"{name} " for name in KINDS)}
"""And what titles begin with."""
CAUSES = re.compile(r"\b(cause|origin|culprit)\.kind\b")


def asked(tree: ast.AST) -> set[str]:
    """Names of kinds that something is compared with, and beginnings that are asked for."""
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and CAUSES.search(ast.unparse(node)):
            found += [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found += node.args if node.func.attr in ("startswith", "removeprefix") else []
    inside = (part for node in found for part in ast.walk(node))
    return {n.value for n in inside if isinstance(n, ast.Constant) and n.value in NAMES}


def test_no_module_compares_the_name_of_a_kind() -> None:
    home = ROOT / "compiler/policy/origin_kinds.py"
    found = {
        str(file.relative_to(ROOT)): names
        for package in ("compiler", "sim", "cloison")
        for file in (ROOT / package).rglob("*.py")
        if file != home and (names := asked(ast.parse(file.read_text())))
    }
    assert found == {}


def test_what_is_looked_for_is_found() -> None:
    for text, name in (
        ('cause.kind == "NetworkPolicy"', "NetworkPolicy"),
        ('cause.kind in ("zone rule", "other")', "zone rule"),
        ('cause.title.startswith(("leak ", "x"))', "leak "),
    ):
        assert asked(ast.parse(text)) == {name}
