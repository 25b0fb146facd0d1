"""The policy intermediate representation: what every frontend writes and every pass reads.

A `Policy` is a bag of `Rule`s and `Selection`s. Both speak of one *direction* at one *local* side:
OUT is decided where the packet leaves an endpoint, IN where it arrives. The other side is the
*remote*. Frontends never mention addresses of pods or tables; passes do.

Rules that hold here:

1. A `Rule` applies to the endpoints that one of its `local` matchers selects; it matches a packet
   when one `remote` matcher and one `l4` range match. Empty `l4` means all protocols and ports;
   empty `remote` means nobody.
2. Within (stage, direction, endpoint) rules are tried by `order`, lowest first; the first match
   decides. PERMIT goes on to the next stage, DENY ends the packet, PERMIT_FINAL (overrides only)
   ends the evaluation of this direction.
3. A stage that neither a rule nor a selection gives to an endpoint is skipped. When no rule of a
   stage matches, DENY if a `Selection` (with `default=DENY`) selects the endpoint, else PERMIT.
4. Everything carries the `Origin` that a person would call its cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from compiler.policy.kinds import Kind, kind_of
from compiler.policy.labels import LabelSelector as LabelSelector
from compiler.policy.labels import Requirement as Requirement
from compiler.policy.matcher import Matcher as Matcher
from compiler.policy.matchers import Cidr as Cidr
from compiler.policy.matchers import Everyone as Everyone
from compiler.policy.matchers import InVrf as InVrf
from compiler.policy.matchers import Named as Named
from compiler.policy.matchers import OwnNode as OwnNode
from compiler.policy.matchers import Pods as Pods
from fabric.diagnostics import Span
from fabric.ports import ANY, MAX_PORT


class Stage(IntEnum):
    """The policy groups of the DPU pipeline, in evaluation order."""

    ZONE0 = 0
    OVERRIDE = 1
    ZONE2 = 2
    ISOLATION = 3
    WORKLOAD = 4


class Direction(IntEnum):
    """OUT: endpoint to fabric, at the source. IN: fabric to endpoint, at the destination."""

    OUT = 0
    IN = 1


class Action(IntEnum):
    """What a match does."""

    DENY = 0
    PERMIT = 1
    PERMIT_FINAL = 2


class Point(Enum):
    """Who enforces a rule: the DPU of the local side, that of the remote, a border, or the host's
    own network plugin."""

    HERE = "this DPU"
    PEER = "the peer's DPU"
    BORDER = "a border"
    HOST = "the host's own CNI"


NOWHERE = Span("", 0, 0)


@dataclass(frozen=True, slots=True)
class Origin:
    """The cause of a rule: its kind, its name, the rule's index in the user's file, and where.

    The kinds, and what is peculiar to each, are in `compiler.policy.kinds`; one that stands there
    may be given by name.
    """

    kind: Kind
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


@dataclass(frozen=True, slots=True)
class L4:
    """Protocol with destination and source port ranges; `name` is a named port, resolved per
    destination pod (name and protocol must match) and replaces `first..last`."""

    protocol: int = ANY
    first: int = 0
    last: int = MAX_PORT
    name: str | None = None
    source_first: int = 0
    source_last: int = MAX_PORT


@dataclass(frozen=True, slots=True)
class Rule:
    """See the module's rules 1 and 2."""

    stage: Stage
    direction: Direction
    order: int
    local: tuple[Matcher, ...]
    remote: tuple[Matcher, ...]
    l4: tuple[L4, ...]
    action: Action
    origin: Origin
    at: Point = Point.HERE


@dataclass(frozen=True, slots=True)
class Selection:
    """Binds a stage to endpoints and says what happens when no rule matches (rule 3)."""

    stage: Stage
    direction: Direction
    local: tuple[Matcher, ...]
    default: Action
    origin: Origin


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules and selections of a world, in the order of the files they come from."""

    rules: tuple[Rule, ...] = ()
    selections: tuple[Selection, ...] = ()

    def __add__(self, other: Policy) -> Policy:
        return Policy(self.rules + other.rules, self.selections + other.selections)


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """`matched` maps each stage that was evaluated to the origin that decided it."""

    permit: bool
    stage: Stage | None
    matched: Mapping[Stage, Origin] = field(default_factory=dict)
