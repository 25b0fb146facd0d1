"""The underlay against a naive twin: BGP speakers that exchange messages in any order.

The twin keeps what every peer announced last, chooses by the same rules, and announces its best
path, one message at a time in random order, until no message is left. Vectorised settling must
reach the same tables whatever the order, failures included.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from clos_sites import asns, sites
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive_bgp import numbered

from fabric.building.network import Network
from fabric.control.bgp_sessions import Sessions
from fabric.control.narrowed import narrowed
from fabric.control.underlay import Underlay, converge_sessions
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric, take_down
from fabric.wiring.topology import Fabric, Role

Asns = tuple[int, ...]


@dataclass
class Speaker:
    """One BGP speaker of the twin; a port is (link, peer), in order of port number."""

    asn: int
    dpu: bool
    ports: list[tuple[int, int]] = field(default_factory=list)
    heard: dict[tuple[int, int], Asns] = field(default_factory=dict)


class Twin:
    """Event-driven path vector over every origin."""

    def __init__(self, fabric: Fabric, asn: Asns, router_id: Asns, rng: random.Random) -> None:
        self.fabric, self.router_id, self.rng = fabric, router_id, rng
        self.speakers = {
            node.index: Speaker(asn[node.index], node.role is Role.DPU)
            for node in fabric.nodes
            if node.role is not Role.HOST and node.index not in fabric.down_nodes
        }
        ends = {(k.index, end): port for k in fabric.links
                for end, port in ((k.a, k.a_port), (k.b, k.b_port))}  # fmt: skip
        for link in fabric.links:
            if link.index in fabric.down_links or link.kind == "host":
                continue
            if {link.a, link.b} <= self.speakers.keys() and asn[link.a] != asn[link.b]:
                self.speakers[link.a].ports.append((link.index, link.b))
                self.speakers[link.b].ports.append((link.index, link.a))
        for node, speaker in self.speakers.items():
            speaker.ports.sort(key=lambda port, node=node: numbered(ends[port[0], node]))
        self.queue: list[tuple[int, int, int, Asns | None]] = []

    def start(self) -> None:
        """Everyone announces itself."""
        for node in self.speakers:
            self.announce(node, node)
        self.run()

    def fail(self, fabric: Fabric) -> None:
        """Lose the sessions over what is down in `fabric`, and what was heard over them."""
        down = set(fabric.down_links)
        down |= {i.index for i in fabric.links if fabric.down_nodes & {i.a, i.b}}
        for node in fabric.down_nodes & self.speakers.keys():
            del self.speakers[node]
        for node, speaker in self.speakers.items():
            before = {origin: self.best(node, origin) for _, origin in speaker.heard}
            speaker.ports = [port for port in speaker.ports if port[0] not in down]
            speaker.heard = {k: path for k, path in speaker.heard.items() if k[0] not in down}
            for origin, path in before.items():
                if self.best(node, origin) != path:
                    self.announce(node, origin)
        self.run()

    def run(self) -> None:
        """Deliver messages until there are none."""
        while self.queue:
            node, link, origin, path = self.queue.pop(self.first_of_some_session())
            before = self.best(node, origin)
            if path is None or self.speakers[node].asn in path:
                self.speakers[node].heard.pop((link, origin), None)
            else:
                self.speakers[node].heard[link, origin] = path
            if self.best(node, origin) != before:
                self.announce(node, origin)

    def first_of_some_session(self) -> int:
        """Sessions keep their order; which one is served next does not matter."""
        node, link = self.rng.choice(self.queue)[:2]
        return next(i for i, event in enumerate(self.queue) if event[:2] == (node, link))

    def candidates(self, node: int, origin: int) -> list[tuple[int, int, Asns]]:
        """(link, peer, path) of every shortest path, best first."""
        speaker = self.speakers[node]
        paths = [
            (self.router_id[peer], number, link, peer, speaker.heard[link, origin])
            for number, (link, peer) in enumerate(speaker.ports)
            if (link, origin) in speaker.heard
        ]
        shortest = min((len(p[-1]) for p in paths), default=0)
        return [p[2:] for p in sorted(paths) if len(p[-1]) == shortest]

    def best(self, node: int, origin: int) -> Asns | None:
        if node == origin:
            return ()
        found = self.candidates(node, origin)
        return found[0][-1] if found else None

    def announce(self, node: int, origin: int) -> None:
        speaker, path = self.speakers[node], self.best(node, origin)
        if speaker.dpu and node != origin:
            return
        for link, peer in speaker.ports:
            message = None if path is None else (speaker.asn, *path)
            self.queue.append((peer, link, origin, message))


def agree(fabric: Fabric, asn: Asns, router_id: Asns, seed: int) -> Underlay:
    """Compare every (node, origin) of both; the twin converges first and then sees failures."""
    whole = take_down(fabric, ())
    twin = Twin(whole, asn, router_id, random.Random(seed))
    twin.start()
    twin.fail(fabric)
    underlay = converge_sessions(fabric, asn, router_id)
    table = underlay.spread()
    for a in range(len(fabric.nodes)):
        for b in range(len(fabric.nodes)):
            best = twin.best(a, b) if a in twin.speakers and b in twin.speakers else None
            assert underlay.reachable(a, b) == (best is not None)
            if best is not None:
                assert underlay.as_path(a, b) == best
                assert table.length[a, b] == len(best)
                hops = [] if a == b else [(peer, link) for link, peer, _ in twin.candidates(a, b)]
                assert list(underlay.ecmp(a, b)) == hops[:64]
                assert underlay.widest.get(a, 64) >= len(hops)
    return underlay


@settings(max_examples=100)
@given(sites(), st.sampled_from(["dpu", "leaf"]), st.integers(0, 2**16), st.integers(0, 4))
def test_any_order_of_events_reaches_what_settling_computes(
    found: dict[str, Site], vtep: str, seed: int, failures: int
) -> None:
    assume(vtep == "dpu" or not any(site.nodes for site in found.values()))
    spec = FabricSpec(cloison=1, name="test", vtep=vtep, sites=found)  # type: ignore[arg-type]
    fabric = build_fabric(spec)
    rng = random.Random(seed)
    names = [n.name for n in fabric.nodes if n.role is not Role.HOST]
    names += [link.name for link in fabric.links if link.kind != "host"]
    fabric = take_down(fabric, rng.sample(names, min(failures, len(names))))
    router_id = list(range(1, len(fabric.nodes) + 1))
    rng.shuffle(router_id)
    agree(fabric, asns(fabric), tuple(router_id), seed)


def demo(down: Iterator[str] | tuple[str, ...] = ()) -> tuple[Fabric, Underlay]:
    spec = FabricSpec(cloison=1, name="test", sites={"s": Site(leaves=4, hosts_per_pair=2)})
    fabric = build_fabric(spec, down)
    return fabric, converge_sessions(fabric, asns(fabric), tuple(range(1, len(fabric.nodes) + 1)))


def names(fabric: Fabric, path: tuple[int, ...]) -> list[str]:
    return [fabric.nodes[i].name for i in path]


def test_paths_follow_the_clos() -> None:
    fabric, underlay = demo()
    here, there = fabric.node("dpu1").index, fabric.node("dpu3").index
    found = [names(fabric, path) for path in underlay.paths(here, there)]
    assert len(found) == 8
    assert ["dpu1", "leaf1", "spine1", "leaf3", "dpu3"] in found
    assert underlay.paths(here, there, limit=3) == underlay.paths(here, there)[:3]
    assert underlay.paths(here, here) == ((here,),)


def test_of_equal_paths_64_are_installed_and_more_are_told() -> None:
    """Nine spines and eight cables to each: 72 equal paths between two leaves."""
    site = Site(spines=9, leaves=2, uplinks=8, hosts_per_pair=2, borders=0)
    fabric = build_fabric(FabricSpec(cloison=1, name="wide", vtep="leaf", sites={"s": site}))
    leaves = [n.index for n in fabric.nodes if n.role is Role.LEAF]
    underlay = agree(fabric, asns(fabric), tuple(n.index + 1 for n in fabric.nodes), 0)
    assert len(underlay.ecmp(*leaves)) == 64
    assert underlay.widest == dict.fromkeys(leaves, 72)
    (told,) = narrowed(fabric, underlay, Network.bare("wide").fib, ())
    assert (told.code, told.severity) == ("C527", "warning")
    assert "knows 72 equal paths" in told.message
    some = take_down(fabric, [fabric.links[underlay.ecmp(*leaves)[0][1]].name])
    fewer = converge_sessions(some, asns(fabric), tuple(n.index + 1 for n in fabric.nodes))
    assert len(fewer.ecmp(*leaves)) == 64
    assert fewer.widest == {leaves[0]: 71, leaves[1]: 72}


def test_a_dpu_is_never_a_transit() -> None:
    fabric, underlay = demo(("leaf1--spine1", "leaf1--spine2"))
    leaf, spine, dpu = (fabric.node(n).index for n in ("leaf1", "spine1", "dpu1"))
    assert not underlay.reachable(leaf, spine)
    assert underlay.reachable(dpu, spine)
    assert underlay.reachable(leaf, dpu)


def test_a_session_says_why_it_is_down() -> None:
    fabric, underlay = demo(("leaf1--spine1", "spine2"))
    reasons = {
        (fabric.nodes[s.node].name, fabric.nodes[s.peer].name): s.reason
        for s in underlay.sessions
        if not s.up
    }
    assert reasons["leaf1", "spine1"] == reasons["spine1", "leaf1"] == "link is down"
    assert reasons["leaf2", "spine2"] == "spine2 is down"
    same = converge_sessions(
        fabric, tuple(7 for _ in fabric.nodes), tuple(range(len(fabric.nodes)))
    )
    assert {s.reason for s in same.sessions} >= {"both ends have the same ASN"}


@pytest.mark.parametrize("down", [(), ("leaf1--spine1", "spine2"), ("leaf1~spine1", "leaf2")])
def test_sessions_are_up_unless_something_says_why_not(down: tuple[str, ...]) -> None:
    fabric, underlay = demo(down)
    asn = [*underlay.ends.asn]
    asn[fabric.node("spine1").index] = asn[fabric.node("leaf2").index]
    for sessions in (underlay.ends, Sessions.of(fabric, tuple(asn))):
        told = [*sessions]
        assert [s.up for s in told] == [not s.reason for s in told] == sessions.up.tolist()
        assert {*sessions.up.tolist()} == {False, True} or sessions.up.all()


@pytest.mark.parametrize("down", [(), ("leaf1",)])
def test_hop_arrays_are_rows_of_pairs(down: tuple[str, ...]) -> None:
    fabric, underlay = demo(down)
    n, (off, node, link) = len(fabric.nodes), underlay.spread().hops
    assert off.shape == (n * n + 1,)
    assert off.dtype == node.dtype == link.dtype == "int32"
    for a in range(n):
        for b in range(n):
            row = slice(off[a * n + b], off[a * n + b + 1])
            hops = tuple(zip(node[row].tolist(), link[row].tolist(), strict=True))
            assert hops == underlay.ecmp(a, b)
            assert bool(underlay.ecmp(a, b)) == (a != b and underlay.reachable(a, b))
