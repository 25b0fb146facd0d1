"""The stages of policy: one row each, in the order in which a packet meets them.

A row says everything that the rest of cloison has to know of a stage:

    name      as people read it in explanations
    label     as it stands in dumps, tables and JSON
    owner     whose files its rules come from
    at        who enforces it (`compiler.policy.points`)
    drop      the reason of a packet that it denies
    default   what it does where no rule matches and no selection speaks, at every endpoint
    combine   how the rules that match become one action
    does      what its rules may say, by what words, and where the evaluation goes on
    stateful  whether replies to what it permitted pass it unasked
    closes    the earlier stage whose permits it stands behind: it stops what none of them lets
              pass; None where it is about its own

To add a stage is to add a row of `TABLE`: definition, compiler, blocks, kernels, proof, checker,
dumps and command line read it. Nobody counts stages or adds to their numbers. A policy carries its
table (`Policy.stages`), so that a source may hand in one with more rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import lru_cache
from typing import ClassVar

from compiler.policy.points import STEPS, Direction, Point, met_before
from fabric.values.one_line import OneLine


class Action(IntEnum):
    """What a match does. PERMIT_FINAL skips stages; how many, the row of the stage says."""

    DENY = 0
    PERMIT = 1
    PERMIT_FINAL = 2


class To(Enum):
    """Where an evaluation goes on: with the next stage, behind the last that the same point asks,
    or nowhere."""

    NEXT = "next"
    END = "end"
    DROP = "drop"


class Combine(Enum):
    """FIRST_MATCH: the rule with the lowest order decides. DENY_WINS: all rules that match
    together, whatever their order: a deny, else a permit that skips stages, else a permit."""

    FIRST_MATCH = "first match"
    DENY_WINS = "deny wins"


class Owner(Enum):
    """FABRIC: the fabric file, about everybody. CLUSTER: objects of a cluster, about its pods."""

    FABRIC = "fabric"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Does:
    """An action in a stage: its word (`_` stands between two), and where the evaluation goes on; a
    text is the name of a later stage, those between are skipped."""

    action: Action
    label: str
    to: To | str

    @property
    def said(self) -> str:
        """The word as people read it.

        >>> Does(Action.PERMIT_FINAL, "permit_final", To.END).said
        'permit, final'
        """
        return self.label.replace("_", ", ")


@dataclass(frozen=True, slots=True, repr=False)
class Stage(OneLine):
    """A row; see the module. Equal rows say the same, not only have one name."""

    name: str
    label: str = field(hash=False)
    owner: Owner = field(hash=False)
    at: Point = field(hash=False)
    drop: str = field(hash=False)
    default: Action = field(hash=False)
    combine: Combine = field(hash=False)
    does: tuple[Does, ...] = field(hash=False)
    stateful: bool = field(hash=False)
    closes: str | None = field(hash=False)

    ACCESS: ClassVar[Stage]
    ZONE0: ClassVar[Stage]
    OVERRIDE: ClassVar[Stage]
    ZONE2: ClassVar[Stage]
    ISOLATION: ClassVar[Stage]
    ADMIN: ClassVar[Stage]
    WORKLOAD: ClassVar[Stage]
    BASELINE: ClassVar[Stage]
    CONDITION: ClassVar[Stage]
    CILIUM: ClassVar[Stage]
    CILIUM_DEFAULT: ClassVar[Stage]

    def _said(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Stage.{self._said()}"

    def doing(self, action: Action) -> Does:
        """What an action does here; `KeyError` for one that rules of this stage may not say."""
        for does in self.does:
            if does.action is action:
                return does
        raise KeyError(f"{self.name} has no {action.name}")

    def rank(self, action: Action) -> int:
        """What rules are sorted by before their order: 0 for all where the first match decides."""
        return WINS[action] if self.combine is Combine.DENY_WINS else 0

    @property
    def silent(self) -> bool:
        """Whether it lets everything pass of which nobody says anything."""
        return self.doing(self.default).to is To.NEXT


Stages = tuple[Stage, ...]
WINS = {Action.DENY: 0, Action.PERMIT_FINAL: 1, Action.PERMIT: 2}
"""The order in which actions win over others where all rules count."""
DROPPED = 127
"""In the place of a stage to go on with: there is none."""
DENY_OR_NEXT = (Does(Action.DENY, "deny", To.DROP), Does(Action.PERMIT, "permit", To.NEXT))
PASS_OR_ACCEPT = (
    Does(Action.DENY, "deny", To.DROP),
    Does(Action.PERMIT, "pass", To.NEXT),
    Does(Action.PERMIT_FINAL, "accept", To.END),
)
OR_FINAL = (*DENY_OR_NEXT, Does(Action.PERMIT_FINAL, "permit_final", To.END))
FIRST = Combine.FIRST_MATCH
HERE = Point.HERE
TRACKED = True

DEVICES, ALWAYS, TIERS, UNION = "devices", "always", "tiers", "union"
# fmt: off
TABLE: tuple[tuple[str, Stage], ...] = (
    (DEVICES, Stage("ACCESS", "access", Owner.FABRIC, HERE, "access_drop", Action.PERMIT, FIRST,
                    DENY_OR_NEXT, False, None)),
    (ALWAYS, Stage("ZONE0", "zone0", Owner.FABRIC, HERE, "zone0_drop", Action.PERMIT, FIRST,
                   DENY_OR_NEXT, TRACKED, None)),
    (ALWAYS, Stage("OVERRIDE", "override", Owner.FABRIC, HERE, "override_drop", Action.PERMIT,
                   FIRST, OR_FINAL, TRACKED, None)),
    (ALWAYS, Stage("ZONE2", "zone2", Owner.FABRIC, HERE, "zone2_drop", Action.PERMIT, FIRST,
                   DENY_OR_NEXT, TRACKED, None)),
    (ALWAYS, Stage("ISOLATION", "isolation", Owner.FABRIC, HERE, "isolation_drop", Action.PERMIT,
                   FIRST, DENY_OR_NEXT, TRACKED, None)),
    (TIERS, Stage("ADMIN", "admin", Owner.CLUSTER, HERE, "admin_drop", Action.PERMIT, FIRST,
                  PASS_OR_ACCEPT, TRACKED, None)),
    (ALWAYS, Stage("WORKLOAD", "workload", Owner.CLUSTER, HERE, "policy_drop", Action.PERMIT,
                   FIRST, DENY_OR_NEXT, TRACKED, None)),
    (UNION, Stage("CONDITION", "condition", Owner.CLUSTER, HERE, "condition_drop", Action.PERMIT,
                  Combine.DENY_WINS, DENY_OR_NEXT, TRACKED, None)),
    (UNION, Stage("CILIUM", "cilium", Owner.CLUSTER, HERE, "cilium_drop", Action.PERMIT,
                  Combine.DENY_WINS,
                  (Does(Action.DENY, "deny", To.DROP), Does(Action.PERMIT, "pass", To.NEXT),
                   Does(Action.PERMIT_FINAL, "allow", To.END)), TRACKED, None)),
    (TIERS, Stage("BASELINE", "baseline", Owner.CLUSTER, HERE, "baseline_drop", Action.PERMIT,
                  FIRST, PASS_OR_ACCEPT, TRACKED, None)),
    (UNION, Stage("CILIUM_DEFAULT", "cilium_default", Owner.CLUSTER, HERE, "cilium_default_drop",
                  Action.PERMIT, FIRST, DENY_OR_NEXT, TRACKED, "CILIUM")),
)
# fmt: on
"""All rows in the order in which a packet meets them, and what a policy says that has them: access
lists of devices; anything; tiers, before and behind the policies of namespaces, where a cluster has
such objects; a union, where Cilium enforces policies: what permits ask for besides, its policies
and those of namespaces, and behind the baseline what becomes of the rest."""

for _, _stage in TABLE:
    setattr(Stage, _stage.name, _stage)


def of(*said: str) -> Stages:
    """The stages of a policy that says these."""
    return tuple(stage for what, stage in TABLE if what in said)


STAGES = of(ALWAYS)
"""The stages of a policy that says nothing else."""
TIERED = of(ALWAYS, TIERS)
"""The stages of a policy of which some cluster has tiers."""
WIDEST = of(ALWAYS, TIERS, UNION)
"""Those of a policy of which Cilium enforces a part: all that a fabric file may ask for."""
ON_DEVICES = of(DEVICES, ALWAYS)
"""The stages of what was read from configurations of devices."""


def every() -> Stages:
    """All rows of the table, as it is now, whoever has them."""
    return tuple(stage for _, stage in TABLE)


def inserted(stages: Stages, new: Stage, *, after: Stage) -> Stages:
    """The table with one more row."""
    place = stages.index(after) + 1
    return checked((*stages[:place], new, *stages[place:]))


@lru_cache(maxsize=64)
def checked(stages: Stages) -> Stages:
    """The table; `ValueError` where a row contradicts itself or another one."""
    for what in ("name", "label", "drop"):
        told = [getattr(stage, what) for stage in stages]
        if len(set(told)) < len(told):
            raise ValueError(f"two stages have one {what}: {', '.join(told)}")
    if (order := [_step(stages, place) for place in range(len(stages))]) != sorted(order):
        raise ValueError(f"no packet meets points in this order: {_names(stages)}")
    if len(stages) >= DROPPED:
        raise ValueError(f"{len(stages)} stages; {DROPPED - 1} at most")
    for place, stage in enumerate(stages):
        stage.doing(stage.default)
        if len({does.action for does in stage.does}) < len(stage.does):
            raise ValueError(f"{stage.name}: one action does two things")
        if stage.closes is not None and stage.closes not in {s.name for s in stages[:place]}:
            raise ValueError(f"{stage.name} closes {stage.closes}, no earlier stage")
        later = {other.name for other in stages[place + 1 : ends(stages)[place]]}
        for does in stage.does:
            if len({does.action is Action.DENY, does.to is To.DROP, does.label == "deny"}) > 1:
                raise ValueError(f"{stage.name}: to deny is to drop, {does.label} is not both")
            if isinstance(does.to, str) and does.to not in later:
                raise ValueError(f"{stage.name}: {does.label} goes on at {does.to}, no later stage")
    return stages


def _step(stages: Stages, place: int) -> int:
    """The step at which packets meet a stage: that of its point, before or behind this DPU."""
    here = [number for number, stage in enumerate(stages) if stage.at is HERE]
    point, behind = stages[place].at, bool(here) and place > here[0]
    return STEPS.index(point, STEPS.index(HERE)) if behind else STEPS.index(point)


@lru_cache(maxsize=64)
def ends(stages: Stages) -> tuple[int, ...]:
    """Per stage the place behind the last one that the same point asks in the same step: where an
    evaluation ends there."""
    out: list[int] = []
    for place in reversed(range(len(stages))):
        last = place + 1 == len(stages) or stages[place].at is not stages[place + 1].at
        out.append(place + 1 if last else out[-1])
    return tuple(reversed(out))


@lru_cache(maxsize=64)
def met(stages: Stages) -> tuple[frozenset[Direction], ...]:
    """Per stage the directions of the packets that meet it where it stands."""
    out = []
    for place, stage in enumerate(stages):
        early = _step(stages, place) < STEPS.index(HERE)
        first = met_before(stage.at)
        one = frozenset((first if early else Direction(1 - first),))
        out.append(frozenset(Direction) if stage.at is HERE else one)
    return tuple(out)


@lru_cache(maxsize=64)
def leads(stages: Stages) -> tuple[tuple[int, ...], ...]:
    """Per stage and action the place of the stage to go on with; at the end that of the next
    point's first stage, or their number; DROPPED for a deny and for what a stage does not know.

    >>> leads(STAGES)[1]
    (127, 2, 5)
    """
    places = {stage.name: place for place, stage in enumerate(checked(stages))}
    table = [[DROPPED] * len(Action) for _ in stages]
    for place, stage in enumerate(stages):
        for does in stage.does:
            goes = {To.NEXT: place + 1, To.END: ends(stages)[place], To.DROP: DROPPED} | places
            table[place][does.action] = goes[does.to]
    return tuple(map(tuple, table))


@lru_cache(maxsize=64)
def joined(one: Stages, other: Stages) -> Stages:
    """The table of two policies together: all rows of both, each after those that stand before it
    in either; of several that could be next, those of the first. `ValueError` when rows of one name
    differ, or both tables have rows in different orders.

    >>> joined(TIERED, STAGES) == joined(STAGES, TIERED) == TIERED
    True
    """
    if one == other:
        return one
    known = {stage.name: stage for stage in one}
    if any(known.get(stage.name, stage) != stage for stage in other):
        raise ValueError(f"two tables of stages: {_names(one)}; {_names(other)}")
    out: list[Stage] = []
    left = [list(one), list(other)]
    while left[0] or left[1]:
        heads = [
            mine[0] for mine, theirs in (left, left[::-1]) if mine and mine[0] not in theirs[1:]
        ]
        if not heads:
            raise ValueError(f"two tables of stages: {_names(one)}; {_names(other)}")
        out.append(heads[0])
        left = [rows[1:] if rows[:1] == heads[:1] else rows for rows in left]
    return tuple(out)


def _names(stages: Sequence[Stage]) -> str:
    return ", ".join(stage.name for stage in stages)
