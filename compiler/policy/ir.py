"""The policy intermediate representation: what every frontend writes and every pass reads.

A `Policy` is a bag of `Rule`s and `Selection`s. Both speak of one *direction* at one *local* side:
OUT is decided where the packet leaves an endpoint, IN where it arrives. The other side is the
*remote*. Frontends never mention addresses of pods or tables; passes do.

Rules that hold here:

1. A `Rule` applies to the endpoints that one of its `local` matchers selects; it matches a packet
   when one `remote` matcher and one `l4` range match. Empty `l4` means all protocols and ports;
   empty `remote` means nobody.
2. Within (stage, direction, endpoint) the stage's row says how rules combine: by `order`, lowest
   first, and the first match decides; or all that match together, and a deny wins. The row also
   says where an action goes on: PERMIT with the next stage, DENY nowhere, PERMIT_FINAL behind the
   stages that it skips.
3. A rule is enforced at the point that its stage's row names, and nowhere else.
4. When no rule of a stage matches, DENY if a `Selection` (with `default=DENY`) selects the
   endpoint, else what another selection says, else the default of the row. A stage that lets pass
   by default is skipped where neither a rule nor a selection speaks of the endpoint.
5. Everything carries the `Origin` that a person would call its cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compiler.policy.fields import Values
from compiler.policy.fields import Within as Within
from compiler.policy.labels import LabelSelector as LabelSelector
from compiler.policy.labels import Requirement as Requirement
from compiler.policy.matcher import Matcher as Matcher
from compiler.policy.matchers import Cidr as Cidr
from compiler.policy.matchers import Everyone as Everyone
from compiler.policy.matchers import InVrf as InVrf
from compiler.policy.matchers import Named as Named
from compiler.policy.matchers import OwnNode as OwnNode
from compiler.policy.matchers import Pods as Pods
from compiler.policy.origin_kinds import OriginKind, kind_of
from compiler.policy.points import VTEPS
from compiler.policy.points import Direction as Direction
from compiler.policy.points import Point as Point
from compiler.policy.stages import STAGES, Stages, checked, joined
from compiler.policy.stages import Action as Action
from compiler.policy.stages import Stage as Stage
from fabric.diagnostics import Span
from fabric.values.ports import ANY, MAX_PORT

NOWHERE = Span("", 0, 0)


@dataclass(frozen=True, slots=True)
class Origin:
    """The cause of a rule: its kind, its name, the rule's index in the user's file, and where.

    The kinds, and what is peculiar to each, are in `compiler.policy.origin_kinds`; one that stands
    there may be given by name.
    """

    kind: OriginKind
    name: str
    rule: int | None = None
    span: Span | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", kind_of(self.kind))

    @property
    def rank(self) -> tuple[str, str, int, Span]:
        """What origins are sorted by. No two origins share it, so that output never depends on the
        order in which a set hands them out."""
        rule = -1 if self.rule is None else self.rule
        return self.kind, self.name, rule, self.span or NOWHERE

    def __str__(self) -> str:
        rule = "" if self.rule is None else f" rule {self.rule}"
        where = f" ({self.span})" if self.span else ""
        return f"{self.kind} {self.name}{rule}{where}"


Condition = str
"""What must hold besides, in words: "the request matches GET /health"."""


@dataclass(frozen=True, slots=True)
class L4:
    """Protocol with destination and source port ranges; `name` is a named port, resolved per
    destination pod (name and protocol must match) and replaces `first..last`. `fields` limit what
    else a header carries (`compiler.policy.fields`), all of them together."""

    protocol: int = ANY
    first: int = 0
    last: int = MAX_PORT
    name: str | None = None
    source_first: int = 0
    source_last: int = MAX_PORT
    fields: tuple[Within, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """See the module's rules 1 and 2. `conditions` is what else must hold before a permit is one,
    of which no header tells; the rule matches as if it did, and every verdict names them."""

    stage: Stage
    direction: Direction
    order: int
    local: tuple[Matcher, ...]
    remote: tuple[Matcher, ...]
    l4: tuple[L4, ...]
    action: Action
    origin: Origin
    conditions: tuple[Condition, ...] = ()

    @property
    def at(self) -> Point:
        """Who enforces it."""
        return self.stage.at


@dataclass(frozen=True, slots=True)
class Selection:
    """Binds a stage to endpoints and says what happens when no rule matches (rule 4)."""

    stage: Stage
    direction: Direction
    local: tuple[Matcher, ...]
    default: Action
    origin: Origin


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules and selections of a world, in the order of the files they come from, and the table
    of its stages. `enforced` are the points that are known to enforce what is written for them."""

    rules: tuple[Rule, ...] = ()
    selections: tuple[Selection, ...] = ()
    stages: Stages = STAGES
    enforced: frozenset[Point] = VTEPS

    def __post_init__(self) -> None:
        checked(self.stages)

    def __add__(self, other: Policy) -> Policy:
        return Policy(
            self.rules + other.rules,
            self.selections + other.selections,
            joined(self.stages, other.stages),
            self.enforced | other.enforced,
        )


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as one enforcement point sees it. `remote_vrf` is the VRF index behind which the
    remote lies: for OUT where the route leads, for IN where the source prefix and the outer VTEP
    come from. Addresses are integers with `version` 4 or 6."""

    direction: Direction
    local: int
    version: int
    remote_ip: int
    remote_vrf: int
    protocol: int
    sport: int
    dport: int
    fields: Values = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`matched` maps each stage that was evaluated to the origins that decided it: one where the
    first match decides, where all count every origin that says so. `conditions` are those of the
    rules behind it, sorted."""

    permit: bool
    stage: Stage | None
    matched: Mapping[Stage, tuple[Origin, ...]] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
