"""How many more tenants fit: arithmetic on small worlds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from cloison.views.dumps.headroom import headroom, tightest
from compiler.targets.usage import Usage

NODES = [SimpleNamespace(name=name) for name in ("dpu1", "dpu2", "border1")]


def network(*behind: tuple[str, int, int]) -> Any:
    """Endpoints as (tenant, VTEP, zone)."""
    return SimpleNamespace(
        fabric=SimpleNamespace(nodes=NODES),
        endpoints=[SimpleNamespace(tenant=t, vtep=v, zone=z) for t, v, z in behind],
    )


def test_room_is_what_is_left_over_the_average_tenant() -> None:
    world = network(("acme", 0, 1), ("globex", 0, 1), ("acme", 1, 1))
    usage = [Usage("dpu1", "routes", 20, 100, "x"), Usage("dpu2", "routes", 12, 100, "x")]
    (room,) = headroom(world, usage)
    assert (room.node, room.used, room.fill) == ("dpu1", 20, 0.2)
    assert room.more == 7, "dpu2 holds one tenant of 12: 88 // 12"


def test_borders_serve_every_tenant() -> None:
    world = network(("acme", 0, 1), ("globex", 1, 1), ("zone2", 2, 2))
    (room,) = headroom(world, [Usage("border1", "routes", 10, 100, "x")])
    assert room.more == 18


def test_maxima_and_unknown_capacities_bound_nothing() -> None:
    usage = [
        Usage("dpu1", "entries_per_group", 10, 1000, "x"),
        Usage("dpu1", "groups", 10, None, "unknown"),
    ]
    rooms = headroom(network(("acme", 0, 1)), usage)
    assert [room.more for room in rooms] == [None, None]
    assert tightest(rooms) is None


def test_the_tightest_table_decides() -> None:
    usage = [Usage("dpu1", "routes", 1, 100, "x"), Usage("dpu1", "groups", 30, 100, "x")]
    rooms = headroom(network(("acme", 0, 1)), usage)
    found = tightest(rooms)
    assert found is not None
    assert (found.table, found.more) == ("groups", 2)


def test_a_full_table_has_no_room() -> None:
    usage = [Usage("dpu1", "groups", 120, 100, "x"), Usage("dpu1", "routes", 1, 100, "x")]
    found = tightest(headroom(network(("acme", 0, 1)), usage))
    assert found is not None
    assert (found.table, found.more) == ("groups", 0)
