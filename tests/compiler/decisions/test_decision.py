"""What several decisions about one request amount to."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from compiler.decisions.decision import Ruling, Verdict, together
from fabric.diagnostics import Span

STRONGEST: tuple[Verdict, ...] = ("denied", "unknown", "allowed")


def of(verdict: Verdict, name: str) -> Ruling:
    return Ruling(verdict, name, f"because of {name}", (Span(name, 1),), (f"if {name}",))


@pytest.mark.parametrize("verdicts", [*product(STRONGEST, repeat=3)])
def test_a_denial_denies_and_what_is_unknown_permits_nothing(verdicts: tuple[Verdict, ...]) -> None:
    for order in permutations(of(v, f"{v}-{n}") for n, v in enumerate(verdicts)):
        said = together(order)
        wanted = next(v for v in STRONGEST if v in verdicts)
        assert said.verdict == wanted
        deciding = [one for one in order if one.verdict == wanted]
        assert said.reason == deciding[0].reason
        assert said.lines == tuple(one.lines[0] for one in deciding)
        assert said.conditions == tuple(one.conditions[0] for one in deciding)


def test_what_is_said_twice_is_told_once() -> None:
    one = of("denied", "x")
    assert together([one, one]) == one
