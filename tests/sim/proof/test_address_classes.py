"""Regions are the same when each span of addresses is a class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from random_worlds import policies, worlds

from compiler.compile import compile_network
from compiler.policy.ir import Policy
from fabric.build import build
from fabric.load import load_fabric
from fabric.network import Network
from sim.numbering import Numbering, same_rows
from sim.proof import address_classes
from sim.proof.reachability import Reach, reachability
from sim.proof.regions import AllRegions, Sender, regions
from sim.world import World

TOPOLOGIES = Path(__file__).parents[3] / "topologies"


def alone(columns: Sequence[Any]) -> Numbering:
    """No two spans are alike."""
    return same_rows([*columns, np.arange(len(columns[0]))])


@pytest.mark.slices(3)
@settings(
    max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(worlds(), policies())
def test_classes_change_nothing(
    monkeypatch: pytest.MonkeyPatch, network: Network, policy: Policy
) -> None:
    by_class, by_span = twice(reachability(World(network, policy)), monkeypatch)
    assert by_class == by_span


@pytest.mark.parametrize("name", ["small", "demo", "namespaces"])
def test_classes_change_nothing_of_what_is_bundled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A border owns all of IPv4 and IPv6, of which it leads most on; rules name prefixes."""
    network = build(load_fabric(TOPOLOGIES / f"{name}.yaml"), lock=False)
    reach = reachability(World.compiled(compile_network(network)))
    by_class, by_span = twice(reach, monkeypatch)
    assert by_class == by_span


def twice(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Sources, by class and by span."""
    said = []
    for made in (same_rows, alone):
        monkeypatch.setattr(address_classes, "same_rows", made)
        found = regions(reach)
        said.append(sorted((*_who(sender), _told(found, sender)) for sender in found.sources))
    return said[0], said[1]


def _who(sender: Sender) -> tuple[Any, ...]:
    return sender.endpoint, sender.version, sender.ranges


def _told(found: AllRegions, sender: Sender) -> list[tuple[Any, ...]]:
    """Ranges with the verdicts of all choices of ECMP, however profiles are numbered."""
    return [
        (a, b, sorted((found.profiles.values[p].tolist(), e, v) for p, e, v in choices))
        for a, b, choices in found.stretches(sender)
    ]
