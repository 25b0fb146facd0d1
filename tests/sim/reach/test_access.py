"""Who may open what to whom, of a few pods whose policies permit everything."""

from __future__ import annotations

import numpy as np
import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from fabric.values.ports import parse_ports
from sim.proof.pairs.reachability import reachability
from sim.reach.access import access
from sim.worlds.world import World

A, B = ("10.0.0.1/32", "fd00::1/128"), ("10.0.0.2/32", "fd00::2/128")


@pytest.mark.parametrize(
    ("ports", "families"),
    [("icmp4", (4,)), ("icmp6", (6,)), ("icmp", (4, 6)), ("icmp4,tcp", (4, 6)), ("tcp", (4, 6))],
)
def test_packets_are_asked_of_the_ip_version_in_which_they_are_sent(
    ports: str, families: tuple[int, ...]
) -> None:
    ends = [at(0, endpoint(0, "acme/web/a", 0, *A)), at(1, endpoint(1, "acme/web/b", 0, *B))]
    rows = [*((p, [(0, 0)]) for p in A), *((p, [(1, 0)]) for p in B)]
    tables = {(0, 0): rows, (1, 0): rows}
    reach = reachability(World(routed(["dpu1", "dpu2"], ["acme/main"], ends, tables), Policy()))
    first = np.array([True, False])
    (row,) = access(reach, first, ~first, parse_ports(ports))
    assert (row.source, row.target, row.families) == ("acme/web/a", "acme/web/b", families)
