"""What is said of two worlds besides their packets."""

from __future__ import annotations

from typing import Any

from cloison.views.changes.differences import notes
from fabric.diagnostics import Diagnostic, Span
from sim.diff.diff import Diff


def test_findings_of_one_world_are_told() -> None:
    sides: Any = None
    come = Diagnostic("C510", "a route too many", Span("new.yaml", 2), "", "finding")
    gone = Diagnostic("C512", "a route too few", None, "", "finding")
    found = Diff(sides, (), found=(come,), gone=(gone,))
    assert not found.same
    assert [*notes(found)] == [
        "New finding: C510 a route too many (new.yaml:2:1)",
        "Finding gone: C512 a route too few",
    ]
