"""What openings of a flat policy let pass, asked packet by packet."""

from __future__ import annotations

from compiler.targets.nvue.flat_policy import Openings


def passes(found: Openings, protocol: int, sport: int, dport: int) -> bool:
    """Whether they let a packet pass: the definition."""
    named = dict(found.named)
    if protocol not in named:
        return found.others
    return any(
        a <= sport <= b and any(c <= dport <= d for c, d in dports)
        for a, b, dports in named[protocol]
    )
