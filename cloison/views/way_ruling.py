"""What the network says of a connection, as a decision that others can be joined with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.decisions.decision import Ruling

if TYPE_CHECKING:
    from sim.why.explain import Explanation


def ruled(found: Explanation) -> Ruling:
    """An explanation as a decision."""
    culprit = found.blame.culprit
    lines = () if culprit.span is None else (culprit.span,)
    because = f"{found.headline}: {culprit.title}, which {culprit.part}"
    if found.verdict == "allow":
        return Ruling("allowed", "path", because, lines, tuple(map(str, found.besides)))
    if found.verdict == "deny":
        return Ruling("denied", "no_path", because, lines)
    return Ruling("unknown", "path_unknown", because, lines)
