"""Where devices have something else than the model says: what is missing, what is there besides,
and what is there otherwise, with the line that asked for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, TypeVar

from compiler.imports.nft.said import short
from fabric.building.network import Network
from fabric.control.fib import Route
from fabric.diagnostics import Span
from sim.state.facts import NOWHERE, HeardNode, Routes, Vrf
from sim.state.heard import StateFolder
from sim.state.nft_state import WantedRules
from sim.state.wanted import Wanted

V = TypeVar("V")
State = Literal["missing", "extra", "different"]


@dataclass(frozen=True, slots=True)
class StateRow:
    """One thing at a node: an `evpn route` (its RD in `where`), a route of a VRF in FRR (`route`)
    or in the kernel (`kernel route`), an `underlay` route and its number of next hops, or of nft a
    `rule`, `chain` or `element` (`where` is the chain or map, `prefix` the place in it)."""

    node: str
    kind: str
    where: str
    prefix: str
    state: State
    wanted: str
    found: str
    line: Span | None
    file: Path


@dataclass(slots=True)
class Compared:
    """What differs; of each kind the nodes (of routes the VRFs of nodes) whose state was there,
    of all that should have one. Of `unasked` nodes nothing is wanted: they speak no BGP."""

    rows: list[StateRow] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)
    unheard: list[int] = field(default_factory=list)
    """Nodes of which no file says rules."""
    other_rules: set[str] = field(default_factory=set)
    """Enforcement points whose rules are not those that are wanted."""

    def counted(self, kind: str, seen: bool, due: int = 1) -> None:
        """One more that should have state of a kind, or several alike."""
        self.due[kind] = self.due.get(kind, 0) + due
        self.seen[kind] = self.seen.get(kind, 0) + seen * due


def compared(
    network: Network,
    found: StateFolder,
    tell: Callable[[str], None] | None = None,
    rules: WantedRules | None = None,
) -> Compared:
    """Everything that was heard, against what is wanted; without `rules` those of nft are not."""
    wanted, out = Wanted(network), Compared()
    for number, node in enumerate(wanted.speakers):
        if tell is not None:
            tell(f"compare: {number:,} of {len(wanted.speakers):,} nodes")
        here = found.node(node)
        at_node(network, wanted, node, here, out)
        if rules is not None:
            rules_at(network, rules, node, here, out)
    if rules is not None and len(out.unheard) < len(wanted.speakers):
        due = sum(node in rules.nodes for node in out.unheard)
        out.counted("rules", False, due)
    for node in sorted(found.paths.keys() - set(wanted.speakers)):
        out.unasked.append(network.fabric.nodes[node].name)
    return out


def at_node(network: Network, wanted: Wanted, node: int, here: HeardNode, out: Compared) -> None:
    """One node. Of VRFs as a whole something was heard when both families were."""
    name = network.fabric.nodes[node].name
    out.counted("evpn route", here.evpn is not None)
    out.counted("underlay", here.widths is not None)
    if here.evpn is not None:
        out.rows += evpn(network, name, wanted.evpn(node), here)
    if here.widths is not None:
        out.rows += underlay(name, wanted.widths(node), here)
    vrfs = len(network.fib.vrfs_at(node))
    routes = wanted.routes(node) if here.routes or here.kernel or here.whole else None
    for kind, said, source in (
        ("route", here.routes, "rib"),
        ("kernel route", here.kernel, "kernel"),
    ):
        if routes is None or not (said or (kind == "route" and here.whole)):
            out.counted(kind, False, vrfs)
            continue
        whole: dict[Vrf, Routes] = {
            vrf: {} for vrf in routes if kind == "route" and vrf[1] in here.whole
        }  # fmt: skip
        there = {**whole, **said}
        for vrf_name in dict.fromkeys(vrf for vrf, _ in routes):
            due = [(vrf, family) for vrf, family in routes if vrf == vrf_name]
            out.counted(kind, all(one in there for one in due))
        for vrf, had in sorted(there.items()):
            file = here.files.get((source, *vrf), here.files[source,])
            mine = routes.get(vrf, {})
            other = {prefix: had[prefix] for prefix in had.keys() - mine.keys()}
            inside = own(wanted, node, vrf[0], other, mine) if other and vrf in routes else set()
            had = {prefix: to for prefix, to in had.items() if prefix not in inside}
            for prefix, to in here.by_itself.get((source, vrf), {}).items():
                if vrf in routes and takes_over(wanted, node, vrf[0], prefix, mine):
                    had[prefix] = had.get(prefix, frozenset()) | to
            out.rows += in_vrf(name, kind, vrf[0], mine, had, file)


def rules_at(
    network: Network, rules: WantedRules, node: int, here: HeardNode, out: Compared
) -> None:
    """The rules of nft that a node has: none are wanted where nothing is enforced."""
    if here.rules is None and not any("rules" in key for key in here.files):
        out.unheard.append(node)
        return
    if node in rules.nodes:
        out.counted("rules", here.rules is not None)
    if here.rules is None:
        return
    name, file = network.fabric.nodes[node].name, here.files["rules",]
    for one, line in rules.compared(node, here):
        if node in rules.nodes:
            out.other_rules.add(name)
        said = [short(text) for text in (one.wanted, one.found)]
        out.rows.append(
            StateRow(name, one.kind, one.where, one.what, one.state, said[0], said[1], line, file)
        )


def own(wanted: Wanted, node: int, vrf: str, others: Routes, mine: Collection[str]) -> set[str]:
    """Prefixes of other routes that lead to what lies behind the VRF itself: to none of the places
    that overlays lead to. What lies in a route of `mine` that is nearer would be taken from it, and
    what leads to nowhere inside of what lies there is cut off."""
    elsewhere = {*map(wanted.network.plan.vtep, wanted.speakers)}
    elsewhere |= {other.name for other in wanted.network.vrfs}
    behind = {str(block) for block in wanted.behind(node, vrf)}
    return {
        prefix
        for prefix, to in others.items()
        if not to & elsewhere
        and (prefix in behind or to != {NOWHERE})
        and -1 < nearest(prefix, behind) >= nearest(prefix, mine)
    }


def takes_over(wanted: Wanted, node: int, vrf: str, prefix: str, mine: Collection[str]) -> bool:
    """Whether a route that came with an address has what a route of `mine` should lead to: it is
    the same, or nearer, and what lies behind the VRF itself is not nearer yet."""
    found = ip_network(prefix)
    if found.is_link_local or found.is_multicast or found.is_loopback:
        return False
    behind = {str(block) for block in wanted.behind(node, vrf)}
    return nearest(prefix, mine) > nearest(prefix, behind)


def nearest(prefix: str, blocks: Collection[str]) -> int:
    """How long the longest block is that holds a prefix; -1 where none does.

    >>> nearest("10.1.2.0/24", {"10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"})
    16
    """
    found = ip_network(prefix)
    lengths = range(found.prefixlen, -1, -1)
    return next((n for n in lengths if str(found.supernet(new_prefix=n)) in blocks), -1)


def differing(
    wanted: Mapping[Any, V], found: Mapping[Any, V]
) -> Iterator[tuple[Any, State, V | None, V | None]]:
    """Keys of which only one side has one, or both another value, in order."""
    for key in sorted(wanted.keys() | found.keys()):
        mine, theirs = wanted.get(key), found.get(key)
        if mine != theirs:
            state: State = "missing" if theirs is None else "extra" if mine is None else "different"
            yield key, state, mine, theirs


def evpn(
    network: Network, name: str, wanted: Mapping[Any, Any], here: HeardNode
) -> Iterator[StateRow]:
    """EVPN routes; the VRF is that of the RD."""
    spans = network.once(_vrf_lines)
    assert here.evpn is not None
    for (rd, prefix), state, mine, theirs in differing(wanted, here.evpn):
        ours, has = ("" if side is None else _evpn_text(side) for side in (mine, theirs))
        file = here.files["evpn",]
        yield StateRow(name, "evpn route", rd, prefix, state, ours, has, spans.get(rd), file)


def _evpn_text(route: Any) -> str:
    return f"{' '.join(route.rts)} at {route.next_hop or 'nobody'} mac {route.router_mac or 'none'}"


def _vrf_lines(network: Network) -> dict[str, Span | None]:
    """Where the VRF of every RD is written."""
    return {rd: network.vrfs[vrf].span for (_, vrf), rd in network.plan.rd.items()}


def underlay(name: str, wanted: Mapping[str, int], here: HeardNode) -> Iterator[StateRow]:
    """Loopbacks, and over how many links."""
    assert here.widths is not None
    for prefix, state, mine, theirs in differing(wanted, here.widths):
        ours, has = (f"{n or 0} next hop{'s' * (n != 1)}" for n in (mine, theirs))
        yield StateRow(name, "underlay", "", prefix, state, ours, has, None, here.files["rib",])


def in_vrf(
    name: str,
    kind: str,
    where: str,
    wanted: Mapping[str, tuple[frozenset[str], Route]],
    found: Mapping[str, frozenset[str]],
    file: Path,
) -> Iterator[StateRow]:
    """Routes of a VRF."""
    hops = {prefix: mine for prefix, (mine, _) in wanted.items()}
    for prefix, state, mine, theirs in differing(hops, found):
        ours, has = (" ".join(sorted(side or ())) for side in (mine, theirs))
        line = wanted[prefix][1].origin if prefix in wanted else None
        yield StateRow(name, kind, where, prefix, state, ours, has, line, file)
