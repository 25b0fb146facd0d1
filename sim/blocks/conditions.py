"""What decisions ask for besides: permits that are ones only if something holds that no header
shows (`compiler.policy.ir.Rule.conditions`).

A decision keeps one entry of each stage. Those without conditions come before those with
(`compiler.passes.scope`), so which decisions have conditions is known for certain. Which these are
is not where all rules of a stage count and several have others: `demanded` refuses there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Condition
from compiler.policy.stages import Combine
from compiler.program.program import Entry, Program
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import same_rows

Bits = NDArray[np.bool_]
I64 = NDArray[np.int64]
Conditions = tuple[Condition, ...]


def conditional(blocks: Blocks) -> Bits:
    """Which decisions permit only if something holds besides that no header shows: those of which
    some entry has conditions."""
    entries = blocks.program.once(asking)
    if not entries:
        return np.zeros(len(blocks.dec_permit), np.bool_)
    asks = np.isin(blocks.dec_entries, [e.id for e in entries]).any(axis=1)
    return np.asarray(blocks.dec_permit & asks)


def demanded(both: Sequence[Blocks]) -> tuple[list[Conditions], list[I64]]:
    """The conditions of permits of several worlds, those of nothing first, and for each decision of
    each world which of them it has; -1 where it denies. Raises `UndecidedError`."""
    known: dict[Conditions, int] = {(): 0}
    out = []
    for blocks in both:
        of = np.where(blocks.dec_permit, 0, -1)
        if (asks := conditional(blocks)).any():
            _refuse_several(blocks.program)
            sets = {entry.id: entry.conditions for entry in blocks.program.once(asking)}
            rows = np.where(np.isin(blocks.dec_entries, [*sets]), blocks.dec_entries, -1)[asks]
            member, sample = same_rows(list(rows.T))
            found = [
                tuple(sorted({word for e in row if e >= 0 for word in sets[e]}))
                for row in rows[sample].tolist()
            ]
            of[asks] = np.array([known.setdefault(c, len(known)) for c in found])[member]
        out.append(of)
    return [*known], out


def asking(program: Program) -> list[Entry]:
    """Entries with conditions."""
    return [e for group in program.groups for e in group.entries if e.conditions]


def _refuse_several(program: Program) -> None:
    for group in program.groups:
        if group.stage.combine is Combine.FIRST_MATCH:
            continue
        several = {entry.conditions for entry in group.entries if entry.conditions}
        if len(several) > 1:
            words = "; ".join(" and ".join(one) for one in sorted(several))
            message = f"rules of one stage, which all count, ask for different things: {words}"
            hint = "replay, explain and proofs tell of them"
            raise UndecidedError(Diagnostic("C876", message, None, hint, "unknown"))
