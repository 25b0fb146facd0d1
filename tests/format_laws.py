"""What every row of `cloison.render.formats.FORMATS` keeps; also those of plug-ins."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from routed_demo import DEMO

from cloison.render.formats import FORMATS, Answer, Format
from cloison.views.caveats.unknowns import with_records
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

ROWS = ({"name": "acme/web", "n": 12}, {"name": "globex/db", "n": -3})
RECORD = Unevaluated("x/v1", "Whatnot", "n", "x", None, "policy", "may decide", "cluster")


def loses_nothing(row: Format) -> None:
    """Every row is written, hostile names hide nothing, and what is not evaluated is said."""
    said = row.write(Answer(ROWS, "cloison/test/1", "Things"))
    assert said.endswith("\n"), "does not end its last line"
    assert all(str(value) in said for of in ROWS for value in of.values()), f"{row.name} hides rows"
    evil = row.write(Answer([{"name": "a\x1b[31mb\u202ec"}], "cloison/test/1"))
    assert not {"\x1b", "\u202e"} & {*evil}, f"{row.name} lets a name drive the terminal"
    assert "Whatnot" in told(row), f"{row.name} hides what is not evaluated"
    assert row.document is None or row.told is None, f"{row.name} takes documents, and texts"
    if row.document is not None:
        said = row.document({"verdict": "fails", "rows": [*ROWS], "seconds": float("inf")})
        assert said.endswith("\n"), "does not end its last line"
        values = [str(value) for of in ROWS for value in of.values()]
        assert all(v in said for v in ("fails", *values)), f"{row.name} hides part of a document"
        evil = row.document({"name": "a\x1b[31mb\u202ec"})
        assert not {"\x1b", "\u202e"} & {*evil}, f"{row.name} lets a name drive the terminal"


def told(row: Format) -> str:
    """Rows of which something is not evaluated."""
    with nullcontext() if FORMATS.get(row.name) is row else FORMATS.also(row):
        how: dict[str, Any] = {"network": DEMO, "schema": "cloison/test/1", "output": row.name}
        return with_records([RECORD], ROWS, **how)
