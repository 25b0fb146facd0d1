"""Cables that several sources list, each of them once.

A cable too many is a way that nobody has: a line would hold without a cable that is the only one.

Rules that hold here:

1. At one port there is one cable. Who says another one there is wrong, the first one counts.
2. Of one list each row is a cable of its own: two rows are two cables side by side. What another
   list says of the same two nodes is the same cables, first to first, as far as their ports allow.
   Rows the other way round are another list: each end may have its own say.
3. Ports that one list leaves out are those that another one says.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from fabric.diagnostics import Span

End = tuple[str, str | None]
Ends = tuple[End, End]


@dataclass(slots=True)
class OneCable:
    """A cable, and the lists that have it. `filled`: ports are known that its first list leaves
    out."""

    ends: Ends
    speed: int | None
    span: Span | None
    lists: set[Hashable] = field(default_factory=set)
    filled: bool = False

    def aligned(self, ends: Ends) -> Ends:
        """The same ends in the order of this cable."""
        return ends if ends[0][0] == self.ends[0][0] else (ends[1], ends[0])

    def fits(self, ends: Ends) -> bool:
        """Whether these may be its ends."""
        pairs = zip(self.ends, self.aligned(ends), strict=True)
        return all(
            mine[0] == said[0] and (None in (mine[1], said[1]) or mine[1] == said[1])
            for mine, said in pairs
        )


class SeenCables:
    """All cables so far."""

    def __init__(self) -> None:
        self._at: dict[End, OneCable] = {}
        self._between: dict[frozenset[str], list[OneCable]] = {}

    def written(self, ends: Ends, speed: int | None, span: Span | None) -> OneCable:
        """A cable of the fabric file, which is one whatever the others are."""
        made = OneCable(ends, speed, span)
        self._keep(made)
        return made

    def listed(
        self, ends: Ends, speed: int | None, span: Span | None, source: Hashable
    ) -> tuple[OneCable, bool]:
        """The cable that a row is about, and whether it is a new one. The row fits it unless they
        contradict each other (rule 1)."""
        this = source, ends[0][0]
        pair = frozenset(name for name, _ in ends)
        held = [self._at[end] for end in ends if end in self._at]
        if held:
            known, agrees = held[0], held[0].fits(ends) and held[-1] is held[0]
        else:
            some: Sequence[OneCable] = self._between.get(pair, ()) if len(pair) > 1 else ()
            found = next((c for c in some if this not in c.lists and c.fits(ends)), None)
            if found is None:
                made = OneCable(ends, speed, span, {this})
                self._keep(made)
                return made, True
            known, agrees = found, True
        if agrees:
            known.lists.add(this)
            self._fill(known, ends)
        return known, False

    def contradicts(self, known: OneCable, ends: Ends) -> bool:
        """Whether a row says another cable at a port of this one."""
        return any(self._at.get(end, known) is not known for end in ends) or not known.fits(ends)

    def _fill(self, known: OneCable, ends: Ends) -> None:
        """Rule 3."""
        pairs = zip(known.ends, known.aligned(ends), strict=True)
        one, other = ((mine[0], mine[1] or said[1]) for mine, said in pairs)
        known.filled = known.filled or (one, other) != known.ends
        known.ends = one, other
        self._mark(known)

    def _keep(self, cable: OneCable) -> None:
        self._mark(cable)
        pair = frozenset(name for name, _ in cable.ends)
        self._between.setdefault(pair, []).append(cable)

    def _mark(self, cable: OneCable) -> None:
        for end in cable.ends:
            if end[1]:
                self._at.setdefault(end, cable)
