"""NetworkPolicies that permit flows between groups of labels and addresses, and nothing else.

Rules that hold here:

1. A namespace that is chosen gets one policy that isolates all of its pods in both directions, and
   one for each group that sends or takes anything. All that stood there before goes: it has the
   spec of one of these where it selects the same pods, else it permits nothing any more.
2. Pods of the same tenant are named by labels, on both sides; whoever else by addresses, as wide as
   is asked for. A peer names a whole group: what one pod of it did, all may.
3. Peers with the same ports share a rule. Ports have names where all pods of the group that takes
   them have the same name for that port; three and more in a row are a range.
4. NetworkPolicies know TCP, UDP and SCTP. Flows of other protocols cannot be said (`unsayable`).

5. Labels know no IP version: a group that is a peer is one over both.

Source: Kubernetes API, NetworkPolicySpec.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses
from itertools import groupby
from typing import Any

from fabric.building.network import Network
from fabric.file.extend import ADD
from fabric.values.ports import NAMES, WITH_PORTS, PortRange
from sim.diff.permitted.label_groups import LabelGroup, Room, named_port
from sim.diff.permitted.observed import ObservedFlow
from sim.diff.suggested.file_edits import FileEdit, PolicyObject

Block = IPv4Network | IPv6Network
Peer = LabelGroup | Block
Port = tuple[int, int]
"""Protocol and number."""
Width = tuple[int, int]
"""Lengths of prefixes, IPv4 and IPv6."""
LISTS = (("ingress", "from"), ("egress", "to"))
PREFIX, REST = "observed", "observed-nothing-else"
MIN_RANGE = 3
MAX_NAME = 253


@dataclass(frozen=True, slots=True)
class WrittenPolicy:
    """`document` is a NetworkPolicy of a tenant, `edit` brings it there; `was` there before."""

    tenant: str
    document: Mapping[str, Any]
    edit: FileEdit
    was: bool


@dataclass(frozen=True, slots=True)
class OneVersion:
    """Groups `tenant/namespace/name`, a port of the target, and the IP version that was `seen`."""

    source: str
    target: str
    port: str
    seen: int


Closure = dict[tuple[LabelGroup, str], dict[Peer, set[Port]]]
"""What each group may take from (ingress) or send to (egress) whom."""


class GroupNames:
    """Which group an endpoint is in, and what a policy calls it."""

    def __init__(self, network: Network, every: Iterable[LabelGroup], width: Width) -> None:
        self.network, self.width = network, width
        self.groups = tuple(every)
        self.of = {at: group for group in self.groups for at in group.members}

    def peer(self, of: LabelGroup, end: int, version: int, address: int) -> Peer:
        """Rule 2."""
        there = self.of.get(end)
        if there is not None and there.room[0] == of.room[0]:
            return there
        if version == 4:
            return IPv4Network((IPv4Address(address), self.width[0]), strict=False)
        return IPv6Network((IPv6Address(address), self.width[1]), strict=False)

    def closure(self, flows: Iterable[ObservedFlow], rooms: frozenset[Room]) -> Closure:
        """What groups of chosen namespaces did."""
        found: Closure = defaultdict(lambda: defaultdict(set))
        for flow in flows:
            if flow.protocol not in WITH_PORTS:
                continue
            port = flow.protocol, flow.dport
            ends = (
                (flow.target, flow.source, flow.src, "ingress"),
                (flow.source, flow.target, flow.dst, "egress"),
            )
            for own, other, address, key in ends:
                group = self.of.get(own)
                if group is not None and group.room in rooms:
                    peer = self.peer(group, other, flow.version, address)
                    found[group, key][peer].add(port)
        return found

    def one_version(
        self, flows: Iterable[ObservedFlow], rooms: frozenset[Room]
    ) -> Iterator[OneVersion]:
        """What was seen over one IP version, between groups that have both (rule 5)."""
        seen: dict[tuple[LabelGroup, LabelGroup, Port], set[int]] = defaultdict(set)
        for flow in flows:
            source, target = self.of.get(flow.source), self.of.get(flow.target)
            if source is None or target is None or source.room[0] != target.room[0]:
                continue
            if flow.protocol in WITH_PORTS and {source.room, target.room} & rooms:
                seen[source, target, (flow.protocol, flow.dport)].add(flow.version)
        for (source, target, (protocol, port)), versions in sorted(seen.items()):
            if (self._versions(source) & self._versions(target)) - versions:
                a, b = (f"{'/'.join(g.room)}/{g.name(self.network)}" for g in (source, target))
                yield OneVersion(a, b, str(PortRange(protocol, port, port)), min(versions))

    def _versions(self, group: LabelGroup) -> set[int]:
        ends = (self.network.endpoints[at] for at in group.members)
        return {prefix.version for end in ends for prefix in end.prefixes}

    def unsayable(self, flow: ObservedFlow, rooms: frozenset[Room]) -> bool:
        """Rule 4, about what concerns a chosen namespace."""
        ends = (self.of.get(flow.source), self.of.get(flow.target))
        concerned = any(end is not None and end.room in rooms for end in ends)
        return concerned and flow.protocol not in WITH_PORTS

    def permits(self, closure: Closure, flow: ObservedFlow, rooms: frozenset[Room]) -> bool:
        """Whether policies that say no more and no less let a flow pass: the definition."""
        ends = (
            (flow.target, flow.source, flow.src, "ingress"),
            (flow.source, flow.target, flow.dst, "egress"),
        )
        for own, other, address, key in ends:
            group = self.of.get(own)
            if group is None or group.room not in rooms:
                continue
            peers = closure.get((group, key), {})
            if not any(
                (flow.protocol, flow.dport) in ports
                and self._is(peer, group, other, flow.version, address)
                for peer, ports in peers.items()
            ):
                return False
        return True

    def _is(self, peer: Peer, own: LabelGroup, end: int, version: int, address: int) -> bool:
        if isinstance(peer, LabelGroup):
            return end in peer.members and peer.room[0] == own.room[0]
        make = IPv4Address if version == 4 else IPv6Address
        return peer.version == version and make(address) in peer


def written(
    names: GroupNames, closure: Closure, rooms: frozenset[Room],
    before: Sequence[PolicyObject],
) -> Iterator[WrittenPolicy]:  # fmt: skip
    """The policies of chosen namespaces, with those that stand there now (rule 1)."""
    for room in sorted(rooms):
        there = [p for p in before if _room(p) == room]
        wanted: list[tuple[str, dict[str, Any]]] = [(REST, _spec({}, {}))]
        for group in names.groups:
            lists = {
                key: _rules(names.network, group, closure[group, key], key, word)
                for key, word in LISTS
                if (group, key) in closure
            }
            if group.room == room and lists:
                name = f"{PREFIX}-{group.name(names.network)}"[:MAX_NAME]
                wanted.append((name, _spec(group.selector, lists)))
        yield from _placed(room, wanted, there)


def _room(policy: PolicyObject) -> Room:
    return policy.tenant, str(policy.document.value["metadata"].get("namespace", "default"))


def _placed(
    room: Room, wanted: list[tuple[str, dict[str, Any]]], there: list[PolicyObject]
) -> Iterator[WrittenPolicy]:
    """Each in the place of one that selects the same pods, else under a name of its own."""
    taken = {str(p.document.value["metadata"]["name"]) for p in there}
    for name, spec in wanted:
        old = next((p for p in there if p.spec.get("podSelector", {}) == spec["podSelector"]), None)
        if old is not None:
            there.remove(old)
            yield _instead(old, spec, "permits what was observed")
            continue
        number, own = 1, name
        while own in taken:
            number += 1
            own = f"{name[: MAX_NAME - 8]}-{number}"
        taken.add(own)
        document = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": own, "namespace": room[1]},
            "spec": spec,
        }
        edit = FileEdit((), ADD, document, "permits what was observed", None, room[0])
        yield WrittenPolicy(room[0], document, edit, False)
    for old in there:
        spec = _spec(old.spec.get("podSelector", {}), {})
        yield _instead(old, spec, "permits nothing any more, and may be deleted")


def _instead(old: PolicyObject, spec: dict[str, Any], words: str) -> WrittenPolicy:
    about = old.document.value["metadata"]
    metadata = {"name": about["name"], "namespace": about.get("namespace", "default")}
    head = {"apiVersion": old.document.value["apiVersion"], "kind": "NetworkPolicy"}
    document = {**head, "metadata": metadata, "spec": spec}
    return WrittenPolicy(old.tenant, document, old.edit(("spec",), "set", spec, words), True)


def _spec(selector: Mapping[str, Any], lists: Mapping[str, Any]) -> dict[str, Any]:
    """Empty lists stand there: what merges a file with what is there keeps those that are not."""
    own = {key: lists.get(key, []) for key, _ in LISTS}
    return {"podSelector": dict(selector), "policyTypes": ["Ingress", "Egress"], **own}


def _rules(
    network: Network, group: LabelGroup, peers: Mapping[Peer, set[Port]], key: str, word: str
) -> list[dict[str, Any]]:
    """Rule 3."""
    by_ports: dict[frozenset[Port], list[Peer]] = defaultdict(list)
    for peer, ports in peers.items():
        by_ports[frozenset(ports)].append(peer)
    rules = []
    for alike, whom in by_ports.items():
        labelled = sorted(peer for peer in whom if isinstance(peer, LabelGroup))
        listed: list[dict[str, Any]] = [peer.peer(group.room) for peer in labelled]
        for version in (4, 6):
            blocks: Any = [
                p for p in whom if not isinstance(p, LabelGroup) and p.version == version
            ]
            listed += [{"ipBlock": {"cidr": str(block)}} for block in collapse_addresses(blocks)]
        members = group.members if key == "ingress" else ()
        rules.append({word: listed, "ports": list(_ports(network, members, sorted(alike)))})
    return sorted(rules, key=str)


def _ports(
    network: Network, members: Sequence[int], ports: Sequence[Port]
) -> Iterator[dict[str, Any]]:
    """Ports by name, number or range."""
    unnamed = []
    for protocol, number in ports:
        name = named_port(network, members, PortRange(protocol, number, number))
        if name is not None:
            yield {"protocol": NAMES[protocol].upper(), "port": name}
        else:
            unnamed.append((protocol, number))
    for (protocol, _), run in groupby(
        enumerate(unnamed), key=lambda at: (at[1][0], at[1][1] - at[0])
    ):
        numbers = [number for _, (_, number) in run]
        whole = {"protocol": NAMES[protocol].upper()}
        if len(numbers) >= MIN_RANGE:
            yield {**whole, "port": numbers[0], "endPort": numbers[-1]}
        else:
            yield from ({**whole, "port": number} for number in numbers)
