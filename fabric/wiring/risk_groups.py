"""Shared-risk groups: nodes and links that one event takes away together, such as a rack, a power
feed or a trench. For links alone the term is "shared risk link group" (RFC 4202 §2.3).

Rules that hold here:

1. A member with `--` is a link, either way round, any other is a node; both are patterns
   (`fabric.values.wildcard`). Links to hosts cannot be members; patterns pass over them.
2. A host is the whole machine: its DPU is a member with it. Where leaves encapsulate, the host's
   leaf has to be a member too: what is on a host that fails alone is not looked at.
3. A group has a name that no node and no link has, and at least one member.
4. What stands in one rack of a site is a group, `rack-` and its name (with the site before it where
   several have a rack of that name), unless the file has a group of that name. A rack whose group
   would have the name of another rack's, of a node or of a link is an error: only one of the two
   would ever be tried.
5. Where it is asked what was expected before a change (`fabric.file.kept_lines`), a group that was
   another one then is tried as it was as well, without what is not there any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.values.wildcard import HINT, beyond, fits, mistake
from fabric.wiring.topology import Fabric, Node, RiskGroup, Role, aliases


@dataclass(frozen=True, slots=True)
class _Names:
    """What members may be called."""

    fabric: Fabric
    nodes: Mapping[str, int]
    links: Mapping[str, int]

    def of(self, member: str) -> Mapping[str, int]:
        """Names of the kind that a member is of."""
        return self.links if "--" in member else self.nodes


def risk_groups(spec: FabricSpec, fabric: Fabric) -> tuple[RiskGroup, ...]:
    """The groups of a fabric file, in its order; `InputError` lists every mistake."""
    found = Diagnostics()
    links = {alias: link.index for link in fabric.links for alias in aliases(fabric, link)}
    names = _Names(fabric, {node.name: node.index for node in fabric.nodes}, links)
    made = []
    for name, members in spec.risk_groups.items():
        if name in names.nodes or name in links:
            kind = "node" if name in names.nodes else "link"
            what = f'risk group "{name}" has the name of a {kind}'
            hint = f'give it one of its own, such as "group-{name}"'
            found.error("C342", what, spec.at_key("risk_groups", name), hint)
        if not members:
            what = f'risk group "{name}" has no members'
            found.error("C341", what, spec.at("risk_groups", name), "name its nodes and links")
        made.append(_made(spec, name, members, names, found))
    made += racks(spec, names, found)
    found.check()
    return (*made, *kept(spec, made, names))


def with_kept_groups(spec: FabricSpec, before: Fabric) -> FabricSpec:
    """The file with the groups of a fabric from before a change."""
    out = spec.model_copy()
    out._kept_groups = tuple(
        (group.name, [before.nodes[i].name for i in sorted(group.nodes)],
         [before.links[i].name for i in sorted(group.links)])
        for group in before.risk_groups
    )  # fmt: skip
    return out


def kept(spec: FabricSpec, made: Iterable[RiskGroup], names: _Names) -> Iterator[RiskGroup]:
    """Rule 5."""
    fabric, known = names.fabric, {(group.nodes, group.links) for group in made}
    for name, nodes, links in spec._kept_groups:
        there = (names.nodes[node] for node in nodes if node in names.nodes)
        cables = (names.links[link] for link in links if link in names.links)
        members = (
            frozenset(n for n in there if fabric.nodes[n].role is not Role.HOST),
            frozenset(n for n in cables if fabric.links[n].kind != "host"),
        )
        if any(members) and members not in known:
            yield RiskGroup(f"{name} before this change", *members)


def racks(spec: FabricSpec, names: _Names, found: Diagnostics) -> Iterator[RiskGroup]:
    """Rule 4."""
    fabric = names.fabric
    inside: dict[tuple[str, str], list[Node]] = {}
    for node in fabric.nodes:
        if node.rack:
            inside.setdefault((node.site, node.rack), []).append(node)
    often = Counter(rack for _, rack in inside)
    owner: dict[str, str] = {}
    for (site, rack), nodes in inside.items():
        stem = rack if rack.startswith("rack") else f"rack-{rack}"
        name = stem if often[rack] == 1 else f"{site}-{stem}"
        if name in spec.risk_groups:
            continue
        kind = "node" if name in names.nodes else "link" if name in names.links else ""
        other = owner.setdefault(name, rack)
        if kind or other != rack:
            whose = f"the name of a {kind}" if kind else f'that of rack "{other}"'
            what = f'the risk group "{name}" of rack "{rack}" has {whose}'
            named = next(n.name for n in nodes if n.name in spec.sites[site].nodes)
            span = spec.at("sites", site, "nodes", named, "rack")
            found.error("C342", what, span, "call either of them otherwise")
        elif speakers := rack_speakers(fabric, nodes):
            yield RiskGroup(name, speakers, frozenset())


def rack_speakers(fabric: Fabric, nodes: Iterable[Node]) -> frozenset[int]:
    """What of a rack may fail: a host is the whole machine, its DPU with it."""
    within = (
        fabric.vtep_of(n.name) if n.role is Role.HOST and fabric.vtep_role is Role.DPU else n
        for n in nodes
    )
    return frozenset(n.index for n in within if n.role is not Role.HOST)


def _made(
    spec: FabricSpec, name: str, members: Sequence[str], names: _Names, found: Diagnostics
) -> RiskGroup:
    fabric = names.fabric
    lines = [_selected(spec, name, i, names, found) for i in range(len(members))]
    nodes, links = set[int](), set[int]()
    for member, line in zip(members, lines, strict=True):
        (links if "--" in member else nodes).update(line)
    hosts = {n for n in nodes if fabric.nodes[n].role is Role.HOST}
    if fabric.vtep_role is Role.DPU:
        nodes |= {fabric.vtep_of(fabric.nodes[n].name).index for n in hosts}
    for i, line in enumerate(lines):
        for host in [n for n in line if n in hosts and "--" not in members[i]]:
            leaf = fabric.vtep_of(fabric.nodes[host].name)
            if leaf.index not in nodes:
                what = f"{fabric.nodes[host].name} is behind {leaf.name}, which is not in the group"
                hint = f"add {leaf.name}: what is on a host that fails alone is not looked at"
                found.error("C340", what, spec.at("risk_groups", name, i), hint)
                break
    return RiskGroup(name, frozenset(nodes - hosts), frozenset(links))


def _selected(
    spec: FabricSpec, name: str, place: int, names: _Names, found: Diagnostics
) -> list[int]:
    """The nodes or links that one member stands for."""
    member = spec.risk_groups[name][place]
    span, there = spec.at("risk_groups", name, place), names.of(member)
    if (wrong := mistake(member, numbers_only=True)) is not None:
        found.error("C337", f'cannot read "{member}": {wrong}', span, HINT)
        return []
    chosen = [number for known, number in there.items() if fits(known, member)]
    unknown = beyond(member, there) if chosen else (member,)
    if unknown:
        known = [*chain(names.nodes, names.links)]
        what = f'no {"link" if "--" in member else "node"} is called "{unknown[0]}"'
        group = (
            "that is a risk group: name its nodes and links" if member in spec.risk_groups else None
        )
        found.error("C337", what, span, group or did_you_mean(unknown[0], known))
    if "--" not in member:
        return chosen
    routed = [n for n in chosen if names.fabric.links[n].kind != "host"]
    if chosen and not routed:
        what = f'"{member}" leads to a host, and that it is down is not looked at'
        found.error("C340", what, span, "links between devices that speak BGP may be")
    return routed
