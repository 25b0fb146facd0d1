"""What a file expected before it was changed: a change does not take back what it must keep.

Rules that hold here:

1. Every `expect:` line of the file as it was is one of the file as it is. One that stands in both
   (all that it says is the same, `APART` aside) is that of the file as it is.
2. Lines that only stand in the file as it was are judged like any other, and found there. Where one
   says nothing any more, because what it names is gone, that is a finding
   (`sim.proof.expectations.emptied_lines`): who wants it gone takes the line back first, while it
   still holds.
3. What is judged are all times that one of both files speaks of.
4. Risk groups that were other ones are tried as they were, too (`fabric.wiring.risk_groups`).
5. Who is to answer for a line (`owner`) and what it is for (`requirement`) do not change what it
   says.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from fabric.diagnostics import Diagnostic, Span
from fabric.file.expect.expectation_spec import Expectation
from fabric.file.expectation_files import Place, spans_of, with_lines
from fabric.file.spec import FabricSpec
from fabric.values.instants import instant

KEPT = "C727"
APART = ("owner", "requirement")
"""What is no part of what a line says (rule 5)."""


def with_kept_lines(spec: FabricSpec, before: FabricSpec) -> FabricSpec:
    """The file with the lines that it had before."""
    there = {said(line) for line in spec.expect}
    gone = []
    for number, line in enumerate(before.expect):
        if said(line) not in there:
            there.add(said(line))
            kept = line.model_copy()
            kept._kept = True
            gone.append((kept, spans_of(line, partial(_at, before, number))))
    times = {
        key: None if None in both else pick(both)
        for key, pick in (("from_", _first), ("until", _last))
        for both in [[getattr(file.times, key) for file in (spec, before)]]
    }
    return with_lines(spec.model_copy(update={"times": spec.times.model_copy(update=times)}), gone)


def _at(spec: FabricSpec, number: int, place: Place) -> Span | None:
    return spec.at("expect", number, *place)


def _first(moments: list[str]) -> str:
    return min(moments, key=instant)


def _last(moments: list[str]) -> str:
    return max(moments, key=instant)


def said(line: Expectation) -> tuple[object, ...]:
    """What a line says (rule 1), in whatever order it is written."""
    values = {
        **dict(line),
        "hold_under": frozenset(line.hold_under),
        "window": line.window and (line.window.from_, line.window.until),
    }
    return tuple(value for name, value in values.items() if name not in APART)


def taken_back(spec: FabricSpec) -> Iterator[Diagnostic]:
    """That lines are judged which the file does not have any more; one for each owner."""
    owners: dict[str | None, list[int]] = {}
    for number, line in enumerate(spec.expect):
        if line._kept:
            owners.setdefault(line.owner, []).append(number)
    for owner, numbers in owners.items():
        of, many = f" of {owner}" if owner else "", len(numbers)
        lines = f"{many} expectations{of} are" if many > 1 else f"an expectation{of} is"
        what = f"{lines} in the file no more; a change cannot take back what it must keep: judged"
        hint = "take lines back in a change of their own, where they hold"
        yield Diagnostic(KEPT, what, spec.at("expect", numbers[0]), hint, "warning")
