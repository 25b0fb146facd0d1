"""Nodes and the edges between them, with attributes: what Clos generators fill.

A small part of `networkx.MultiGraph`, which `graph` makes of it for people and for algorithms:
loading networkx takes a tenth of a second, and reading a fabric needs none of its algorithms.

Rules that hold here:

1. Nodes and edges come in the order of networkx: nodes as they were added; edges by first node,
   then by its other ends as they were first joined, parallel ones together.
2. The dictionaries of attributes are those that were made when something was added: who adds to one
   adds to it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx

Attributes = dict[str, Any]


class Multigraph:
    """See the module; an edge has a key, by which parallel ones differ.

    >>> wiring = Multigraph()
    >>> wiring.add_edge("leaf1", "spine1", "leaf1--spine1", speed=400)
    >>> list(wiring.edges()), list(wiring.neighbors("spine1"))
    ([('leaf1', 'spine1', 'leaf1--spine1', {'speed': 400})], ['leaf1'])
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Attributes] = {}
        self._joined: dict[str, dict[str, dict[str, Attributes]]] = {}
        self._added: list[tuple[str, str, str]] = []

    def add_node(self, name: str, /, **attributes: Any) -> None:
        """A node, or more attributes of one."""
        self.nodes.setdefault(name, {}).update(attributes)
        self._joined.setdefault(name, {})

    def add_edge(self, a: str, b: str, key: str, /, **attributes: Any) -> None:
        """An edge, with its nodes where they are missing; or more attributes of one."""
        for name in (a, b):
            self.add_node(name)
        between = self._joined[a].setdefault(b, {})
        self._joined[b][a] = between
        if key not in between:
            between[key] = {}
            self._added.append((a, b, key))
        between[key].update(attributes)

    def number_of_edges(self, a: str, b: str) -> int:
        """How many edges join two nodes."""
        return len(self._joined[a].get(b, ()))

    def neighbors(self, name: str) -> Iterator[str]:
        """Other ends of a node's edges, each once."""
        return iter(self._joined[name])

    def degree(self, name: str) -> int:
        """How many edges a node has."""
        return sum(map(len, self._joined[name].values()))

    def edges(self) -> Iterator[tuple[str, str, str, Attributes]]:
        """Both nodes, key and attributes of each edge (rule 1)."""
        seen = set[str]()
        for a, others in self._joined.items():
            for b, between in others.items():
                if b not in seen:
                    yield from ((a, b, key, data) for key, data in between.items())
            seen.add(a)

    def graph(self) -> nx.MultiGraph[str]:
        """The same as a graph."""
        import networkx as nx

        made: nx.MultiGraph[str] = nx.MultiGraph()
        made.add_nodes_from(self.nodes.items())
        for a, b, key in self._added:
            made.add_edge(a, b, key, **self._joined[a][b][key])
        return made
