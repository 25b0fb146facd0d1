"""What becomes of packets is the same when each stretch of addresses is a class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from random_worlds import policies, worlds

from compiler.policy.ir import Policy
from fabric.build import build
from fabric.load import load_fabric
from fabric.network import Network
from sim.checker import stretches
from sim.checker.expected import policy_of
from sim.checker.paths import Paths
from sim.checker.writing import sections

FOUND = stretches.alike
TOPOLOGIES = Path(__file__).parents[3] / "topologies"


def alone(columns: Sequence[Any], among: Any = None) -> stretches.Alike:
    """No two stretches are alike."""
    return FOUND([*columns, np.arange(len(columns[0]))], among)


def twice(
    network: Network, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Regions, packets and pairs of VRFs, by class and by stretch."""
    found = []
    for made in (FOUND, alone):
        monkeypatch.setattr(stretches, "alike", made)
        paths = Paths(network, policy)
        found.append((sections(paths.regions(), paths.names), paths.visited, paths.undeclared))
    return found[0], found[1]


@pytest.mark.slices(3)
@settings(
    max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(worlds(), policies())
def test_classes_change_nothing(
    monkeypatch: pytest.MonkeyPatch, network: Network, policy: Policy
) -> None:
    by_class, by_stretch = twice(network, policy, monkeypatch)
    assert by_class == by_stretch


@pytest.mark.parametrize("name", ["small", "demo", "namespaces"])
def test_classes_change_nothing_of_what_is_bundled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A border owns all of IPv4 and IPv6, of which it leads most on; rules name prefixes."""
    network = build(load_fabric(TOPOLOGIES / f"{name}.yaml"), lock=False)
    by_class, by_stretch = twice(network, policy_of(network), monkeypatch)
    assert by_class == by_stretch
