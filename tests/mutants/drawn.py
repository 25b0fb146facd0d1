"""Small mechanical faults, drawn by a seed: for breadth, where people do not think of anything.

A comparison is turned or loses its equality, `and` becomes `or`, a `not` is dropped, a number grows
by one, a statement is left out. Of each function there is one at most. Which are drawn depends on
functions' names and on the lines alone, not on where files lie. What is drawn is written down as
`table/drawn.py` (`make mutants-draw`), so that it stays until somebody draws again.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutants.reach import function_at
from mutants.table.drawn import FAULTS
from mutants.tree import ROOT

SEED = 20
MANY = {"fabric": 18, "compiler": 16, "sim": 22, "cloison": 6}
TABLE = Path(__file__).parent / "table" / "drawn.py"
PASSED_BY = (
    "sim/classify/timing/",
    "sim/lab/",
    "sim/kernels/match/lanes",
    "sim/kernels/match/prefetch",
    "sim/pipeline/warm.py",
    "cloison/render/plot.py",
    "cloison/cli/speed/bench.py",
    "cloison/cli/shell/words.py",
    "cloison/cli/lab/__init__",
)
TURNED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "and": "or",
    "or": "and",
}


@dataclass(frozen=True, slots=True, order=True)
class Draw:
    """One fault: what stands on the lines `first..last`, before and after; drawn by `rank`."""

    rank: str
    path: str
    function: str
    what: str
    before: str
    after: str


def drawn() -> list[Draw]:
    """The faults of every floor."""
    out: list[Draw] = []
    for package, many in MANY.items():
        best: dict[tuple[str, str], Draw] = {}
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if not name.startswith(PASSED_BY):
                for draw in candidates(name, path.read_text("utf-8")):
                    key = name, draw.function
                    best[key] = min(best.get(key, draw), draw)
        out += sorted(best.values())[:many]
    return out


def candidates(path: str, text: str) -> Iterator[Draw]:
    """Every fault of a file that changes one line which stands there once, inside a function."""
    lines = text.splitlines(keepends=True)
    for line, begin, end, new, what in edits(text):
        before = lines[line - 1].strip()
        after = (lines[line - 1][:begin] + new + lines[line - 1][end:]).strip()
        function = function_at(text, line)
        if not function or text.count(before) != 1 or not parses(text.replace(before, after)):
            continue
        if "error(" in before or "raise " in before or "assert " in before:
            continue
        told = f"{SEED} {function} {before} {after}"
        yield Draw(hashlib.sha256(told.encode()).hexdigest(), path, function, what, before, after)


def edits(text: str) -> Iterator[tuple[int, int, int, str, str]]:
    """(line, first column, last column, new text, what it is) of every fault."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    for token in tokens:
        line, begin = token.start
        if token.string in TURNED and token.type in (tokenize.OP, tokenize.NAME):
            new = TURNED[token.string]
            yield line, begin, token.end[1], new, f"{token.string} becomes {new}"
        elif token.string == "not" and "not in" not in token.line and "is not" not in token.line:
            yield line, begin, token.end[1] + 1, "", "a `not` is dropped"
        elif token.type == tokenize.NUMBER and token.string.isdecimal():
            new = str(int(token.string) + 1)
            yield line, begin, token.end[1], new, f"{token.string} becomes {new}"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Expr | ast.AugAssign) or node.lineno != node.end_lineno:
            continue
        if isinstance(node, ast.AugAssign) or isinstance(node.value, ast.Call):
            yield node.lineno, node.col_offset, node.end_col_offset or 0, "pass", "it is left out"


def parses(text: str) -> bool:
    """Whether Python takes it."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def write() -> None:
    """Write the table; the tests that rows name stay with them."""
    named = {(f.path, f.before, f.after): f for f in FAULTS}
    rows = []
    for draw in drawn():
        breaks = f"{draw.function}: {draw.what}"
        texts = [*map(repr, (draw.path, draw.before, draw.after, breaks))]
        if (known := named.get((draw.path, draw.before, draw.after))) and known.by:
            texts += [f"by={known.by!r}", *(["plain=True"] if known.plain else [])]
        rows.append("    Fault(\n" + "".join(f"        {text},\n" for text in texts) + "    ),\n")
    TABLE.write_text(
        '"""Faults that were drawn, by `mutants.drawn`: `make mutants-draw`."""\n\n'
        "from __future__ import annotations\n\nfrom mutants.table import Fault\n\n"
        f"FAULTS = (\n{''.join(rows)})\n",
        "utf-8",
    )
