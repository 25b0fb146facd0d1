"""A multigraph is what a graph of networkx with the same nodes and edges is, in the same order."""

from __future__ import annotations

from typing import Any

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from fabric.wiring.multigraph import Multigraph

NAMES = st.sampled_from("abcde")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("node"), NAMES, st.integers(0, 3)),
        st.tuples(st.just("edge"), NAMES, NAMES, st.sampled_from("xyz"), st.integers(0, 3)).filter(
            lambda step: step[1] != step[2]
        ),
    ),
    max_size=20,
)


@given(STEPS)
def test_it_is_a_multigraph_of_networkx(steps: list[Any]) -> None:
    wiring, graph = Multigraph(), nx.MultiGraph()
    for kind, *names, number in steps:
        for made in (wiring, graph):
            add = made.add_node if kind == "node" else made.add_edge
            add(*names, **{kind: number})
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(keys=True, data=True))
    assert list(wiring.nodes.items()) == nodes
    assert list(wiring.edges()) == edges
    for name in graph:
        assert list(wiring.neighbors(name)) == list(graph.neighbors(name))
        assert wiring.degree(name) == graph.degree(name)
        for other in graph:
            assert wiring.number_of_edges(name, other) == graph.number_of_edges(name, other)
    again = wiring.graph()
    assert list(again.nodes(data=True)) == nodes
    assert list(again.edges(keys=True, data=True)) == edges
