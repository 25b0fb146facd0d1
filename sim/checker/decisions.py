"""What policies say at one end, for all cells of layer 4 at once.

Rule by rule, in the words of `compiler.policy.semantics` and with its functions: which rules
concern an endpoint, which of those match the address of the remote, which cells those match. A
denial is the reason of its stage; a permit also says whether a declared intent (a leak, a peering,
a rule of a zone) was behind it, because packets between VRFs need one.

What depends on less is computed once: the cells of a rule, the outcome of rules that match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Action, Direction, Packet, Point, Policy, Rule, Selection, Stage
from compiler.policy.selectors import selects
from compiler.policy.semantics import NO_POLICY, l4_matches, passes_by, remote_matches
from compiler.policy.stages import Combine, To, met
from fabric.inventory import Endpoint, NamedPort
from fabric.network import Network
from sim.checker.address_space import AddressSpace
from sim.checker.fields import PROTOCOLS
from sim.checker.form import REASONS, reasons_of
from sim.checker.l4_space import Space

Cells = NDArray[np.int16]
DELIVERED = REASONS.index("delivered")


class Decision(NamedTuple):
    """Per cell the reason (DELIVERED where policies permit), whether they permit, if only under
    conditions, and whether an intent permits."""

    reasons: Cells
    passes: NDArray[np.bool_]
    declared: NDArray[np.bool_]


class _Group(NamedTuple):
    """What one stage holds for an endpoint: numbers of rules in the order in which they count, and
    the default."""

    stage: Stage
    rules: tuple[int, ...]
    action: Action
    declared: bool


class Decisions:
    """The policy of a network, asked per endpoint, direction and remote address."""

    def __init__(self, network: Network, policy: Policy, space: Space, where: AddressSpace) -> None:
        self.network, self.policy, self.space, self.where = network, policy, space, where
        self.names = reasons_of(policy.stages)
        self.carried = [space.fields.packet(part) for part in range(space.fields.size)]
        self.near = {
            number
            for number, rule in enumerate(policy.rules)
            if any(matcher.near for matcher in rule.remote)
        }
        """Rules whose remote depends on where the local endpoint runs."""
        self.groups = cache(self._groups)
        self.matches = cache(self._matches)
        self.cells = cache(self._cells)
        self.outcome = cache(self._outcome)
        self.decide = cache(self._decide)

    def _decide(
        self, direction: Direction, local: int, version: int, remote_vrf: int, remote_ip: int
    ) -> Decision:
        """What the policies of an endpoint say about packets to (OUT) or from (IN) an address."""
        endpoint = self.network.endpoints[local]
        owner = self.where.owner(remote_vrf, version, remote_ip)
        remote = self.network.endpoints[owner] if owner >= 0 else None
        destination = remote if direction is Direction.OUT else endpoint
        found = []
        for stage, rules, action, by_intent in self.groups(direction, local):
            if passes_by(stage, endpoint, remote, self.network):
                continue
            matching = tuple(
                number
                for number in rules
                if self.matches(
                    number, local if number in self.near else -1, version, remote_vrf, remote_ip
                )
            )
            found.append(_Group(stage, matching, action, by_intent))
        return self.outcome(tuple(found), destination.ports if destination else ())

    def _groups(self, direction: Direction, local: int) -> tuple[_Group, ...]:
        endpoint = self.network.endpoints[local]
        out = []
        for stage, directions in zip(self.policy.stages, met(self.policy.stages), strict=True):
            if direction not in directions:
                continue
            rules = [
                (_first(stage, rule), rule.order, number)
                for number, rule in enumerate(self.policy.rules)
                if self._concerns(rule, stage, direction, endpoint)
            ]
            selections = [
                item
                for item in self.policy.selections
                if self._concerns(item, stage, direction, endpoint)
            ]
            if rules or selections or not stage.silent:
                denying = [s for s in selections if s.default is Action.DENY]
                chosen = next(iter(denying or selections), None)
                action = chosen.default if chosen else stage.default
                origin = chosen.origin if chosen else NO_POLICY
                numbers = tuple(number for *_, number in sorted(rules))
                out.append(_Group(stage, numbers, action, origin.kind.declared))
        return tuple(out)

    def _concerns(
        self, item: Rule | Selection, stage: Stage, direction: Direction, endpoint: Endpoint
    ) -> bool:
        return (
            item.stage == stage
            and item.direction is direction
            and any(selects(matcher, endpoint, self.network) for matcher in item.local)
        )

    def _matches(self, number: int, near: int, version: int, remote_vrf: int, ip: int) -> bool:
        """Whether a rule's remote holds an address."""
        owner = self.where.owner(remote_vrf, version, ip)
        remote = self.network.endpoints[owner] if owner >= 0 else None
        rule = self.policy.rules[number]
        packet = Packet(rule.direction, near, version, ip, remote_vrf, 0, 0, 0)
        local = self.network.endpoints[near]
        return any(
            remote_matches(matcher, packet, local, remote, self.network) for matcher in rule.remote
        )

    def _cells(self, number: int, ports: tuple[NamedPort, ...]) -> NDArray[np.bool_]:
        """The cells that a rule matches towards a destination with these named ports."""
        rule = self.policy.rules[number]
        if not rule.l4:
            return np.ones(self.space.size, np.bool_)
        end = _Named(ports)
        found = [
            any(l4_matches(l4, packet, end, end) for l4 in rule.l4)  # type: ignore[arg-type]
            for packet in (self._packet(rule.direction, cell) for cell in self.space.packets)
        ]
        return np.array(found, np.bool_)

    def _packet(self, direction: Direction, cell: tuple[int, int, int]) -> Packet:
        part, protocol = divmod(cell[0], PROTOCOLS)
        return Packet(direction, -1, 4, 0, 0, protocol, *cell[1:], self.carried[part])

    def _outcome(self, groups: Sequence[_Group], ports: tuple[NamedPort, ...]) -> Decision:
        """Stages in order; in each the first rule that matches, else the default. `skipping` has
        per cell the name of the stage that it waits for."""
        reasons = np.full(self.space.size, DELIVERED, np.int16)
        declared = np.zeros(self.space.size, np.bool_)
        asks = np.zeros(self.space.size, np.bool_)
        going = np.ones(self.space.size, np.bool_)
        ended = {stage.at: np.zeros(self.space.size, np.bool_) for stage in self.policy.stages}
        skipping = np.full(self.space.size, "", object)
        held = {group.stage: group for group in groups}
        for stage in self.policy.stages:
            skipping[skipping == stage.name] = ""
            if stage not in held:
                continue
            _, rules, action, by_intent = held[stage]
            left = going & (skipping == "") & ~ended[stage.at]
            for number in rules:
                rule = self.policy.rules[number]
                hit = left & self.cells(number, ports if _by_name(rule) else ())
                left &= ~hit
                declared |= hit & rule.origin.kind.declared
                asks |= hit & bool(rule.conditions)
                self._go_on(stage, rule.action, hit, going, ended, reasons, skipping)
            declared |= left & by_intent
            self._go_on(stage, action, left, going, ended, reasons, skipping)
        passes = reasons == DELIVERED
        reasons[passes & asks] = self.names.index("delivered_if")
        return Decision(reasons, passes, declared)

    def _go_on(
        self,
        stage: Stage,
        action: Action,
        cells: NDArray[np.bool_],
        going: NDArray[np.bool_],
        ended: Mapping[Point, NDArray[np.bool_]],
        reasons: Cells,
        skipping: NDArray[np.object_],
    ) -> None:
        """What an action means for these cells."""
        to = stage.doing(action).to
        if to is To.END:
            ended[stage.at][cells] = True
        if to is To.DROP:
            going &= ~cells
            reasons[cells] = self.names.index(stage.drop)
        if isinstance(to, str):
            skipping[cells] = to


class _Named(NamedTuple):
    """An end of which only the names of its ports matter."""

    ports: tuple[NamedPort, ...]


def _first(stage: Stage, rule: Rule) -> tuple[int, bool]:
    """Where all rules count: denies before permits that skip stages before other permits; of these
    first those without conditions."""
    if stage.combine is not Combine.DENY_WINS:
        return 0, False
    order = Action.DENY, Action.PERMIT_FINAL, Action.PERMIT
    return order.index(rule.action), bool(rule.conditions)


def _by_name(rule: Rule) -> bool:
    return any(l4.name is not None for l4 in rule.l4)
