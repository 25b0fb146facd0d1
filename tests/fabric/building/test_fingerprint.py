"""The digest of routing is another one where anything is that decides where packets go."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from routed import Mesh, at, endpoint, routed

from fabric.building.fingerprint import fingerprint
from fabric.building.network import Network

NODES, VRFS = ["dpu1", "dpu2", "border1"], ["acme/main", "zone2/main"]
HERE, OUT = ("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1)])


def network(rows: list[Any], down: tuple[str, ...] = (), **more: Any) -> Network:
    ends = [at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32"))]
    made = routed(NODES, VRFS, ends, {(0, 0): rows, (1, 1): [OUT]})
    fabric: Any = SimpleNamespace(nodes=made.fabric.nodes, failed=frozenset(down))
    return replace(made, fabric=fabric, **more)


def test_whatever_routes_say_otherwise_is_another_digest() -> None:
    cut: Any = Mesh(len(NODES), [(0, 1)])
    worlds = [
        network([HERE, OUT]),
        network([HERE]),
        network([HERE, ("0.0.0.0/1", [(1, 1)])]),
        network([HERE, ("0.0.0.0/0", [(2, 1)])]),
        network([HERE, ("0.0.0.0/0", [(1, 0)])]),
        network([HERE, ("0.0.0.0/0", [(1, 1), (2, 1)])]),
        network([HERE, OUT], down=("spine1",)),
        network([HERE, OUT], underlay=cut),
    ]
    assert len({fingerprint(world) for world in worlds}) == len(worlds)
    assert fingerprint(network([HERE, OUT])) == fingerprint(worlds[0])
