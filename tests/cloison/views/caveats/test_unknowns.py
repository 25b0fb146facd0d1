"""What is not evaluated, in sentences."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from routed_demo import DEMO

from cloison.views.caveats.unknowns import computed, notes, sentences, with_records
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

OPEN = Unevaluated("x.org/v1", "Whatnot", "n", "x", None, "policy", "it may decide", "cluster")


@pytest.mark.parametrize(("accepted", "verdict"), [(False, "unknown"), (True, "computed")])
def test_rows_are_unknown_beside_what_nobody_accepted(accepted: bool, verdict: str) -> None:
    record = replace(OPEN, accepted=accepted)
    text = with_records([record], [{"n": 1}], network=DEMO, schema="cloison/t/1", output="json")
    assert json.loads(text)["verdict"] == verdict == computed([record])


def test_what_was_accepted_is_told_as_well() -> None:
    accepted = replace(OPEN, name="y", accepted=True)
    assert [*sentences([OPEN, accepted])] == [
        "Not evaluated: Whatnot n/x of x.org: it may decide.",
        "Accepted, not evaluated: Whatnot n/y of x.org: it may decide.",
    ]
    assert notes([accepted]) == (*sentences([accepted]),)
    assert len(notes([OPEN])) == 2
