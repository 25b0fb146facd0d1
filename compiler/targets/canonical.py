"""canonical: one JSON document per VTEP (`compiler.program.document`), byte for byte
reproducible."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from compiler.program.document import Pieces
from compiler.program.dpu import enforcement_points
from compiler.program.program import Program
from fabric.diagnostics import Diagnostic
from fabric.io.indented import indented

NEWLINE = "\n"
SHARED = ("groups", "routes", "mappings")
"""Lists of pieces."""


def nodes(program: Program) -> tuple[int, ...]:
    """Who gets a file: every enforcement point."""
    return enforcement_points(program)


def remarks(program: Program) -> tuple[Diagnostic, ...]:
    """None: what reads these files does what they say."""
    return ()


def render(program: Program, vtep: int) -> str:
    """The document of one VTEP as text: what `json.dumps(…, indent=1)` writes."""
    row_text = partial(indented, depth=2)

    def part(key: str, value: Any) -> str:
        if key not in SHARED or not value:
            return indented(value, 1)
        rows = (row.text("canonical", row_text) for row in value)
        return f"[\n  {f',{NEWLINE}  '.join(rows)}\n ]"

    parts = program.once(Pieces).latest(vtep).items()
    text = f",{NEWLINE} ".join(f"{json.dumps(key)}: {part(key, value)}" for key, value in parts)
    return f"{{\n {text}\n}}\n"
