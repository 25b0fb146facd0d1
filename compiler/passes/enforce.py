"""enforce: every scope is asked by somebody, and says nothing of packets that do not come there.

What a border enforces for endpoints elsewhere is about packets from and to borders alone; all
others pass none. What nobody enforces is refused: rules for hosts whose plugin is not known to
enforce any, for endpoints that run on no host, for borders where there are none, and in rows that
packets of their direction do not meet.

>>> from dataclasses import replace as other
>>> from ipaddress import ip_network
>>> from types import SimpleNamespace as Some
>>> from compiler.policy.ir import Direction, Stage
>>> from compiler.policy.stages import STAGES
>>> from fabric.wiring.topology import Role
>>> db = Some(name="db", index=0, vtep=0, vrf=0, host=None, prefixes=(), anycast=())
>>> net = Some(**vars(db) | dict(index=1, vtep=1, prefixes=[ip_network("128.0.0.0/1")]))
>>> nodes = Some(role=Role.DPU), Some(role=Role.BORDER)
>>> network = Some(endpoints=(db, net), vrfs=(Some(index=0),), nodes=nodes)
>>> network.once = lambda made: made(network)
>>> denies = Scope((), Action.DENY, Origin("NetworkPolicy", "web/db"))
>>> def before(at, way):
...     guard = other(Stage.ZONE2, name="GUARD", label="guard", drop="guard_drop", at=at)
...     policy = Policy(stages=(guard, *STAGES), enforced=frozenset(Point))
...     return Draft(network, policy, scopes={(way, 0, 0): denies})
>>> of = Direction.IN, 0, 0
>>> before(Point.BORDER, Direction.IN).scopes[of].lines
()
>>> [beside] = enforce(before(Point.BORDER, Direction.IN)).scopes[of].lines
>>> beside.action.name, beside.regions[0].v4
('PERMIT', ((0, 2147483647),))
>>> enforce(before(Point.HOST, Direction.OUT))
Traceback (most recent call last):
...
fabric.diagnostics.UndecidedError: unknown[C852]: nobody enforces NetworkPolicy web/db: db runs ...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from compiler.passes.draft import Draft, Key, Line, Scope
from compiler.policy.domain import Domain
from compiler.policy.ir import Action, Direction, Origin, Point, Policy
from compiler.policy.points import at_border
from compiler.policy.semantics import NO_BORDER
from compiler.policy.stages import met
from compiler.program.ownership import owned_addresses, regions_of
from compiler.program.program import ALL_V4, ALL_V6, ANY_VRF, L4Range, Region
from compiler.program.space import intersect, subtract, union
from fabric.diagnostics import Diagnostic, UndecidedError


def enforce(draft: Draft) -> Draft:
    """The scopes as their points ask them. Raises `UndecidedError` for what nobody enforces."""
    if all(stage.at is Point.HERE for stage in draft.policy.stages):
        return draft
    points, scopes = Points(draft.network, draft.policy), draft.scopes or {}
    points.refuse(scopes)
    return replace(draft, scopes={key: points.asked(key, scope) for key, scope in scopes.items()})


class Points:
    """Who enforces the stages of a policy in a network."""

    def __init__(self, network: Domain, policy: Policy) -> None:
        self.network, self.policy = network, policy
        self._met = met(policy.stages)

    def refuse(self, scopes: Mapping[Key, Scope]) -> None:
        """Nothing, if every scope is asked by somebody."""
        found: dict[tuple[Origin, str], None] = {}
        for key, scope in scopes.items():
            if why := self.nobody(key):
                for line in scope.lines:
                    found[line.origin, why] = None
                if scope.default is Action.DENY or not scope.lines:
                    found[scope.default_origin, why] = None
        if found:
            raise UndecidedError(
                *(
                    Diagnostic(
                        "C852", f"nobody enforces {o.kind} {o.name}: {why}", o.span, None, "unknown"
                    )
                    for o, why in found
                )
            )

    def nobody(self, key: Key) -> str:
        """Why nobody asks a scope; empty where somebody does."""
        stage, endpoint = self.policy.stages[key[1]], self.network.endpoints[key[2]]
        if key[0] not in self._met[key[1]]:
            way = "out of" if key[0] is Direction.OUT else "into"
            return f"no packet {way} an endpoint meets {stage.name}"
        point = stage.at
        if point not in self.policy.enforced:
            return f"nothing says that {point.value} enforces rules"
        if point is Point.HOST and endpoint.host is None:
            return f"{endpoint.name} runs on no host"
        if point is Point.BORDER and not self._at_borders:
            return "there is nobody at a border"
        return ""

    def beside(self, key: Key) -> bool:
        """Whether packets from or to the endpoint may pass beside the point."""
        point, endpoint = self.policy.stages[key[1]].at, self.network.endpoints[key[2]]
        return point is Point.BORDER and not at_border(endpoint, self.network)

    def asked(self, key: Key, scope: Scope) -> Scope:
        """What the point says: of packets that do not come there, that they pass."""
        if not self.beside(key):
            return scope
        lines = tuple(
            line._replace(regions=regions)
            for line in scope.lines
            if (regions := self._within(line.regions))
        )
        beside = Line(self._elsewhere, (L4Range(),), Action.PERMIT, NO_BORDER)
        return scope._replace(lines=(*lines, beside))

    @cached_property
    def _at_borders(self) -> tuple[Region, ...]:
        """The addresses of endpoints that live at borders, one region per VRF."""
        there = [e.index for e in self.network.endpoints if at_border(e, self.network)]
        return regions_of(self.network, self.network.once(owned_addresses), there)

    @cached_property
    def _elsewhere(self) -> tuple[Region, ...]:
        """All other addresses."""
        own = {region.vrf: region for region in self._at_borders}
        none = Region(v4=(), v6=())
        left = (
            Region(v.index, subtract(ALL_V4, mine.v4), subtract(ALL_V6, mine.v6))
            for v in self.network.vrfs
            for mine in [own.get(v.index, none)]
        )
        return tuple(region for region in left if region.v4 or region.v6)

    def _within(self, regions: Iterable[Region]) -> tuple[Region, ...]:
        """The part of regions that is at borders."""
        out = []
        for own in self._at_borders:
            here = [region for region in regions if region.vrf in (ANY_VRF, own.vrf)]
            v4 = union(*(intersect(region.v4, own.v4) for region in here))
            v6 = union(*(intersect(region.v6, own.v6) for region in here))
            if v4 or v6:
                out.append(Region(own.vrf, v4, v6))
        return tuple(out)
