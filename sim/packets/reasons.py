"""What became of a packet: delivered, or the name of the counter that dropped it.

The datapath has reasons of its own; each stage of policy has one, which its row names. A number is
the id in verdict columns and nothing else: those of the datapath and of the stages that every
policy has are fixed, other stages get the next free ones. `reasons` knows all of a table of stages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from compiler.policy.stages import STAGES, Stage, Stages

LIMIT = 64
"""Numbers that counters have room for."""


class Reason(int):
    """One reason; its value is the id in verdict columns, `label` the counter's name. There is one
    object for each, so that `is` compares."""

    name: str
    by_policy: bool
    """Whether a policy group denied the packet."""

    DELIVERED: ClassVar[Reason]
    UNKNOWN_SOURCE: ClassVar[Reason]
    FRAGMENT_DROP: ClassVar[Reason]
    SPOOF_DROP: ClassVar[Reason]
    NO_ROUTE_DROP: ClassVar[Reason]
    ZONE0_DROP: ClassVar[Reason]
    OVERRIDE_DROP: ClassVar[Reason]
    ZONE2_DROP: ClassVar[Reason]
    ISOLATION_DROP: ClassVar[Reason]
    POLICY_DROP: ClassVar[Reason]
    UNDERLAY_DROP: ClassVar[Reason]
    HAIRPIN_DROP: ClassVar[Reason]
    TTL_DROP: ClassVar[Reason]
    ENI_MISS_DROP: ClassVar[Reason]
    PA_VALIDATION_DROP: ClassVar[Reason]

    def __new__(cls, number: int, name: str = "", by_policy: bool = False) -> Reason:
        """A reason that every policy has, by its number; with a name a new one."""
        if not name:
            return _FIXED[int(number)]
        self = super().__new__(cls, number)
        self.name, self.by_policy = name, by_policy
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return int(self), self.name, self.by_policy

    @property
    def label(self) -> str:
        """The counter's name.

        >>> Reason.NO_ROUTE_DROP.label
        'no_route_drop'
        """
        return self.name.lower()

    def __repr__(self) -> str:
        return f"<Reason.{self.name}: {int(self)}>"


BEFORE = {"DELIVERED": 0, "UNKNOWN_SOURCE": 1, "FRAGMENT_DROP": 2, "SPOOF_DROP": 3,
          "NO_ROUTE_DROP": 4}  # fmt: skip
"""What the datapath says before any policy."""
AFTER = {"UNDERLAY_DROP": 10, "HAIRPIN_DROP": 13, "TTL_DROP": 14, "ENI_MISS_DROP": 11,
         "PA_VALIDATION_DROP": 12}  # fmt: skip
"""And after that of the sender."""


def _numbered(stages: Iterable[Stage], taken: Iterable[int]) -> Iterable[tuple[str, int]]:
    """Names of reasons of stages with the numbers that are free, in order."""
    free = (number for number in range(LIMIT) if number not in set(taken))
    return zip((stage.drop.upper() for stage in stages), free, strict=False)


_FIXED = {number: Reason(number, name) for name, number in (*BEFORE.items(), *AFTER.items())} | {
    number: Reason(number, name, True)
    for name, number in _numbered(STAGES, (*BEFORE.values(), *AFTER.values()))
}
for _reason in _FIXED.values():
    setattr(Reason, _reason.name, _reason)


@dataclass(frozen=True, slots=True)
class Reasons:
    """All reasons of a table of stages: as packets meet them, by number, and of each stage."""

    in_order: tuple[Reason, ...]
    numbered: dict[int, Reason]
    of_place: tuple[Reason, ...]
    of: dict[Stage, Reason]


@lru_cache(maxsize=64)
def reasons(stages: Stages) -> Reasons:
    """The reasons of the policies that have these stages.

    >>> [reason.label for reason in reasons(STAGES).of_place]
    ['zone0_drop', 'override_drop', 'zone2_drop', 'isolation_drop', 'policy_drop']
    """
    fixed = {reason.name: reason for reason in _FIXED.values()}
    new = [stage for stage in stages if stage.drop.upper() not in fixed]
    more = {name: Reason(number, name, True) for name, number in _numbered(new, _FIXED)}
    if len(more) < len(new):
        raise ValueError(f"{len(stages)} stages; there are numbers for {LIMIT} reasons")
    of = tuple((fixed | more)[stage.drop.upper()] for stage in stages)
    if not all(reason.by_policy for reason in of):
        raise ValueError("a stage drops for a reason of the datapath")
    in_order = (*(fixed[name] for name in BEFORE), *of, *(fixed[name] for name in AFTER))
    numbered = {int(reason): reason for reason in in_order}
    return Reasons(in_order, numbered, of, dict(zip(stages, of, strict=True)))
