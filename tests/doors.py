"""What of the product its users come to, from the names that `cloison` offers and from its
commands: `python tests/doors.py` prints what nobody comes to.

A *unit* is a function, a class or a value at the top of a module, or all else that stands there
(`BODY`), which runs when the module is imported. Who comes to a unit comes to everything that it
names, whatever branch that is in, and to what tables name as text: a module (its `command`), a name
beside its module (`cloison.HOME`), a script of the same folder, and a plug-in: a module whose name
is completed by a text in the module that imports it, with what this one calls there.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rooms import PACKAGES

ROOT = Path(__file__).parent.parent
BODY = "<body>"
Unit = tuple[str, str]
"""A module, and a name at its top."""
DOORS: tuple[Unit, ...] = (("cloison", BODY), ("cloison", "HOME"), ("cloison.cli", "main"))
"""What `import cloison` offers, and the command `cloison`."""
REGISTRARS = {"register", "register_model", "overload", "overload_method", "overload_attribute",
              "unbox", "box", "lower_builtin", "lower_getattr", "lower_cast"}  # fmt: skip
"""Decorators that hand what they decorate to numba, or to a table, which call it."""
SAYS = (ast.Name, ast.Attribute, ast.Import, ast.ImportFrom, ast.Constant, ast.Dict, ast.JoinedStr,
        ast.FunctionDef)  # fmt: skip
"""Nodes that may name something."""


@dataclass(frozen=True)
class Read:
    """A module: the nodes by unit that may name something, and what it calls what it imports."""

    name: str
    tree: ast.Module = field(repr=False)
    units: dict[str, list[ast.AST]] = field(default_factory=lambda: defaultdict(list))
    known_as: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def words(self) -> set[str]:
        """Every name and every text in it."""
        return {word for nodes in self.units.values() for node in nodes for word in said(node)}


def said(node: ast.AST) -> Iterator[str]:
    """The name or the text that a node is."""
    for attribute in ("id", "attr", "name", "value"):
        if isinstance(word := getattr(node, attribute, None), str):
            yield word


@cache
def modules() -> dict[str, Read]:
    """Every module of the product by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = read(name, ast.parse(path.read_text("utf-8")))
    return found


def read(name: str, tree: ast.Module) -> Read:
    """A module of this text."""
    made = Read(name, tree)
    for statement in tree.body:
        nodes = [node for node in ast.walk(statement) if isinstance(node, SAYS)]
        for unit in defined(statement) or [BODY]:
            made.units[unit] += nodes
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    made.known_as[alias.asname or alias.name].add(f"{node.module}.{alias.name}")
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name if alias.asname else alias.name.partition(".")[0]
                    made.known_as[alias.asname or top].add(top)
    return made


def defined(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        words = {word for d in statement.decorator_list for n in ast.walk(d) for word in said(n)}
        return [] if words & REGISTRARS else [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    names = (target.id for target in targets if isinstance(target, ast.Name))
    return [name for name in names if not name.startswith("__")]


@cache
def resolved(dotted: str) -> tuple[Unit, ...]:
    """What a dotted name is: a unit, and the bodies of the modules on the way to it."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        if (module := ".".join(parts[:length])) in modules():
            found = [(".".join(parts[:n]), BODY) for n in range(1, length + 1)]
            there, rest = modules()[module], parts[length:]
            if rest and rest[0] in there.units:
                found.append((module, rest[0]))
            elif rest:
                for other in there.known_as.get(rest[0], set()) - {".".join(parts[: length + 1])}:
                    found += resolved(".".join([other, *rest[1:]]))
            return tuple(found)
    return ()


def uses(unit: Unit) -> set[Unit]:
    """What a unit names, of its own module and of others."""
    module = modules()[unit[0]]
    return {use for node in module.units.get(unit[1], ()) for use in named(module, node)}


def named(module: Read, node: ast.AST) -> Iterable[Unit]:
    """What one node of a module's text names."""
    match node:
        case ast.Name() | ast.Attribute():
            return of_name(module, dotted_name(node))
        case ast.ImportFrom() | ast.Import():
            front = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            every = (use for alias in node.names for use in resolved(front + alias.name))
            return [use for use in every if use[1] == BODY]
        case ast.Constant(value=str(text)):
            return of_text(module, text)
        case ast.Dict(keys=keys, values=values):
            texts = [(k, v) for k, v in zip(keys, values, strict=True) if is_text(k) and is_text(v)]
            return [use for k, v in texts for use in resolved(f"{v.value}.{k.value}")]
        case ast.JoinedStr(values=[ast.Constant(value=str(front)), ast.FormattedValue()]):
            return plugs(module, front)
    return ()


def of_name(module: Read, name: str) -> Iterator[Unit]:
    """What a dotted name is in a module."""
    first, _, rest = name.partition(".")
    if first in module.units:
        yield module.name, first
    for known in module.known_as.get(first, ()):
        yield from resolved(f"{known}.{rest}" if rest else known)


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` of names and attributes; empty where it is anything else."""
    if isinstance(node, ast.Attribute) and (front := dotted_name(node.value)):
        return f"{front}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def of_text(module: Read, text: str) -> Iterator[Unit]:
    """What a text names: a module, with its command; a script beside this module."""
    if re.fullmatch(r"\w+\.py", text):
        text = f"{module.name.rpartition('.')[0]}.{text[:-3]}"
    if text in modules():
        yield from resolved(text)
        yield from resolved(f"{text}.command")


def is_text(node: ast.expr | None) -> bool:
    """Whether it is a text as it stands."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def plugs(module: Read, front: str) -> Iterator[Unit]:
    """What a module calls of those whose names its texts complete behind this."""
    words = module.words() if front.endswith(".") and front[:-1] in modules() else set()
    for plug in (modules()[front + word] for word in words if front + word in modules()):
        yield from resolved(plug.name)
        yield from ((plug.name, unit) for unit in plug.units if unit in words)


@cache
def come_to(*doors: Unit) -> frozenset[Unit]:
    """Everything that whoever comes in by these doors may come to."""
    found, ahead = set(doors), list(doors)
    while ahead:
        new = uses(ahead.pop()) - found
        found |= new
        ahead += new
    return frozenset(found)


def documented() -> Iterator[Unit]:
    """What examples in Python on pages of documentation import, and the scripts that write pages
    of what is there."""
    texts = [path.read_text("utf-8") for path in (ROOT / "docs").glob("*.py")]
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        texts += re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for text in texts:
        made = read("", ast.parse(text))
        for nodes in made.units.values():
            for node in nodes:
                if isinstance(node, ast.Name | ast.Attribute):
                    found = of_name(made, dotted_name(node))
                    yield from (use for use in found if use[0])


def without_door(*others: Unit) -> set[Unit]:
    """What nobody comes to, by these doors either. What python itself calls has no name here."""
    every = {(name, unit) for name, read in modules().items() for unit in read.units}
    own = {(module, unit) for module, unit in every if unit.startswith("__")}
    return every - own - come_to(*DOORS, *others, *documented())


if __name__ == "__main__":
    sys.stdout.writelines(f"{module}: {unit}\n" for module, unit in sorted(without_door()))
