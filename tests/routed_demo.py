"""A small routed world with a policy, for tests that need one that is always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed import at, endpoint, routed

from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    InVrf,
    Named,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from fabric.building.network import Network
from fabric.diagnostics import Span

ENDS = [
    at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128", workload="front")),
    at(1, endpoint(1, "acme/web/b", 0, "10.0.0.2/32", "fd00::2/128")),
    at(0, endpoint(2, "globex/web/a", 1, "10.0.0.1/32")),
    at(1, endpoint(3, "zone2/inet", 2, "0.0.0.0/0", host=None)),
]
Rows = list[tuple[str, Sequence[tuple[int, int]]]]
ACME: Rows = [
    ("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)]), ("fd00::1/128", [(0, 0)]),
    ("fd00::2/128", [(1, 0)]), ("0.0.0.0/0", [(1, 2)]),
]  # fmt: skip
DEMO = routed(
    ["dpu1", "dpu2"],
    ["acme/main", "globex/main", "zone2/main"],
    ENDS,
    {
        (0, 0): ACME,
        (1, 0): ACME,
        (0, 1): [("10.0.0.1/32", [(0, 1)])],
        (1, 2): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 2)])],
    },
)


def both(order: int, near: str, far: str, l4: tuple[L4, ...], origin: Origin) -> tuple[Rule, Rule]:
    """A permit at both ends of a connection."""
    a, b = (Named((near,)),), (Named((far,)),)
    return (
        Rule(Stage.ISOLATION, Direction.OUT, order, a, b, l4, Action.PERMIT, origin),
        Rule(Stage.ISOLATION, Direction.IN, order, b, a, l4, Action.PERMIT, origin),
    )


TENANT = Origin("tenant", "acme/main", None, Span("f.yaml", 3))
PULLS = Origin("zone rule", "zone2 pulls", 0, Span("f.yaml", 9))
WEB = Origin("NetworkPolicy", "web/b", 0, Span("np.yaml", 5))
DENY = Origin("default", "tenant isolation")
ISOLATED = Origin("NetworkPolicy", "web/b", None, Span("np.yaml", 1))
B = (Named(("acme/web/b",)),)
DEMO_POLICY = Policy(
    (
        *both(0, "acme/*", "acme/*", (), TENANT),
        *both(1, "acme/web/a", "zone2/inet", (L4(6, 443, 443),), PULLS),
        Rule(Stage.WORKLOAD, Direction.IN, 0, B, (InVrf(frozenset({"acme/main"})),),
             (L4(6, 80, 80), L4(17, 53, 53, None, 1024, 65535)), Action.PERMIT, WEB),
    ),
    (
        Selection(Stage.ISOLATION, Direction.OUT, (Named(("*",)),), Action.DENY, DENY),
        Selection(Stage.ISOLATION, Direction.IN, (Named(("*",)),), Action.DENY, DENY),
        Selection(Stage.WORKLOAD, Direction.IN, B, Action.DENY, ISOLATED),
    ),
)  # fmt: skip


def rerouted(rows: Mapping[tuple[int, int], Rows]) -> Network:
    """DEMO with other routes at some places (VTEP, VRF)."""
    held = {
        at: [(str(r.prefix), [(h.vtep, h.vrf) for h in r.nexthops]) for r in DEMO.fib.routes(*at)]
        for at in DEMO.fib.instances
    }
    names = [node.name for node in DEMO.nodes], [vrf.name for vrf in DEMO.vrfs]
    return routed(*names, DEMO.endpoints, {**held, **rows})
