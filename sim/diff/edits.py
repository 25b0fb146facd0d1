"""What was edited between two worlds, in the words of the files: the causes of differences.

A policy, leak, zone rule or other declaration that one world lacks, or that says something else
there, is an *edit*; so are a peer that one world lacks, and labels, ports or addresses that differ.
A difference is put down to the first edit that had a part in either verdict: in that which stopped
its packet, then in that which let it pass. One edit of a policy is so one cause, however many rows
it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from compiler.policy.ir import Matcher, Origin, Policy
from fabric.diagnostics import Span
from fabric.values.inventory import Endpoint
from sim.diff.merged import RowEnd
from sim.diff.shown import Shown
from sim.proof.pairs.reachability import Reach
from sim.why.blame import Cause

Fact = frozenset[object] | str | None
TOLD = frozenset(
    ("kind", "tenant", "namespace", "workload", "name", "host", "host_network", "aliases", "runs",
     "also", "vrf", "prefixes", "state", "labels", "namespace_labels", "ports")
)  # fmt: skip
"""Fields of endpoints that are who they are, or told in their own words."""


@dataclass(frozen=True, slots=True, order=True)
class InputEdit:
    """`what` is new, removed or edited; `title` names it; `old` and `new` are its lines."""

    title: str
    what: str
    detail: str = ""
    old: Span | None = field(default=None, compare=False)
    new: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.title}: {self.detail or self.what}"


class Looked(NamedTuple):
    """What of endpoints rules look at: keys of labels, and fields."""

    keys: frozenset[str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Edits:
    """Edits of declarations by what they are called in blames; and the tenants of either world."""

    declared: Mapping[str, InputEdit]
    imports: Mapping[str, InputEdit]
    vrf_of: Mapping[str, str]
    tenants: tuple[frozenset[str], frozenset[str]]
    looked: Looked

    @staticmethod
    def of(old: Reach, new: Reach) -> Edits:
        """Compare what two worlds declare."""
        here, there = (_Declared(reach) for reach in (old, new))
        found = {}
        for title in sorted(here.says.keys() | there.says.keys()):
            spans = here.spans.get(title), there.spans.get(title)
            if title not in here.says:
                found[title] = InputEdit(title, "new", "", *spans)
            elif title not in there.says:
                found[title] = InputEdit(title, "removed", "", *spans)
            elif here.says[title] != there.says[title]:
                found[title] = InputEdit(title, "edited", "", *spans)
        imported = {
            name: InputEdit(
                f"VRF {name}", "edited", f"imports {_told('', was, now).strip()}", *spans
            )
            for name in sorted(here.imports.keys() & there.imports.keys())
            if (was := here.imports[name]) != (now := there.imports[name])
            for spans in [(here.vrfs[name], there.vrfs[name])]
        }
        vrf_of = {
            e.name: reach.network.vrfs[e.vrf].name
            for reach in (old, new)
            for e in reach.network.endpoints
        }
        looked = _looked_at(old.program.policy, new.program.policy)
        return Edits(found, imported, vrf_of, (here.tenants, there.tenants), looked)

    def behind(self, source: RowEnd, target: RowEnd, seen: Shown) -> InputEdit:
        """The edit behind a difference."""
        stops, passes = (seen.new, seen.old) if seen.passed else (seen.old, seen.new)
        return (
            self._peer(source, target)
            or self._declaration((stops.culprit, *stops.others, passes.culprit, *passes.others))
            or self._routes(seen)
            or next(_endpoints(seen, self.looked), None)
            or InputEdit(
                "; ".join(dict.fromkeys((seen.old.culprit.title, seen.new.culprit.title))),
                "decide otherwise",
                "",
                seen.old.culprit.span,
                seen.new.culprit.span,
            )
        )

    def _peer(self, source: RowEnd, target: RowEnd) -> InputEdit | None:
        """A tenant, workload, host or zone endpoint that one world lacks."""
        lacking = [end for end in (source, target) if end.only]
        tenants = dict.fromkeys(end.name.partition("/")[0] for end in lacking)
        for tenant in tenants:
            if (tenant in self.tenants[0]) != (tenant in self.tenants[1]):
                what = "new" if tenant in self.tenants[1] else "removed"
                return InputEdit(f"tenant {tenant}", what)
        return next((InputEdit(end.name, end.only) for end in lacking), None)

    def _routes(self, seen: Shown) -> InputEdit | None:
        """What the VRF of either end imports."""
        ends = (end for side in seen.ends for end in side if end is not None)
        names = dict.fromkeys(self.vrf_of[e.name] for e in ends if e.name in self.vrf_of)
        return next((self.imports[name] for name in names if name in self.imports), None)

    def _declaration(self, causes: tuple[Cause, ...]) -> InputEdit | None:
        """A policy or intent that changed and had a part."""
        return next(
            (self.declared[c.declaration] for c in causes if c.declaration in self.declared), None
        )


class _Declared:
    """What the policies of a world say, by the kind and name of its origin; rule numbers and lines
    aside."""

    def __init__(self, reach: Reach) -> None:
        says: dict[str, list[Hashable]] = defaultdict(list)
        self.spans: dict[str, Span | None] = {}
        policy: Policy = reach.program.policy
        for rule in policy.rules:
            said = (rule.stage, rule.direction, rule.local, rule.remote, rule.l4, rule.action)
            self._add(says, rule.origin, said)
        for selection in policy.selections:
            said_ = (selection.stage, selection.direction, selection.local, selection.default)
            self._add(says, selection.origin, said_)
        self.says = {title: tuple(found) for title, found in says.items()}
        network = reach.network
        self.vrfs = {v.name: v.span for v in network.vrfs}
        self.imports: dict[str, Fact] = {
            v.name: frozenset(
                why.intent or rt if why.intent != "" else "its own"
                for rt, reasons in imported.items()
                for why in reasons
            )
            for v, imported in zip(network.vrfs, getattr(network.fib, "imports", ()), strict=False)
        }
        self.tenants = frozenset(v.tenant for v in reach.network.vrfs)

    def _add(self, says: dict[str, list[Hashable]], origin: Origin, said: Hashable) -> None:
        title = f"{origin.kind} {origin.name}"
        says[title].append(said)
        known = self.spans.get(title)
        if known is None or (origin.span is not None and origin.span < known):
            self.spans[title] = origin.span


def _endpoints(seen: Shown, looked: Looked) -> Iterator[InputEdit]:
    """What changed about the endpoints at the ends of the packet, of what rules look at; else where
    they are."""
    pairs = [
        (old, new)
        for old, new in zip(*seen.ends, strict=True)
        if old is not None and new is not None and old.kind == new.kind
    ]
    for old, new in pairs:
        for title, name, was, now in _said(old, new, looked):
            if was != now:
                yield InputEdit(title, "edited", _told(name, was, now), old.span, new.span)
    for old, new in pairs:
        if old.host != new.host:
            yield InputEdit(_called(new), "edited", _told("host", old.host, new.host))
        was, now = (frozenset[object](map(str, e.prefixes)) for e in (old, new))
        if was != now:
            yield InputEdit(_called(new), "edited", _told("addresses", was, now))


def _said(old: Endpoint, new: Endpoint, looked: Looked) -> Iterator[tuple[str, str, Fact, Fact]]:
    """Facts about an endpoint that rules may look at: whose they are, what they are, then and
    now."""

    def seen(labels: Mapping[str, str]) -> Fact:
        return frozenset((k, v) for k, v in labels.items() if k in looked.keys)

    who, space = _called(new), f"namespace {new.tenant}/{new.namespace}"
    yield who, "labels", seen(old.labels), seen(new.labels)
    yield who, "ports", frozenset(old.ports), frozenset(new.ports)
    yield space, "labels", seen(old.namespace_labels), seen(new.namespace_labels)
    yield f"host {new.host}", "state", old.state, new.state
    for name in sorted(looked.fields - TOLD):
        yield who, name.replace("_", " "), getattr(old, name), getattr(new, name)


def _looked_at(*policies: Policy) -> Looked:
    """What of endpoints any matcher of these policies looks at."""
    matchers: list[Matcher] = []
    for policy in policies:
        for rule in policy.rules:
            matchers += (*rule.local, *rule.remote)
        for selection in policy.selections:
            matchers += selection.local
    return Looked(
        frozenset(key for matcher in matchers for key in matcher.label_keys()),
        frozenset(name for matcher in matchers for name in matcher.looks()),
    )


def _called(endpoint: Endpoint) -> str:
    if endpoint.workload is None:
        return endpoint.name
    return f"{endpoint.name.rpartition('/')[0]}/{endpoint.workload}"


def _told(name: str, was: Fact, now: Fact) -> str:
    """One fact that changed."""
    if not isinstance(was, frozenset) or not isinstance(now, frozenset):
        return f"{name} {was} to {now}"
    less = [f"-{_written(x)}" for x in sorted(was - now, key=str)]
    more = [f"+{_written(x)}" for x in sorted(now - was, key=str)]
    return f"{name} {', '.join((*less, *more))}"


def _written(value: object) -> str:
    if isinstance(value, tuple) and len(value) == 2:
        return f"{value[0]}={value[1]}"
    name, number = getattr(value, "name", None), getattr(value, "number", None)
    return f"{name}={number}" if name is not None else str(value)
