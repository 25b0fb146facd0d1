"""Rules at an interface are about those behind it, and nobody whose name begins like theirs."""

from __future__ import annotations

from dataclasses import replace

from any_policies import WORLD

from compiler.imports.joined.behind_port import BehindPort


def test_a_name_is_all_of_a_name() -> None:
    behind, *_ = WORLD.endpoints
    port = BehindPort("leaf1 swp1", WORLD.vrfs[behind.vrf].name, frozenset({behind.name}))
    assert port.selects(behind, WORLD)
    for other in (f"{behind.name}0", f"{behind.name}/1", behind.name[:-1], f"x/{behind.name}"):
        assert not port.selects(replace(behind, name=other), WORLD)
