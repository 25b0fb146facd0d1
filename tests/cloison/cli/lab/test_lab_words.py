"""The last line of a test of a lab says what it was not about: none is not taken for all."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cloison.cli.lab.lab_test import limits
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

THING = Unevaluated("x.org/v1", "Thing", "ns", "x", None, "unknown", "", "namespace")


@pytest.mark.parametrize(
    ("rules", "accepted", "words"),
    [
        (True, None, ""),
        (True, True, ""),
        (True, False, ", on what is evaluated: other objects may decide otherwise"),
        (False, None, ", in routes alone"),
    ],
)
def test_what_a_comparison_was_not_about(rules: bool, accepted: bool | None, words: str) -> None:
    records = () if accepted is None else (replace(THING, accepted=accepted),)
    network = SimpleNamespace(not_evaluated=records)
    lab: Any = SimpleNamespace(rules=rules, program=SimpleNamespace(network=network))
    assert limits(lab) == words
