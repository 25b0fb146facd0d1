"""What becomes of packets is the same when each atom of addresses is a class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from class_laws import BUNDLED, DRAWN, bundled, change_nothing
from hypothesis import given
from random_worlds import policies, worlds

from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.checker.expected import policy_of
from sim.checker.walking import address_atoms
from sim.checker.walking.paths import Paths
from sim.checker.writing import sections

FOUND = address_atoms.alike


def alone(columns: Sequence[Any], among: Any = None) -> address_atoms.Alike:
    """No two atoms are alike."""
    return FOUND([*columns, np.arange(len(columns[0]))], among)


def said(network: Network, policy: Policy) -> tuple[Any, ...]:
    """Regions, packets and pairs of VRFs."""
    paths = Paths(network, policy)
    return sections(paths.regions(), paths.names), paths.visited, paths.undeclared


@pytest.mark.slices(3)
@DRAWN
@given(worlds(), policies())
def test_classes_change_nothing(network: Network, policy: Policy) -> None:
    change_nothing(lambda: said(network, policy), address_atoms, "alike", alone)


@BUNDLED
def test_classes_change_nothing_of_what_is_bundled(name: str) -> None:
    network = bundled(name)
    change_nothing(lambda: said(network, policy_of(network)), address_atoms, "alike", alone)
