"""Methods of the product whose name stands nowhere else in it: nobody can call them.

Whatever has the name counts, also of another class. What Python or a library calls counts as well:
methods with two underscores, those of classes that are made of a class of others, and what
notebooks ask for. Answers (`cloison`) are what users call.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from doors import modules, said

Place = tuple[str, int]
"""A module, and a line."""
NOBODYS = {
    "NamedTuple",
    "Protocol",
    "ABC",
    "Generic",
    "Enum",
    "StrEnum",
    "IntEnum",
    "object",
    "int",
    "str",
    "tuple",
}
"""Classes of others that call no method of ours."""


def names() -> dict[str, list[Place]]:
    """Where each name stands that may be a call, or a text that is one."""
    found = defaultdict(list)
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute | ast.Constant):
                for word in said(node):
                    found[word].append((module.name, node.lineno))
    return found


def classes() -> list[tuple[str, ast.ClassDef]]:
    """Every class, with its module."""
    every = ((m.name, node) for m in modules().values() for node in ast.walk(m.tree))
    return [(module, node) for module, node in every if isinstance(node, ast.ClassDef)]


def of_others(node: ast.ClassDef, known: dict[str, ast.ClassDef]) -> bool:
    """Whether a class is made of one that is not ours and may call its methods."""
    for base in node.bases:
        word = ast.unparse(base).partition("[")[0].rpartition(".")[2]
        if word not in NOBODYS and (word not in known or of_others(known[word], known)):
            return True
    return False


def unnamed_methods() -> Iterator[str]:
    """Those that nobody can call, by module, class and name."""
    where, known = names(), {node.name: node for _, node in classes()}
    for module, node in classes():
        if module.startswith("cloison.") or of_others(node, known):
            continue
        for method in node.body:
            if not isinstance(method, ast.FunctionDef) or method.name.startswith(("__", "_repr_")):
                continue
            own = range(method.lineno, (method.end_lineno or 0) + 1)
            if all(m == module and line in own for m, line in where[method.name]):
                yield f"{module}.{node.name}.{method.name}"
