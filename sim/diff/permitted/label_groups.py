"""Pods by the labels that a policy may call them by.

Rules that hold here:

1. Labels that tell revisions and replicas of one workload apart do not count.
2. Pods of a namespace with the same labels are one group. Where a group's labels select pods of
   another one too, both are one, with the labels that they share: a selector is never about anybody
   else. Groups of a namespace are disjoint, and have all of its pods.
   Of labels that all of a group have it takes as few as select the group alone.
3. What no label tells apart (nodes, pods in the network of their host, whoever is outside) is in no
   group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from fabric.values.ports import PortRange

CLUSTER_NAME = "kubernetes.io/metadata.name"
OF_REPLICAS = frozenset({
    "pod-template-hash", "controller-revision-hash", "pod-template-generation",
    "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-uid",
    "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index",
})  # fmt: skip
"""Rule 1."""
USUAL = {"app.kubernetes.io/name": 0, "app": 1, "k8s-app": 2, "app.kubernetes.io/component": 3}
"""Labels that people call workloads by, first ones first."""
MOST_LABELS = 8
Labels = frozenset[tuple[str, str]]
Room = tuple[str, str]
"""A tenant and a namespace of it."""


@dataclass(frozen=True, slots=True, order=True)
class LabelGroup:
    """`members` are endpoints, by index."""

    room: Room
    labels: tuple[tuple[str, str], ...]
    members: tuple[int, ...]

    @property
    def selector(self) -> dict[str, Any]:
        """What selects these and nobody else of their namespace."""
        return {"matchLabels": dict(self.labels)} if self.labels else {}

    def peer(self, of: Room) -> dict[str, Any]:
        """How a policy of a namespace of the same tenant names them."""
        if self.room == of:
            return {"podSelector": self.selector}
        there = {"namespaceSelector": {"matchLabels": {CLUSTER_NAME: self.room[1]}}}
        return {**there, "podSelector": self.selector} if self.labels else there

    def name(self, network: Network) -> str:
        """What people call them: their one workload, else what their labels say."""
        found = {network.endpoints[at].workload for at in self.members}
        if len(found) == 1 and (name := next(iter(found))):
            return name
        return "-".join(value for _, value in self.labels) or "all"


def room_of(end: Endpoint) -> Room | None:
    """The namespace of a pod with labels (rule 3)."""
    if end.kind != "pod" or end.host_network or end.namespace is None:
        return None
    return end.tenant, end.namespace


def groups(network: Network) -> Iterator[LabelGroup]:
    """All of a network, in order."""
    rooms: dict[Room, dict[Labels, list[int]]] = defaultdict(lambda: defaultdict(list))
    for end in network.endpoints:
        if (room := room_of(end)) is not None:
            labels = frozenset((k, v) for k, v in end.labels.items() if k not in OF_REPLICAS)
            rooms[room][labels].append(end.index)
    for room, by_labels in sorted(rooms.items()):
        found = disjoint(by_labels)
        for labels, members in sorted(found.items(), key=lambda one: sorted(one[1])):
            others = [other for other in found if other != labels]
            yield LabelGroup(room, telling(labels, others), tuple(sorted(members)))


def telling(labels: Labels, others: Sequence[Labels]) -> tuple[tuple[str, str], ...]:
    """As few labels as no other group's pods all have; the usual ones first.

    >>> telling(frozenset({("app", "a"), ("zone", "x")}), [frozenset({("zone", "x")})])
    (('app', 'a'),)
    """
    ranked = sorted(labels, key=lambda one: (USUAL.get(one[0], len(USUAL)), one))
    for size in range(1, len(ranked)):
        for some in combinations(ranked[:MOST_LABELS], size):
            if not any(frozenset(some) <= other for other in others):
                return tuple(sorted(some))
    return tuple(ranked)


def disjoint(by_labels: dict[Labels, list[int]]) -> dict[Labels, list[int]]:
    """Rule 2.

    >>> one, both = frozenset({("app", "a")}), frozenset({("app", "a"), ("tier", "x")})
    >>> disjoint({one: [1], both: [2]}) == {one: [1, 2]}
    True
    """
    found = {labels: list(members) for labels, members in by_labels.items()}
    while True:
        meeting = next(((a, b) for a in found for b in found if a != b and a <= b), None)
        if meeting is None:
            return found
        narrow, wide = meeting
        found[narrow] += found.pop(wide)


def named_port(network: Network, members: Iterable[int], port: PortRange) -> str | None:
    """The name that all of these pods have for a port, and for no other one."""
    names: set[str] | None = None
    for at in members:
        own = network.endpoints[at].ports
        mine = {
            one.name for one in own if (one.protocol, one.number) == (port.protocol, port.first)
        }
        mine -= {
            one.name for one in own if (one.protocol, one.number) != (port.protocol, port.first)
        }
        names = mine if names is None else names & mine
    return min((name for name in names or () if name), default=None)
