"""One step of an explanation, and that of a policy's decision with every cause that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compiler.policy.ir import Condition, Direction, Packet
from compiler.program.program import Entry, Group, Program
from compiler.program.walk import behind, required
from sim.why.nearest import title


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens to the packet. `line` is the place in the input behind it; `entry` the
    group and entry that decided, where it was a policy; `conditions` what must hold besides."""

    where: str
    what: str
    result: str
    because: str = ""
    line: str | None = None
    entry: str | None = None
    conditions: tuple[Condition, ...] = ()

    def row(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "where": self.where,
            "what": self.what,
            "result": self.result,
            "because": self.because,
            "line": self.line,
            "entry": self.entry,
            **({"conditions": list(self.conditions)} if self.conditions else {}),
        }


def entry_step(program: Program, where: str, group: Group, entry: Entry, packet: Packet) -> Step:
    """One group's decision, with every cause that it has."""
    alike = behind(group, entry, packet)
    origin, *others = dict.fromkeys(program.origins[e.origin] for e in alike)
    default = entry is group.default_entry
    number = f"group {group.id} {'default' if default else f'entry {entry.order}'}"
    result = group.stage.doing(entry.action).said
    if besides := required(alike):
        result += f", if {' and '.join(besides)}"
    what = f"{Direction(group.direction).name} {group.stage.name}"
    because = origin.name if origin.kind.bare else title(origin)
    because = "; ".join((because, *map(title, others)))
    because += "".join(f", enforced {word} {who}" for word, who in group.at.beside.items())
    return Step(
        where,
        what,
        result,
        because,
        None if origin.span is None else str(origin.span),
        number,
        besides,
    )


def line_of(span: object) -> str | None:
    """A place in the input as text."""
    return None if span is None else str(span)
