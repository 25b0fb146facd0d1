"""Lines from before a change that say nothing in it, because what they name is gone."""

from __future__ import annotations

from collections.abc import Iterator

from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Diagnostics
from fabric.file.spec import FabricSpec
from sim.proof.expectations.expect import read_line


def emptied(spec: FabricSpec, network: Network) -> Iterator[Diagnostic]:
    """Findings: lines from before a change (`fabric.file.kept_lines`) that say nothing in it."""
    for number, line in enumerate(spec.expect):
        if not line._kept:
            continue
        why, span = Diagnostics(), spec.at("expect", number)
        if "any-1-risk-group" in line.hold_under and not network.fabric.risk_groups:
            why.error("C707", "any-1-risk-group tries nothing: the file names no risk groups", span)
        read_line(number, line, span, network, why)
        if why.items:
            first = why.items[0].message
            what = f"expected before this change, and it says nothing any more: {first}"
            hint = "take the line back in a change of its own, where it holds; then this one"
            yield Diagnostic("C725", what, span, hint, "finding")
