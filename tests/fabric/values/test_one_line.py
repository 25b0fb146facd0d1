"""Worlds and stages print in one line, in notebooks and in the messages of failing laws."""

from __future__ import annotations

import pytest
from any_policies import WORLD
from hypothesis.vendor.pretty import pretty

from compiler.policy.ir import Policy
from compiler.policy.stages import Stage
from sim.worlds.world import World


@pytest.mark.parametrize(
    "value",
    [
        WORLD,
        World(WORLD),
        World(WORLD, at={"hour": ("night",)}),
        World(WORLD, Policy()).program,
        Stage.ZONE0,
    ],
    ids=["network", "world", "world at", "program", "stage"],
)
def test_large_values_print_in_one_line(value: object) -> None:
    assert pretty(value) == repr(value)
    assert len(repr(value)) < 160
    assert type(value).__name__ in repr(value)
    assert "\n" not in repr(value)


def test_a_world_says_where_it_is_on_axes() -> None:
    assert "hour ('night',)" in repr(World(WORLD, at={"hour": ("night",)}))
