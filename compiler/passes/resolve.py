"""resolve: names become numbers.

Matchers become endpoint indices (local side) or regions of addresses behind a VRF (remote side);
named ports become port numbers. A rule whose meaning depends on the local endpoint (its own node,
its own port numbers) or on which remote calls a port by that name is split into several terms of
the same order and action, so their relative order cannot matter.

>>> from ipaddress import ip_network
>>> from compiler.policy.domain import Unrouted
>>> from compiler.policy.ir import Pods, Policy, Stage
>>> from fabric.values.inventory import NamedPort, Vrf
>>> from compiler.policy.ir import Requirement
>>> def pod(index, app, number):
...     return Endpoint(
...         index, f"acme/web/{app}{index}", "pod", "acme", 0, 1, 0, "h", namespace="web",
...         prefixes=(ip_network(f"10.0.0.{index}/32"),), labels={"app": app},
...         ports=(NamedPort("http", 6, number),))
>>> pods = pod(0, "shop", 80), pod(1, "shop", 8080), pod(2, "cart", 80)
>>> vrf = Vrf(0, "acme/main", "acme", 1, 5000, ())
>>> network = Unrouted("shop", (vrf,), pods)
>>> shop, cart = (
...     Pods("acme", (Requirement("app", "In", frozenset([app])),)) for app in ("shop", "cart"))
>>> place, origin = (Stage.WORKLOAD, Direction.IN, 10), Origin("NetworkPolicy", "web/shop")
>>> rule = Rule(*place, (shop,), (cart,), (L4(6, name="http"),), Action.PERMIT, origin)
>>> for term in resolve(Draft(network, Policy((rule,)))).terms:
...     print(term.locals, term.regions[0].v4, term.l4[0].dport)
(0,) ((167772162, 167772162),) (80, 80)
(1,) ((167772162, 167772162),) (8080, 8080)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from itertools import chain

from compiler.passes.draft import Draft, Key, Term
from compiler.policy.domain import Domain
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Origin,
    Rule,
)
from compiler.policy.matcher import Addresses, Matcher, Members
from compiler.policy.stages import STAGES, Stages
from compiler.program.ownership import Owned, owned_addresses, regions_of
from compiler.program.program import ANY_VRF, Intervals, L4Range, Region
from compiler.program.space import everything, intersect, of_prefixes, subtract, union
from fabric.values.inventory import Endpoint, wherever_written
from fabric.values.names import beginning, heads

_Pairs = list[tuple[Endpoint, list[int]]]
NO_HOST = ""
"""The name of a host that is none: no node is there."""
"""One of each set of endpoints that look the same, and the set."""
_Alike = tuple[_Pairs, Mapping[str | None, _Pairs]]
"""All of a tenant, and those of each namespace."""


def resolve(draft: Draft, resolver: Resolver | None = None) -> Draft:
    """Fill `terms` and `defaults`; what a `resolver` of the same network knows is not asked
    again."""
    if draft.apart:
        resolver = Resolver(draft.network, draft.policy.stages, apart=True)
    resolver = resolver or resolver_of(draft.network, draft.policy.stages)
    defaults: dict[Key, tuple[Action, Origin]] = {}
    for selection in draft.policy.selections:
        stage = resolver.place[selection.stage]
        for endpoint in resolver.locals(selection.local):
            key = (selection.direction, stage, endpoint)
            known = defaults.get(key)
            if known is None or (known[0] is not Action.DENY and selection.default is Action.DENY):
                defaults[key] = (selection.default, selection.origin)
    terms = tuple(chain.from_iterable(resolver.known_terms(draft.policy.rules)))
    return replace(draft, terms=terms, defaults=defaults)


def resolver_of(network: Domain, stages: Stages) -> Resolver:
    """The one of a network for policies of these stages."""
    known = network.once(_resolvers)
    if stages not in known:
        known[stages] = Resolver(network, stages)
        if (others := _beside.get()) is not None:
            known[stages].learn(others)
            others.append(known[stages])
    return known[stages]


def _resolvers(_: Domain) -> dict[Stages, Resolver]:
    return {}


_beside: ContextVar[list[Resolver] | None] = ContextVar("beside", default=None)


@contextmanager
def side_by_side() -> Iterator[None]:
    """Inside the block rules of one network become what the same rules became in another one with
    the same endpoints and VRFs: two versions of a network have most rules in common."""
    token = _beside.set([])
    try:
        yield
    finally:
        _beside.reset(token)


def _ends_of(network: Domain) -> list[object]:
    """What resolving depends on."""
    return [*map(wherever_written, network.vrfs), *map(wherever_written, network.endpoints)]


def _called(rule: Rule) -> Hashable:
    """What a rule is called in any version of its file, if not where it stands there."""
    return rule.origin.kind, rule.origin.name, rule.origin.rule, rule.direction, rule.order


class Resolver:
    """Caches what each matcher means in one network, and what the rules of the policy before
    became. `apart` is as in a `Draft`."""

    def __init__(self, network: Domain, stages: Stages = STAGES, *, apart: bool = False) -> None:
        self.network, self.apart = network, apart
        self.place = {stage: place for place, stage in enumerate(stages)}
        self.owned: Owned = network.once(owned_addresses)
        self.heads = network.once(heads)
        self.anycast: dict[int, list[int]] = defaultdict(list)
        self.vrf_index = {vrf.name: vrf.index for vrf in network.vrfs}
        self.by_tenant: dict[str, list[int]] = defaultdict(list)
        self.by_vrf: dict[int, list[int]] = defaultdict(list)
        self.by_port: dict[str, list[int]] = defaultdict(list)
        for endpoint in network.endpoints:
            self.by_tenant[endpoint.tenant].append(endpoint.index)
            self.by_vrf[endpoint.vrf].append(endpoint.index)
            if endpoint.anycast:
                self.anycast[endpoint.vrf].append(endpoint.index)
            for port in {port.name for port in endpoint.ports}:
                self.by_port[port].append(endpoint.index)
        self._endpoints: dict[Matcher, tuple[int, ...]] = {}
        self._met: dict[int, tuple[Matcher, tuple[int, ...]]] = {}  # by id, which needs no hash
        self._owned_by: dict[tuple[int, ...], tuple[Region, ...]] = {}
        self._looked: dict[tuple[frozenset[str], str], _Alike] = {}
        self._terms: dict[int, tuple[Rule, tuple[Term, ...]]] = {}
        self._elsewhere: dict[Hashable, list[tuple[Rule, tuple[Term, ...]]]] = {}

    def endpoints(self, matcher: Matcher) -> tuple[int, ...]:
        """Endpoint indices that the matcher selects."""
        met = self._met.get(id(matcher))
        if met is None:
            met = self._met[id(matcher)] = matcher, self._selected(matcher)
        return met[1]

    def _selected(self, matcher: Matcher) -> tuple[int, ...]:
        """The same, for a matcher that is another value than those before, but may be equal."""
        known = self._endpoints.get(matcher)
        if known is None:
            found = (
                alike
                for one, alike in self._candidates(matcher)
                if matcher.selects(one, self.network)
            )
            known = tuple(sorted(chain.from_iterable(found)))
            self._endpoints[matcher] = known
        return known

    def _candidates(self, matcher: Matcher) -> Iterable[tuple[Endpoint, Sequence[int]]]:
        """All endpoints, narrowed where that is cheap: one of each set in which they have what the
        matcher looks at in common, and the set."""
        endpoints, looks = self.network.endpoints, matcher.looks()
        if (patterns := matcher.name_patterns()) is not None:
            return ((endpoints[i], (i,)) for i in beginning(patterns, self.heads))
        match matcher.inside():
            case "tenant", names:
                space = matcher.in_namespace()
                return (pair for name in names for pair in self._alike(looks, name, space))
            case "vrf", names:
                indices = {self.vrf_index[name] for name in names if name in self.vrf_index}
                return ((endpoints[i], (i,)) for vrf in indices for i in self.by_vrf[vrf])
            case _:
                return (pair for name in self.by_tenant for pair in self._alike(looks, name))

    def _alike(self, looks: frozenset[str], tenant: str, namespace: str | None = None) -> _Pairs:
        """The endpoints of a tenant, or of one namespace, by what a matcher looks at."""
        if (looks, tenant) not in self._looked:
            sets: dict[tuple[object, ...], list[int]] = defaultdict(list)
            for index in self.of_tenant(tenant):
                values = (getattr(self.network.endpoints[index], name) for name in sorted(looks))
                told = (frozenset(v.items()) if isinstance(v, Mapping) else v for v in values)
                sets[tuple(told)].append(index)
            found = [(self.network.endpoints[alike[0]], alike) for alike in sets.values()]
            by_namespace: dict[str | None, _Pairs] = defaultdict(list)
            for pair in found if "namespace" in looks else ():
                by_namespace[pair[0].namespace].append(pair)
            self._looked[looks, tenant] = found, by_namespace
        everyone, apart = self._looked[looks, tenant]
        return everyone if namespace is None else apart.get(namespace, [])

    def of_tenant(self, tenant: str) -> Sequence[int]:
        """The endpoints of a tenant."""
        return self.by_tenant.get(tenant, ())

    def locals(self, matchers: tuple[Matcher, ...]) -> tuple[int, ...]:
        """Endpoints that any of the matchers selects, sorted."""
        if len(matchers) == 1:
            return self.endpoints(matchers[0])
        return tuple(sorted({i for matcher in matchers for i in self.endpoints(matcher)}))

    def known_terms(self, rules: Sequence[Rule]) -> list[tuple[Term, ...]]:
        """The terms of each rule. Rules that were there the time before, the very objects, are not
        resolved again; what others became then is forgotten once there are new ones."""
        known, mine = self._terms, dict[int, tuple[Rule, tuple[Term, ...]]]()
        for rule in rules:
            mine[id(rule)] = known.get(id(rule)) or (rule, self._terms_elsewhere(rule))
        if not mine.keys() <= known.keys():
            self._terms = mine
        return [mine[id(rule)][1] for rule in rules]

    def learn(self, others: Iterable[Resolver]) -> None:
        """What matchers mean and rules became in a network with the same endpoints and VRFs,
        wherever written."""
        mine = _ends_of(self.network)
        for other in others:
            if other.place == self.place and _ends_of(other.network) == mine:
                self._endpoints, self._owned_by = {**other._endpoints}, {**other._owned_by}
                self._elsewhere = defaultdict(list)
                for known in reversed(other._terms.values()):
                    self._elsewhere[_called(known[0])].append(known)
                return

    def _terms_elsewhere(self, rule: Rule) -> tuple[Term, ...]:
        """The terms of a rule: those of the same one elsewhere, for this one's reason."""
        for known in self._elsewhere.get(_called(rule), ())[-1:]:
            self._elsewhere[_called(rule)].pop()
            if replace(known[0], origin=rule.origin) == rule:
                return tuple(term._replace(origin=rule.origin) for term in known[1])
        return tuple(self.terms(rule))

    def terms(self, rule: Rule) -> Iterator[Term]:
        """One rule as terms; none when it can never match."""
        if self.anycast and len(rule.remote) > 1 and any(l4.name for l4 in rule.l4):
            for matcher in rule.remote:  # the port's name is that of an owner who is meant
                yield from self.terms(replace(rule, remote=(matcher,)))
            return
        stage = self.place[rule.stage]
        for locals_, covers in self._per_host(rule):
            regions = self.regions(covers)
            for group, part, l4 in self._per_ports(rule, locals_, regions):
                if group and part and l4:
                    yield Term(
                        stage, rule.direction, rule.order, group, part, l4, rule.action,
                        rule.origin, rule.conditions,
                    )  # fmt: skip

    def _per_host(
        self, rule: Rule
    ) -> Iterator[tuple[tuple[int, ...], tuple[Members | Addresses, ...]]]:
        """What the remotes cover; the locals are split by host when the rule is about what is near
        them."""
        locals_ = self.locals(rule.local)
        covers = tuple(m.covers(self, None) for m in rule.remote if not m.near)
        near = [m for m in rule.remote if m.near]
        if not near:
            yield locals_, covers
            return
        by_host: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for index in locals_:
            endpoint = self._local(index)
            by_host[endpoint.tenant, endpoint.host].append(index)
        for _, members in sorted(by_host.items(), key=lambda item: str(item[0])):
            first = self._local(members[0])
            yield tuple(members), (*covers, *(m.covers(self, first) for m in near))

    def _local(self, index: int) -> Endpoint:
        """An endpoint as what is near it sees it."""
        endpoint = self.network.endpoints[index]
        return replace(endpoint, host=NO_HOST) if self.apart else endpoint

    def regions(self, covers: Iterable[Members | Addresses]) -> tuple[Region, ...]:
        """Where the remote may lie."""
        by_vrf: dict[int, list[Region]] = defaultdict(list)
        for cover in covers:
            for region in self._regions_of(cover):
                by_vrf[region.vrf].append(region)
        merged = (
            parts[0]
            if len(parts) == 1
            else Region(vrf, union(*(r.v4 for r in parts)), union(*(r.v6 for r in parts)))
            for vrf, parts in sorted(by_vrf.items())
        )
        return tuple(region for region in merged if region.v4 or region.v6)

    def _regions_of(self, cover: Members | Addresses) -> tuple[Region, ...]:
        if isinstance(cover, Members):
            known = self._owned_by.get(cover.endpoints)
            if known is None:
                known = regions_of(self.network, self.owned, cover.endpoints)
                self._owned_by[cover.endpoints] = known
            return known
        v4, v6 = (
            everything(v)
            if cover.prefixes is None
            else subtract(of_prefixes(cover.prefixes, v), of_prefixes(cover.excepts, v))
            for v in (4, 6)
        )
        indices = self.vrf_index
        if cover.vrfs is not None:
            vrfs = [indices[name] for name in sorted(cover.vrfs) if name in indices]
        else:
            vrfs = [ANY_VRF] if cover.without is None else list(indices.values())
        return tuple(
            Region(vrf, *(subtract(v, self._own(cover, vrf, i)) for i, v in enumerate((v4, v6))))
            for vrf in vrfs
        )

    def _own(self, cover: Addresses, vrf: int, family: int) -> Intervals:
        """What the endpoints that are left out own behind a VRF."""
        out = frozenset(cover.without or ())
        gone = union(*(self.owned[i][family] for i in out if self.network.endpoints[i].vrf == vrf))
        kept = [self.owned[i][family] for i in self.anycast.get(vrf, ()) if i not in out]
        return subtract(gone, union(*kept)) if gone and kept else gone

    def _per_ports(
        self, rule: Rule, locals_: tuple[int, ...], regions: tuple[Region, ...]
    ) -> Iterator[tuple[tuple[int, ...], tuple[Region, ...], tuple[L4Range, ...]]]:
        """Numbers for named ports, per set of destinations that agree on them."""
        if not rule.l4:
            yield locals_, regions, (L4Range(),)
            return
        plain = tuple(
            L4Range(l4.protocol, (l4.source_first, l4.source_last), (l4.first, l4.last), l4.fields)
            for l4 in rule.l4
            if l4.name is None
        )
        yield locals_, regions, plain
        for l4 in rule.l4:
            if l4.name is None:
                continue
            candidates = locals_ if rule.direction is Direction.IN else self._named(rule, l4.name)
            for ports, members in self._by_number(l4, candidates):
                if rule.direction is Direction.IN:
                    yield members, regions, ports
                else:
                    yield locals_, self._within(regions, members), ports

    def _named(self, rule: Rule, port: str) -> tuple[int, ...]:
        """Endpoints that may be meant by a port's name: those that the rule names, if it only
        names endpoints, else all that have such a port."""
        covers = [m.covers(self, None) for m in rule.remote if not m.near]
        if len(covers) == len(rule.remote) and all(isinstance(c, Members) for c in covers):
            return self.locals(rule.remote)
        return tuple(self.by_port[port])

    def _by_number(
        self, l4: L4, candidates: tuple[int, ...]
    ) -> list[tuple[tuple[L4Range, ...], tuple[int, ...]]]:
        found: dict[tuple[L4Range, ...], list[int]] = defaultdict(list)
        for index in candidates:
            ports = tuple(
                L4Range(p.protocol, (l4.source_first, l4.source_last), (p.number,) * 2, l4.fields)
                for p in sorted(set(self.network.endpoints[index].ports), key=lambda p: p.number)
                if p.name == l4.name and l4.protocol in (-1, p.protocol)
            )
            if ports:
                found[ports].append(index)
        return sorted((ports, tuple(members)) for ports, members in found.items())

    def _within(self, regions: tuple[Region, ...], members: tuple[int, ...]) -> tuple[Region, ...]:
        """The part of the regions that these endpoints own."""
        out = []
        for own in regions_of(self.network, self.owned, members):
            v4: list[Intervals] = []
            v6: list[Intervals] = []
            for region in regions:
                if region.vrf in (ANY_VRF, own.vrf):
                    v4.append(intersect(region.v4, own.v4))
                    v6.append(intersect(region.v6, own.v6))
            part = Region(own.vrf, union(*v4), union(*v6))
            if part.v4 or part.v6:
                out.append(part)
        return tuple(out)
