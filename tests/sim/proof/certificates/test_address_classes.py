"""Regions are the same when each span of addresses is a class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from class_laws import BUNDLED, DRAWN, bundled, change_nothing
from compiled import compile_network
from hypothesis import given
from random_worlds import policies, worlds

from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.numbering import Numbering, same_rows
from sim.proof.certificates import address_classes
from sim.proof.certificates.regions import AllRegions, Sender, regions
from sim.proof.pairs.reachability import Reach, reachability
from sim.worlds.world import World


def alone(columns: Sequence[Any]) -> Numbering:
    """No two spans are alike."""
    return same_rows([*columns, np.arange(len(columns[0]))])


@pytest.mark.slices(3)
@DRAWN
@given(worlds(), policies())
def test_classes_change_nothing(network: Network, policy: Policy) -> None:
    reach = reachability(World(network, policy))
    change_nothing(lambda: said(reach), address_classes, "same_rows", alone)


@BUNDLED
def test_classes_change_nothing_of_what_is_bundled(name: str) -> None:
    reach = reachability(World.compiled(compile_network(bundled(name))))
    change_nothing(lambda: said(reach), address_classes, "same_rows", alone)


def said(reach: Reach) -> list[tuple[Any, ...]]:
    """Sources, sorted."""
    found = regions(reach)
    return sorted((*_who(sender), _told(found, sender)) for sender in found.sources)


def _who(sender: Sender) -> tuple[Any, ...]:
    return sender.endpoint, sender.version, sender.ranges


def _told(found: AllRegions, sender: Sender) -> list[tuple[Any, ...]]:
    """Ranges with the verdicts of all choices of ECMP, however profiles are numbered."""
    return [
        (a, b, sorted((found.profiles.values[p].tolist(), e, v) for p, e, v in choices))
        for a, b, choices in found.runs(sender)
    ]
