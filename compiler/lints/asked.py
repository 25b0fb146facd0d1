"""What the lints look at: a network and its policy, rules as people wrote them, and what every
endpoint asks.

A *written rule* is one item of a list in somebody's file. It may have become several rules of the
policy, one per peer or enforcement point, and lines in the tables of many endpoints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from compiler.lints.header_classes import CellTable, Layer
from compiler.lints.known_pods import KnownPods
from compiler.passes.draft import Draft, Key, Line, Scope
from compiler.passes.enforce import enforce
from compiler.passes.resolve import Resolver, resolve, resolver_of
from compiler.passes.scope import line_of, scope
from compiler.policy.ir import Direction, Matcher, Origin, Policy, Rule, Selection
from compiler.policy.origin_kinds import OriginKind
from compiler.policy.source import dialect_of
from compiler.policy.stages import Owner
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Span, UndecidedError
from fabric.values.dialects import KUBERNETES


class WrittenRule(NamedTuple):
    """A written rule. Those of the fabric file speak of both directions at once."""

    kind: OriginKind
    name: str
    direction: Direction | None
    item: int

    @property
    def tenant(self) -> str:
        """Whose policy it is in; nobody's for rules of the fabric file."""
        return self.name.partition("/")[0] if self.kind.policy else ""

    def __str__(self) -> str:
        if self.direction is None:
            return f'{self.kind} "{self.name}"'
        side = "ingress" if self.direction is Direction.IN else "egress"
        return f"{titled(self.kind, self.name)}, {side} rule {self.item}"


class TableLayer(NamedTuple):
    """A table that some endpoints ask, and one of its layers."""

    table: CellTable
    layer: int


Part = tuple[tuple[int, ...], Line]
"""Endpoints, and a line at each of them."""


class AskedPolicies:
    """See the module; everything is made when it is first asked for."""

    def __init__(
        self,
        network: Network,
        policy: Policy,
        tenants: Collection[str] | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        """Of the policies of some `tenants`, or of all; and of the fabric's own rules. `resolver`
        is one that has resolved the policy already, for the same endpoints."""
        self.network = network
        self.resolver = resolver or resolver_of(network, policy.stages)
        self.tenants = frozenset(network.manifests if tenants is None else tenants)
        self.policy = policy if tenants is None else policy_of(policy, self.tenants)

    @cached_property
    def pods(self) -> KnownPods:
        """What selectors may mean."""
        return KnownPods(self.network)

    @cached_property
    def unread(self) -> frozenset[str]:
        """Tenants of whom a policy, or what policies look at, is not evaluated."""
        found = (r for r in self.network.not_evaluated if r.category in ("policy", "field"))
        return frozenset(record.tenant for record in found)

    @cached_property
    def untold(self) -> frozenset[str]:
        """Tenants of whose namespaces somebody selects some by labels that nobody tells."""
        found = (r for r in self.network.not_evaluated if r.kind == "Namespace")
        return frozenset(record.tenant for record in found)

    @cached_property
    def written(self) -> dict[WrittenRule, list[Rule]]:
        """Rules as they were written, in the order of the policy."""
        out: dict[WrittenRule, list[Rule]] = {}
        for rule in self.policy.rules:
            found = written_of(rule.origin, rule.direction)
            if found is not None and found.tenant not in self.elsewhere:
                out.setdefault(found, []).append(rule)
        return out

    @cached_property
    def elsewhere(self) -> frozenset[str]:
        """Tenants whose policies are in another dialect, which has doubts of its own."""
        tenants = self.network.manifests
        return frozenset(t for t in tenants if dialect_of(self.network, t) != KUBERNETES)

    @cached_property
    def idle(self) -> Mapping[tuple[OriginKind, str], tuple[Origin, Matcher]]:
        """Policies of clusters that select no pod: where they say whom, and by what."""
        first: dict[tuple[OriginKind, str], tuple[Origin, Matcher] | None] = {}
        items: tuple[Selection | Rule, ...] = (*self.policy.selections, *self.policy.rules)
        for item in items:
            origin = item.origin
            if not origin.kind.policy or origin.name.partition("/")[0] in self.elsewhere:
                continue
            key = origin.kind, origin.name
            if any(self.pods.any(matcher) for matcher in item.local):
                first[key] = None
            else:
                first.setdefault(key, (origin, item.local[0]))
        return {key: said for key, said in first.items() if said is not None}

    @cached_property
    def enforced(self) -> bool:
        """Whether somebody is known to enforce the policy; of others it is not known what any
        endpoint asks, and nothing is said that would follow from it."""
        return self._scopes is not None

    @cached_property
    def scopes(self) -> Mapping[Key, Scope]:
        """What every endpoint asks; nothing where nobody enforces it."""
        return self._scopes or {}

    @cached_property
    def _scopes(self) -> Mapping[Key, Scope] | None:
        try:
            resolved = resolve(Draft(self.network, self.policy), self.resolver)
            return enforce(scope(resolved)).scopes or {}
        except UndecidedError:
            return None

    @cached_property
    def tables(self) -> Mapping[tuple[Direction, tuple[int, ...]], tuple[CellTable, list[int]]]:
        """Tables with the endpoints that ask them, by direction and the places and scopes of their
        layers. Stages of clusters stand in one table, as one may hide another; each of the fabric
        in one of its own."""
        stages = self.policy.stages
        mine: defaultdict[tuple[Direction, int], dict[int, Scope]] = defaultdict(dict)
        for (direction, place, endpoint), found in self.scopes.items():
            mine[direction, endpoint][place] = found
        out: dict[tuple[Direction, tuple[int, ...]], tuple[CellTable, list[int]]] = {}
        for (direction, endpoint), by_place in mine.items():
            of_cluster = [p for p in by_place if stages[p].owner is Owner.CLUSTER]
            alone = [[p] for p in by_place if stages[p].owner is not Owner.CLUSTER]
            for places in ([of_cluster] if of_cluster else []) + alone:
                key = direction, tuple(n for p in places for n in (p, id(by_place[p])))
                if key not in out:
                    layers = [Layer(p, stages[p], by_place[p]) for p in places]
                    out[key] = CellTable(stages, layers, len(self.network.vrfs)), []
                out[key][1].append(endpoint)
        return out

    @cached_property
    def places(self) -> Mapping[WrittenRule, Mapping[TableLayer, list[int]]]:
        """Where a written rule has lines: the numbers of those in each table."""
        out: defaultdict[WrittenRule, dict[TableLayer, list[int]]] = defaultdict(dict)
        for (direction, _), (table, _) in self.tables.items():
            for number, line in enumerate(table.lines):
                found = written_of(line.origin, direction)
                if found is not None:
                    place = TableLayer(table, table.layer_of[number])
                    out[found].setdefault(place, []).append(number)
        return out

    @cached_property
    def asking(self) -> Mapping[CellTable, tuple[Direction, list[int]]]:
        """Which way packets of a table go, and the endpoints that ask it."""
        return {table: (direction, ends) for (direction, _), (table, ends) in self.tables.items()}

    @cached_property
    def of_end(self) -> Mapping[tuple[Direction, int], list[CellTable]]:
        """The tables that an endpoint asks."""
        out: defaultdict[tuple[Direction, int], list[CellTable]] = defaultdict(list)
        for table, (direction, ends) in self.asking.items():
            for end in ends:
                out[direction, end].append(table)
        return out

    def where(self, rule: Rule, parts: Sequence[Part]) -> Iterator[tuple[TableLayer, list[Line]]]:
        """The tables in which a rule would have lines, and which of its parts these are."""
        mine: dict[TableLayer, list[Line]] = {}
        for ends, line in parts:
            found = dict.fromkeys(t for end in ends for t in self.of_end[rule.direction, end])
            for table in found:
                for layer, at in enumerate(table.layers):
                    if at.stage == rule.stage:
                        mine.setdefault(TableLayer(table, layer), []).append(line)
        yield from mine.items()

    def meant(self, rule: Rule) -> Iterator[Part]:
        """The lines that a rule would become, and at which endpoints."""
        for term in self.resolver.terms(rule):
            yield term.locals, line_of(term)


def policy_of(policy: Policy, tenants: Collection[str]) -> Policy:
    """The rules of the fabric, and of clusters those of some tenants."""

    def counts(origin: Origin) -> bool:
        return not origin.kind.policy or origin.name.partition("/")[0] in tenants

    rules = tuple(rule for rule in policy.rules if counts(rule.origin))
    selections = tuple(found for found in policy.selections if counts(found.origin))
    return replace(policy, rules=rules, selections=selections)


def written_of(origin: Origin, direction: Direction) -> WrittenRule | None:
    """The written rule behind an origin, if one is."""
    if origin.rule is None:
        return None
    if origin.kind.policy:
        return WrittenRule(origin.kind, origin.name, direction, origin.rule)
    if origin.kind.lines:
        return WrittenRule(origin.kind, origin.name, None, origin.rule)
    return None


def titled(kind: OriginKind, name: str) -> str:
    """A policy without its tenant: tenants may share it."""
    return f"{kind} {name.partition('/')[2]}"


def warning(code: str, message: str, span: Span | None, hint: str | None = None) -> Diagnostic:
    """A doubt."""
    return Diagnostic(code, message, span, hint, "warning")
