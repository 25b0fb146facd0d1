"""What is made of a value stays with it, and is no part of it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

from compiled import compile_network

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"


def asked(_: object) -> list[str]:
    return []


def test_replaced_and_unpickled_values_begin_with_nothing() -> None:
    network = build(load_fabric(SMALL), lock=False)
    program = compile_network(network)
    for value in (network, program):
        value.once(asked).append("said")
        assert value.once(asked) == ["said"]
        for other in (pickle.loads(pickle.dumps(value)), replace(value)):
            assert other.once(asked) == []


def test_a_network_is_equal_whatever_was_asked_of_it() -> None:
    network = build(load_fabric(SMALL), lock=False)
    other: Network = replace(network)
    network.once(asked).append("said")
    assert network == other
