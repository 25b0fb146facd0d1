"""canonical: one JSON document per VTEP (`compiler.program.document`), byte for byte
reproducible."""

from __future__ import annotations

import json

from compiler.program.document import document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.program.program import Program
from fabric.diagnostics import Diagnostic


def nodes(program: Program) -> tuple[int, ...]:
    """Who gets a file: every enforcement point."""
    return enforcement_points(program)


def remarks(program: Program) -> tuple[Diagnostic, ...]:
    """None: what reads these files does what they say."""
    return ()


def render(program: Program, vtep: int) -> str:
    """The document of one VTEP as text."""
    return json.dumps(document(program, tables_of(program, vtep)), indent=1) + "\n"
