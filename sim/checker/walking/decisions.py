"""What policies say at one end, for all cells of layer 4 at once.

Rule by rule, in the words of `compiler.policy.semantics` and with its functions: which rules
concern an endpoint, which of those match the address of the remote, which cells those match. A
denial is the reason of its stage; a permit also says whether a declared intent (a leak, a peering,
a rule of a zone) was behind it, because packets between VRFs need one.

What depends on less is computed once: the cells of a rule, the outcome of rules that match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Action, Direction, Packet, Point, Policy, Rule, Selection, Stage
from compiler.policy.matcher import Matcher
from compiler.policy.points import at_border
from compiler.policy.selectors import selects
from compiler.policy.semantics import NO_POLICY, l4_matches, passes_by, remote_matches
from compiler.policy.stages import Combine, To, met
from fabric.building.network import Network
from fabric.values.inventory import Endpoint, NamedPort
from sim.checker.document.fields import PROTOCOLS
from sim.checker.document.form import reasons_of
from sim.checker.walking.address_space import AddressSpace
from sim.checker.walking.l4_space import Space

Cells = NDArray[np.int16]
DELIVERED = reasons_of(()).index("delivered")


class Decision(NamedTuple):
    """Per cell the reason (DELIVERED where policies permit), whether they permit, if only under
    conditions, and whether an intent permits."""

    reasons: Cells
    passes: NDArray[np.bool_]
    declared: NDArray[np.bool_]


class _StageGroup(NamedTuple):
    """What one stage holds for an endpoint: numbers of rules in the order in which they count, and
    the default."""

    stage: Stage
    rules: tuple[int, ...]
    action: Action
    declared: bool


class Remotes:
    """Remote addresses, behind a VRF each, asked about together."""

    def __init__(
        self, where: AddressSpace, version: int, vrfs: Sequence[int], ips: Sequence[int]
    ) -> None:
        self.version, self.vrfs, self.ips = version, vrfs, ips
        ends = where.network.endpoints
        owners = [where.owner(vrf, version, ip) for vrf, ip in zip(vrfs, ips, strict=True)]
        self.owners = [ends[owner] if owner >= 0 else None for owner in owners]
        number: dict[tuple[NamedPort, ...], int] = {}
        found = [number.setdefault(end.ports if end else (), len(number)) for end in self.owners]
        self.ports = np.array(found, np.int64)
        """Equal for addresses whose owners have named ports alike."""
        self.known: dict[Any, NDArray[Any]] = {}

    def once(self, key: Any, made: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What is asked again and again."""
        if key not in self.known:
            self.known[key] = made()
        return self.known[key]


class Decisions:
    """The policy of a network, asked per endpoint, direction and remote address. `made` has all
    decisions so far."""

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
        known: dict[Any, int] = {}
        self.remote = [known.setdefault((r.direction, r.remote), len(known)) for r in policy.rules]
        """Equal for rules that say the same of their remote."""
        self.rules = Selected(policy.rules, network)
        self.selections = Selected(policy.selections, network)
        self.made: list[Decision] = []
        self._numbers: dict[Any, int] = {}
        self._alike: dict[Any, int] = {}
        self.groups = cache(self._groups)
        self.cells = cache(self._cells)

    def decide(
        self, direction: Direction, local: int, version: int, remote_vrf: int, remote_ip: int
    ) -> Decision:
        """What the policies of an endpoint say about packets to (OUT) or from (IN) an address."""
        remotes = Remotes(self.where, version, [remote_vrf], [remote_ip])
        return self.made[int(self.numbers(direction, local, remotes)[0])]

    def numbers(self, direction: Direction, local: int, remotes: Remotes) -> NDArray[np.int64]:
        """The same of several remote addresses, as numbers in `made`. Endpoints for which the same
        rules hold are asked once."""
        endpoint = self.network.endpoints[local]
        groups, kind = self.groups(direction, local)
        near = local if any(self.near & {*group.rules} for group in groups) else -1
        ports = endpoint.ports if direction is Direction.IN else None
        key = direction, kind, near, ports, at_border(endpoint, self.network)
        return remotes.once(key, lambda: self._numbers_of(direction, endpoint, remotes))

    def _numbers_of(
        self, direction: Direction, endpoint: Endpoint, remotes: Remotes
    ) -> NDArray[np.int64]:
        groups, _ = self.groups(direction, endpoint.index)
        out = direction is Direction.OUT
        rows = [remotes.ports if out else np.zeros(len(remotes.owners), np.int64)]
        for stage, rules, _, _ in groups:
            rows.append(self._passing(stage, endpoint, remotes))
            rows += (self._matching(rule, endpoint, remotes) for rule in rules)
        table = np.ascontiguousarray(np.array(rows, np.int32).T)
        keys = table.view(np.dtype((np.void, table.itemsize * table.shape[1]))).ravel()
        _, sample, of = np.unique(keys, return_index=True, return_inverse=True)
        ends = (remotes.owners[at] if out else endpoint for at in sample.tolist())
        found = [
            self._number(groups, told, end.ports if end else ())
            for told, end in zip(table[sample, 1:].tolist(), ends, strict=True)
        ]
        return np.array(found, np.int64)[of.reshape(len(table))]

    def _number(
        self, groups: Sequence[_StageGroup], told: list[int], ports: tuple[NamedPort, ...]
    ) -> int:
        """The decision of groups, of which each stage is passed by or each rule matches where it is
        `told`."""
        found, at = [], 0
        for stage, rules, action, by_intent in groups:
            matching = tuple(n for n, yes in zip(rules, told[at + 1 :], strict=False) if yes)
            if not told[at]:
                found.append(_StageGroup(stage, matching, action, by_intent))
            at += 1 + len(rules)
        key = tuple(found), ports
        if key not in self._numbers:
            self._numbers[key] = len(self.made)
            self.made.append(self._outcome(*key))
        return self._numbers[key]

    def _passing(self, stage: Stage, endpoint: Endpoint, remotes: Remotes) -> NDArray[Any]:
        def made() -> NDArray[Any]:
            ends = remotes.owners
            return np.array([passes_by(stage, endpoint, end, self.network) for end in ends])

        if stage.at is not Point.BORDER:
            return np.zeros(len(remotes.owners), np.bool_)
        return remotes.once((stage, at_border(endpoint, self.network)), made)

    def _groups(self, direction: Direction, local: int) -> tuple[tuple[_StageGroup, ...], int]:
        """What holds for an endpoint, with a number for each that is another."""
        endpoint = self.network.endpoints[local]
        out = []
        of_rules = self.rules.by_stage(direction, endpoint)
        of_selections = self.selections.by_stage(direction, endpoint)
        for stage, directions in zip(self.policy.stages, met(self.policy.stages), strict=True):
            if direction not in directions:
                continue
            mine = [(number, self.policy.rules[number]) for number in of_rules.get(stage, ())]
            rules = [(_first(stage, rule), rule.order, number) for number, rule in mine]
            selections = [self.policy.selections[n] for n in of_selections.get(stage, ())]
            if rules or selections or not stage.silent:
                denying = [s for s in selections if s.default is Action.DENY]
                chosen = next(iter(denying or selections), None)
                action = chosen.default if chosen else stage.default
                origin = chosen.origin if chosen else NO_POLICY
                numbers = tuple(number for *_, number in sorted(rules))
                out.append(_StageGroup(stage, numbers, action, origin.kind.declared))
        return tuple(out), self._alike.setdefault(tuple(out), len(self._alike))

    def _matching(self, number: int, endpoint: Endpoint, remotes: Remotes) -> NDArray[Any]:
        """Whether a rule's remote holds each address."""
        rule = self.policy.rules[number]
        near = endpoint.index if number in self.near else -1
        local, network, version = self.network.endpoints[near], self.network, remotes.version

        def made() -> NDArray[Any]:
            found = []
            for vrf, ip, remote in zip(remotes.vrfs, remotes.ips, remotes.owners, strict=True):
                packet = Packet(rule.direction, near, version, ip, vrf, 0, 0, 0)
                found.append(
                    any(remote_matches(m, packet, local, remote, network) for m in rule.remote)
                )
            return np.array(found)

        return remotes.once((self.remote[number], near), made)

    def _cells(self, number: int, ports: tuple[NamedPort, ...]) -> NDArray[np.bool_]:
        """The cells that a rule matches towards a destination with these named ports."""
        rule = self.policy.rules[number]
        if not rule.l4:
            return np.ones(self.space.size, np.bool_)
        end = _NamedPorts(ports)
        found = [
            any(l4_matches(l4, packet, end, end) for l4 in rule.l4)  # type: ignore[arg-type]
            for packet in (self._packet(rule.direction, cell) for cell in self.space.packets)
        ]
        return np.array(found, np.bool_)

    def _packet(self, direction: Direction, cell: tuple[int, int, int]) -> Packet:
        part, protocol = divmod(cell[0], PROTOCOLS)
        return Packet(direction, -1, 4, 0, 0, protocol, *cell[1:], self.carried[part])

    def _outcome(self, groups: Sequence[_StageGroup], ports: tuple[NamedPort, ...]) -> Decision:
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


class Selected:
    """Rules or selections by whom they are about: where all are that they select is often known
    without looking at anybody."""

    def __init__(self, items: Sequence[Rule] | Sequence[Selection], network: Network) -> None:
        self.items: Sequence[Any] = items
        self.network = network
        self.numbers: dict[tuple[Matcher, ...], list[int]] = {}
        for number in range(len(items)):
            self.numbers.setdefault(self.items[number].local, []).append(number)
        self.inside: dict[tuple[str, str] | None, list[tuple[Matcher, ...]]] = {}
        for local in self.numbers:
            places: dict[tuple[str, str] | None, None] = {}
            for where in (matcher.inside() for matcher in local):
                places |= dict.fromkeys(product([where[0]], where[1]) if where else [None])
            for place in [None] if None in places else places:
                self.inside.setdefault(place, []).append(local)
        self.about = cache(self._about)

    def by_stage(self, direction: Direction, endpoint: Endpoint) -> dict[Stage, list[int]]:
        """Numbers of those that concern an endpoint, in order."""
        out: dict[Stage, list[int]] = {}
        for number in self.about(endpoint.index):
            if self.items[number].direction is direction:
                out.setdefault(self.items[number].stage, []).append(number)
        return out

    def _about(self, index: int) -> list[int]:
        endpoint = self.network.endpoints[index]
        places = None, ("tenant", endpoint.tenant), ("vrf", self.network.vrfs[endpoint.vrf].name)
        held = [local for place in places for local in self.inside.get(place, ())]
        asked = {id(local): local for local in held}.values()
        found = (
            self.numbers[local]
            for local in asked
            if any(selects(matcher, endpoint, self.network) for matcher in local)
        )
        return sorted(number for numbers in found for number in numbers)


class _NamedPorts(NamedTuple):
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
