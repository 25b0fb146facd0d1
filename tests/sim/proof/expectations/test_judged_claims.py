"""A line about a Service is one claim for each set of ports at which its pods get packets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabric.values.ports import PortRange
from sim.proof.expectations.judged_claims import Claim

ONE = Claim(0, "deny", "a", "service s", False, (PortRange(6, 80, 80),))
PARTS = tuple(
    replace(ONE, ports=(PortRange(6, port, port),), pods=pods)
    for port, pods in ((8080, (1, 3)), (9090, (2,)))
)


def test_each_pod_is_asked_at_its_own_ports() -> None:
    whole = replace(ONE, parts=PARTS)
    assert whole.each == PARTS
    assert [whole.at(pod) for pod in (1, 2, 3)] == [PARTS[0], PARTS[1], PARTS[0]]
    with pytest.raises(StopIteration):
        whole.at(4)


def test_any_other_line_is_the_same_for_all() -> None:
    assert ONE.each == (ONE,) and ONE.at(7) == ONE
