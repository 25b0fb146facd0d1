"""What is not evaluated, in sentences."""

from __future__ import annotations

from dataclasses import replace

from cloison.views.unknowns import notes, sentences
from fabric.kubernetes.unevaluated import Unevaluated

OPEN = Unevaluated("x.org/v1", "Whatnot", "n", "x", None, "policy", "it may decide", "cluster")


def test_what_was_accepted_is_told_as_well() -> None:
    accepted = replace(OPEN, name="y", accepted=True)
    assert [*sentences([OPEN, accepted])] == [
        "Not evaluated: Whatnot n/x of x.org: it may decide.",
        "Accepted, not evaluated: Whatnot n/y of x.org: it may decide.",
    ]
    assert notes([accepted]) == (*sentences([accepted]),)
    assert len(notes([OPEN])) == 2
