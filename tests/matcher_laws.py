"""What every matcher owes to those who ask it and not its class: it reads what it says that it
reads, means the addresses that it says, and whoever it selects is where it says."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from compiler.policy.ir import Direction, Packet
from compiler.policy.labels import labels_match
from compiler.policy.matcher import Matcher, PodTerms
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from fabric.values.ip import Address
from fabric.values.names import selects

FIELDS = frozenset(f.name for f in fields(Endpoint))
LABELLED = ("labels", "namespace_labels")


class WatchedLabels(dict[str, str]):
    """Labels that remember which keys were asked for."""

    def __init__(self, labels: Any, read: set[str]) -> None:
        super().__init__(labels)
        self.keys_read = read

    def __getitem__(self, key: str) -> str:
        self.keys_read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_read.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.keys_read.add(str(key))
        return super().__contains__(key)


class Watched:
    """An endpoint that remembers which of its fields were read, and which keys of labels."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.read, self.keys_read = endpoint, set[str](), set[str]()

    def __getattr__(self, name: str) -> Any:
        if name in FIELDS:
            self.read.add(name)
        found = getattr(self.endpoint, name)
        return WatchedLabels(found, self.keys_read) if name in LABELLED else found


def keeps_its_laws(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where a matcher breaks any of the laws below."""
    reads_no_more_than_it_says(matcher, network)
    means_the_addresses_that_it_says(matcher, network)
    answers_alike_between_its_cuts(matcher, network)
    is_near_only_if_it_says(matcher, network)
    selects_nobody_elsewhere(matcher, network)
    selects_by_the_labels_that_it_says(matcher, network)


def reads_no_more_than_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where `selects` reads a field that is not among `looks`, or a label
    whose key is not among `label_keys`."""
    for endpoint in network.endpoints:
        seen: Any = Watched(endpoint)
        matcher.selects(seen, network)
        assert seen.read <= matcher.looks(), (matcher, seen.read - matcher.looks())
        assert seen.keys_read <= {*matcher.label_keys()}, (matcher, seen.keys_read)


EDGES = ("0.0.0.0", "255.255.255.255", "::", "ffff::1", "192.0.2.7", "2001:db8::7")


def to(address: Address, local: Endpoint, vrf: int = 0) -> Packet:
    """A packet to a pod, from that address behind a VRF."""
    return Packet(Direction.IN, local.index, address.version, int(address), vrf, 6, 1, 1)


def means_the_addresses_that_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where `addresses` says otherwise than `means` of an address that nobody
    has; who speaks of endpoints means none of them."""
    said, local = matcher.addresses(), network.endpoints[0]
    kind, _ = matcher.inside() or ("", frozenset())
    ends = [p for prefix in matcher.cuts() for p in (prefix[0], prefix[-1])]
    near = (ip_address(int(a) + step) for a in ends for step in (-1, 0, 1) if int(a) + step > 0)
    asked: list[IPv4Address | IPv6Address] = [*map(ip_address, EDGES), *ends, *near]
    for address in asked:
        meant = matcher.means(to(address, local), local, None, network)
        if said is not None:
            assert meant == said.holds(address) or (matcher.near and not meant), address
        elif kind != "vrf":
            assert not meant, address
    assert (matcher.by_labels() is None) or said is None


def answers_alike_between_its_cuts(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where the answer changes elsewhere than where a cut begins or ends."""
    pod = next(e for e in network.endpoints if e.kind == "pod")
    cuts = [p for p in matcher.cuts() if p.version == 4]
    ends = {int(p[0]) for p in cuts} | {int(p[-1]) + 1 for p in cuts}
    for text in ("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"):
        for first in (int(ip_network(text)[0]), int(ip_network(text)[-1]) + 1):
            below, above = (
                matcher.means(to(IPv4Address(ip), pod), pod, None, network)
                for ip in (first - 1, first)
            )
            assert below == above or first in ends


def is_near_only_if_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where what is meant depends on who asks, and `near` does not say so, or
    on more of who asks than their tenant and host."""
    for remote in network.endpoints:
        if remote.prefixes:
            address = remote.prefixes[0].network_address
            meant: dict[object, bool] = {}
            for local in network.endpoints:
                packet = to(address, local, remote.vrf)
                asks = (local.tenant, local.host) if matcher.near else None
                said = matcher.means(packet, local, remote, network)
                assert meant.setdefault(asks, said) == said, (local, remote)


def selects_nobody_elsewhere(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where one that it selects is not `inside`, not `in_namespace`, or by
    none of its `name_patterns`."""
    kind, names = matcher.inside() or ("", frozenset())
    selected = [e for e in network.endpoints if matcher.selects(e, network)]
    for endpoint in selected if kind else ():
        there = endpoint.tenant if kind == "tenant" else network.vrfs[endpoint.vrf].name
        assert there in names, endpoint
    if (namespace := matcher.in_namespace()) is not None:
        assert "namespace" in matcher.looks()
        assert {e.namespace for e in selected} <= {namespace}
    if (patterns := matcher.name_patterns()) is not None:
        assert all(any(selects(p, e) for p in patterns) for e in selected)


def selects_by_the_labels_that_it_says(matcher: Matcher, network: Network) -> None:
    """Raise AssertionError where `by_labels` means others than `selects`."""
    if (by := matcher.by_labels()) is not None:
        for endpoint in network.endpoints:
            assert matcher.selects(endpoint, network) == meets(endpoint, by), endpoint


def meets(endpoint: Endpoint, by: PodTerms) -> bool:
    """Whether an endpoint is one of the pods that terms mean."""
    return (
        (endpoint.kind, endpoint.host_network, endpoint.tenant) == ("pod", False, by.cluster)
        and by.namespace in (None, endpoint.namespace)
        and labels_match(by.namespaces or (), endpoint.namespace_labels)
        and labels_match(by.labels, endpoint.labels)
    )
