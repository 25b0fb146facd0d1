"""What goes wrong in the middle of a change is what brute force over all mixtures finds, and steps
that are called safe are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from any_flows import own
from hypothesis import Phase, given, settings
from naive import Header
from request_sites import asking_ends
from two_versions import Two, two

import cloison
from fabric.diagnostics import UndecidedError
from sim.diff.rollout.safety import RolloutSafety, rollout_safety
from sim.diff.rollout.transients import GAINED, LOST, Transient
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.worlds.world import World

FEW = settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
NODES = range(4)
Nodes = frozenset[int]


def subsets(members: Any) -> Iterator[Nodes]:
    every = list(members)
    return map(
        frozenset, chain.from_iterable(combinations(every, n) for n in range(len(every) + 1))
    )


class Slowly:
    """What becomes of packets in each mixture, one by one."""

    def __init__(self, versions: Two) -> None:
        self.versions = versions
        self.known: dict[tuple[Nodes, int, Header], tuple[set[int], set[int]]] = {}

    def ends(self, nodes: Nodes, src: int, header: Header) -> tuple[set[int], set[int]]:
        """Who may get a packet, and who must."""
        key = nodes, src, header
        if key not in self.known:
            said = self.versions._replace(nodes=nodes).outcomes(src, header)
            got = [o.dst if o.reason is Reason.DELIVERED else -1 for o in said]
            self.known[key] = {*got} - {-1}, ({*got} - {-1} if len({*got}) == 1 else set())
        return self.known[key]

    def wrong(self, nodes: Nodes, src: int, header: Header, dst: int) -> set[str]:
        """What of a packet a mixture makes that neither version does."""
        (a, c), (b, d), (here, sure) = (
            self.ends(at, src, header) for at in (frozenset(), frozenset(NODES), nodes)
        )
        found = set()
        if dst in here and dst not in a | b:
            found.add(GAINED)
        if (dst in a & b and dst not in here) or (dst in c & d and dst not in sure):
            found.add(LOST)
        return found


def headers(versions: Two) -> list[tuple[int, Header]]:
    """Packets of everybody to everybody, with the endpoint that sends each."""
    network = versions.wired.mixed.network
    found = []
    for flow in own(network):
        traced = trace(World(network, versions.before), flow)
        if traced.source is not None:
            found.append((traced.source, Header(*astuple(flow)[1:7])))
    return found


def holds_at(transient: Transient, nodes: Nodes) -> bool:
    return {*transient.newer} <= nodes and not {*transient.older} & nodes


def answered(versions: Two) -> RolloutSafety:
    wired = versions.wired
    return rollout_safety(World(wired.old, wired.before), World(wired.new, wired.after))


def header_of(flow: Flow) -> Header:
    return Header(*astuple(flow)[1:7])


@pytest.mark.slices(4)
@FEW
@given(two())
def test_moments_are_what_brute_force_finds(versions: Two) -> None:
    found, slowly = answered(versions), Slowly(versions)
    for nodes in subsets(NODES):
        for src, header in headers(versions):
            for dst in {*range(len(versions.old.endpoints))} - {src}:
                for kind in slowly.wrong(nodes, src, header, dst):
                    there = [m for m in found.found if m.kind == kind and holds_at(m, nodes)]
                    assert there, (kind, nodes, src, header, dst)
    for transient in found.found:
        for nodes in subsets(NODES):
            if holds_at(transient, nodes):
                said = slowly.wrong(nodes, transient.src, header_of(transient.flow), transient.dst)
                assert transient.kind in said, (transient, nodes)
    assert found.verdict == ("fails" if found.found else "unknown" if found.unsure else "holds")


@pytest.mark.slices(4)
@FEW
@given(two())
def test_steps_are_safe_and_the_fewest(versions: Two) -> None:
    found, slowly = answered(versions), Slowly(versions)
    names = [node.name for node in versions.old.fabric.nodes]
    changing = frozenset(map(names.index, found.devices))
    bad = {
        nodes
        for nodes in subsets(changing)
        if any(holds_at(transient, nodes) for transient in found.found)
    }
    done: Nodes = frozenset()
    for step in found.order.steps:
        for part in subsets(step):
            assert done | part not in bad
            for src, header in headers(versions):
                for dst in {*range(len(versions.old.endpoints))} - {src}:
                    assert not slowly.wrong(done | part, src, header, dst)
        done |= {*step}
    assert done in (changing, frozenset())
    if found.exact:
        least = fewest(changing, bad)
        assert (least is None) == bool(found.order.tied)
        assert least is None or least == len(found.order.steps)


def fewest(members: Nodes, bad: set[Nodes]) -> int | None:
    """Steps of the shortest safe order, by trying every next step."""
    reached = {frozenset[int](): 0}
    waiting = [frozenset[int]()]
    while waiting:
        done = waiting.pop(0)
        for step in subsets(members - done):
            known = not step or done | step in reached
            if not (known or any(done | part in bad for part in subsets(step))):
                reached[done | step] = reached[done] + 1
                waiting.append(done | step)
    return reached.get(members)


def test_a_mixture_that_asks_for_less_is_no_safe_order(tmp_path: Path) -> None:
    """One end drops what it asks for, and the other one takes it over."""
    free, get, post = [], [{"path": "/a"}], [{"path": "/b"}]
    versions = ((get, free), (free, get), (free, post), (get, get), (post, free))
    sites = [asking_ends(tmp_path / str(n), out, into) for n, (out, into) in enumerate(versions)]
    for old, new in ((0, 1), (0, 2), (1, 0)):
        with pytest.raises(UndecidedError, match="asks for less than in either version") as error:
            cloison.rollout(sites[old], sites[new])
        assert error.value.diagnostics[0].code == "C878"
    for old, new in ((0, 3), (3, 1), (1, 2), (0, 4)):
        assert cloison.rollout(sites[old], sites[new]).verdict == "holds"
