"""A crossing that offers one IP version of an endpoint opens nothing to the other one: its packets
would be taken for somebody else's, and answered there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric

from sim.proof.prove import prove
from sim.why.explain import Explanation
from sim.why.one_answer import explain
from sim.worlds.world import World

BOTH = {"v4": 28, "v6": 112}
WORK = {"a": ["n/p@host1"], "b": ["pub/q@host2", "n/z@host1"]}
PUBLIC = {"cidr": "2001:db8:2::/64", "namespaces": ["pub"]}
LINES = [
    {"allow": "a/n/p -> b/pub/q:443/tcp"},
    {"deny": "a/n/p -> [2001:db8:2::/64]:443/tcp"},
]


def leaked(folder: Path, *clients: str) -> Path:
    """What `b` leaks of both versions; hosts of both tenants have the same IPv6 addresses."""
    leak = {"name": "l", "from": "b/main", "to": ["a/main"], "ports": ["443/tcp"]}
    offer = {"prefixes": ["10.2.0.0/24", "2001:db8:2::/64"], "clients": list(clients)}
    tenants = {"a": vrf("10.1.0.0/24", "fd00::/64"), "b": vrf("10.2.0.0/24", "fd00::/64", PUBLIC)}
    return written(folder, tenants, leaks=[{**leak, **offer}])


def by_way_of_the_border(folder: Path, *offered: str) -> Path:
    """`a` takes the default routes of both versions, and hairpins are permitted."""
    b = vrf("203.0.2.0/24", "fd00:b::/64", PUBLIC, default_route="zone2")
    b["vrfs"]["main"]["advertise"] = ["203.0.2.0/24", "2001:db8:2::/64"]
    a = vrf("203.0.1.0/24", "fd00::/64", default_route="zone2", advertise=list(offered))
    rules = [
        {"name": "out", "from": "a/*", "to": "zone2/inet"},
        {"name": "in", "from": "zone2/inet", "to": "b/pub/*"},
    ]
    inet = {"addresses": ["0.0.0.0/0", "::/0"]}
    zone2 = {"hairpin": "permit", "endpoints": {"inet": inet}, "rules": rules}
    return written(folder, {"a": a, "b": b}, zones={"zone2": zone2})


def written(folder: Path, tenants: dict[str, Any], **more: Any) -> Path:
    return write_fabric(folder, tenants, WORK, pools={"blocks": BOTH}, expect=LINES, **more)


def answer(world: World, version: int) -> Explanation:
    """Why `a`'s pod gets to `b`'s, or does not."""
    found = explain(world, "a/n/p", "b/pub/q:443", version)
    assert isinstance(found, Explanation)
    return found


@pytest.mark.parametrize(
    ("fabric", "one", "both"),
    [
        (leaked, ("10.1.0.0/24",), None),
        (by_way_of_the_border, ("203.0.1.0/24",), ("203.0.1.0/24", "fd00::/64")),
    ],
)
def test_the_other_version_stays_closed(
    tmp_path: Path, fabric: Any, one: tuple[str, ...], both: tuple[str, ...] | None
) -> None:
    world = World(network_of(fabric(tmp_path, *one)))
    assert [answer(world, v).computed for v in (4, 6)] == ["allow", "deny"]
    assert answer(world, 6).reason.label == "isolation_drop"
    proof = prove(world)
    assert [o.holds for o in proof.outcomes] == [False, True]
    assert not [f for f in proof.findings if f.kind == "isolation"]
    if both is not None:
        world = World(network_of(fabric(tmp_path, *both)))
        assert [o.holds for o in prove(world).outcomes] == [True, False]
