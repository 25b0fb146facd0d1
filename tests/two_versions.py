"""Two versions of a random network, and the twin that knows no mixed worlds: it looks up the
version of the node that a step is at."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

from hypothesis import assume
from hypothesis import strategies as st
from naive import Header, outcomes
from random_worlds import NODES, policies, worlds
from wired import wired

from compiler.policy.ir import Packet, Policy, Verdict
from compiler.policy.semantics import decide
from fabric.building.network import Network
from sim.worlds.world import World


class Two(NamedTuple):
    """Two versions of one network, and the nodes that have the new one."""

    old: Network
    new: Network
    before: Policy
    after: Policy
    nodes: frozenset[int]

    @property
    def mixed(self) -> World:
        versions = World(self.old, self.before), World(self.new, self.after)
        return versions[0].mixed(versions[1], [NODES[n] for n in self.nodes])

    @property
    def wired(self) -> Two:
        return self._replace(old=wired(self.old), new=wired(self.new))

    @property
    def each_its_own(self) -> Network:
        """The network where routes are asked of the version of the node that asks."""
        versions = self.old.fib, self.new.fib
        fib: Any = SimpleNamespace(
            lookup=lambda vtep, *rest: versions[vtep in self.nodes].lookup(vtep, *rest)
        )
        return replace(self.old, fib=fib)

    def judge(self, _: Policy, network: Network, packet: Packet) -> Verdict:
        """What the version says of the node where the rules of an endpoint are asked."""
        there = network.endpoints[packet.local].vtep in self.nodes
        return decide(self.after if there else self.before, network, packet)

    def outcomes(self, src: int, header: Header) -> Any:
        return outcomes(self.before, self.each_its_own, src, header, self.judge)


@st.composite
def two(draw: Any) -> Two:
    old, new = draw(worlds(several=False)), draw(worlds(several=False))
    assume(old.endpoints == new.endpoints)
    new = replace(new, vrfs=old.vrfs)
    before = draw(policies())
    other = draw(policies())
    kept = tuple(r for r in before.rules if draw(st.booleans()))
    after = Policy((*kept, *other.rules), other.selections)
    nodes = draw(st.frozensets(st.integers(0, 3), min_size=1))
    return Two(old, new, before, after, nodes)
